/* Store: the file as it may be found, the body behind its seal, whatever protects it, and changes to what is in
 * it. */

#include "tests/fuzz/fuzz.h"

#include <errno.h>

#include "daemon/base/crypto.h"
#include "daemon/model/protector.h"
#include "daemon/model/record.h"
#include "proto/error.h"

enum { UID = 1000 };

/* How a store is protected: which of them chooses. */
static const struct means {
        enum protector protector;
        bool locked;
} means[] = {
        {PROTECTOR_KEYFILE, false},   {PROTECTOR_KEYFILE, true},   {PROTECTOR_PASSPHRASE, false},
        {PROTECTOR_PASSPHRASE, true}, {PROTECTOR_MEMORY, false},   {PROTECTOR_MEMORY, true},
        {PROTECTOR_PLAINTEXT, false}, {PROTECTOR_PLAINTEXT, true},
};

int __wrap_crypto_scrypt(struct secret **ret, size_t n, const struct secret *passphrase,
                         const struct crypto_scrypt *cost);

/* Without the cost, which would leave no time for anything else. */
int __wrap_crypto_scrypt(struct secret **ret, size_t n, const struct secret *passphrase,
                         const struct crypto_scrypt *cost) {
        const unsigned char info[] = {(unsigned char)__builtin_ctzll(cost->n), (unsigned char)cost->r,
                                      (unsigned char)cost->p};

        return crypto_hkdf_sha256(ret, n, passphrase, cost->salt, (struct bytes){info, sizeof(info)});
}

/* Contents of a key file, and as good a passphrase as any. */
static struct secret *make_key(size_t n) {
        struct secret *key;

        CLAIM(secret_new_empty(&key, n) == 0);
        memset(secret_data(key), 'k', n);
        return key;
}

static void check_fault(int r, const struct fault *fault) {
        CLAIM(r == AGENT_ERROR_STORAGE_FAILED && fault->r == r);
        CLAIM(fuzz_is_line(fault_message(fault)));
}

static void check_description(const struct store *store) {
        _cleanup_(freep) char *words = NULL;

        CLAIM(protector_describe(&words, store) == 0 && fuzz_is_line(words) && *words);
}

/* For anybody to read. */
static bool holds_its_key(const struct store *store) {
        enum protector protector = protector_of(store);

        return (protector == PROTECTOR_PLAINTEXT || protector == PROTECTOR_MEMORY) &&
               !protector_is_locked(store) && buffer_size(&store->protection.parameters) == 0 &&
               buffer_size(&store->protection.wrapped_key) == CRYPTO_KEY_SIZE;
}

/* Nobody can seal what a fuzzer makes up, so a body never opens. */
static void check_file(struct bytes file) {
        _cleanup_(store_freep) struct store *store = NULL;
        _cleanup_(buffer_deinit) struct buffer context = {};
        _cleanup_(secret_freep) struct secret *key = make_key(PROTECTOR_KEYFILE_SIZE);
        _cleanup_(fault_deinit) struct fault fault = {};
        int r;

        r = store_decode_header(&store, file, &fault);
        if (r) {
                check_fault(r, &fault);
                return;
        }

        CLAIM(fuzz_is_line(store->protection.name) && *store->protection.name);
        check_description(store);
        CLAIM(store_key_context(&context, store) == 0 && buffer_size(&context) <= file.n);
        CLAIM(memcmp(buffer_bytes(&context), file.data, buffer_size(&context)) == 0);
        CLAIM(!protector_is_locked(store) || protector_unlock(store, key) == -EBADMSG);
        CLAIM(protector_unwrap(store, key, UID) == (holds_its_key(store) ? 0 : -EBADMSG));
        CLAIM(!store->data_key == !holds_its_key(store));

        if (!store->data_key)
                store->data_key = make_key(CRYPTO_KEY_SIZE);
        r = store_decode_body(store, file, &fault);
        check_fault(r, &fault);
        CLAIM(list_is_empty(&store->records));
}

/* Records from the front, up to the first that is none. */
static void decode_records(struct list *records, struct bytes body) {
        struct record *record;
        struct bytes rest = body;

        while (record_decode(&record, &rest) == 0) {
                _cleanup_(buffer_deinit) struct buffer again = {};
                size_t n = body.n - rest.n;

                CLAIM(record_encode(&again, record) == 0);
                CLAIM(buffer_size(&again) == n && memcmp(buffer_bytes(&again), body.data, n) == 0);
                list_append(records, &record->link);
                body = rest;
        }
}

static struct store *make_store(struct bytes body, const struct means *by, const struct secret *key) {
        const struct secret *secret =
                by->protector == PROTECTOR_KEYFILE || by->protector == PROTECTOR_PASSPHRASE ? key : NULL;
        struct store *store;

        CLAIM(store_new(&store) == 0);
        decode_records(&store->records, body);
        CLAIM(protector_wrap(store, by->protector, secret, UID) == 0);
        CLAIM(!by->locked || protector_lock(store, key) == 0);
        CLAIM(protector_of(store) == by->protector && protector_is_locked(store) == by->locked);
        check_description(store);
        return store;
}

static void encode_records(struct buffer *out, const struct store *store) {
        for (struct list *l = store->records.next; l != &store->records; l = l->next)
                CLAIM(record_encode(out, CONTAINER(l, struct record, link)) == 0);
}

static int reopen(struct store **ret, struct bytes file, const struct secret *key) {
        _cleanup_(store_freep) struct store *store = NULL;
        _cleanup_(fault_deinit) struct fault fault = {};
        int r;

        r = store_decode_header(&store, file, &fault);
        if (!r && protector_is_locked(store))
                r = protector_unlock(store, key);
        r = r ?: protector_unwrap(store, key, UID);
        r = r ?: store_decode_body(store, file, &fault);
        if (!r)
                *ret = TAKE(store);
        return r;
}

/* What is sealed opens as it was, and not with any bit changed. */
static void check_sealed(struct bytes body, const struct means *by, size_t where, unsigned char change) {
        _cleanup_(secret_freep) struct secret *key = make_key(PROTECTOR_KEYFILE_SIZE);
        _cleanup_(store_freep) struct store *store = make_store(body, by, key), *again = NULL;
        _cleanup_(buffer_deinit) struct buffer file = {}, before = {}, after = {};
        int r;

        CLAIM(store_encode(&file, store) == 0);
        buffer_bytes(&file)[where % buffer_size(&file)] ^= (char)change;
        r = reopen(&again, (struct bytes){buffer_bytes(&file), buffer_size(&file)}, key);
        CLAIM((r == 0) == (change == 0));
        if (r)
                return;

        CLAIM(!store_version_is_none(&store->version));
        CLAIM(store_version_equal(&store->version, &again->version));
        encode_records(&before, store);
        encode_records(&after, again);
        CLAIM(fuzz_equal(&before, &after));
}

static struct record *find_account(const struct store *store, const char *profile) {
        for (struct list *l = store->records.next; l != &store->records; l = l->next) {
                struct record *record = CONTAINER(l, struct record, link);

                if (record->kind == RECORD_ACCOUNT && streq(record->profile, profile))
                        return record;
        }

        return NULL;
}

/* The records become changes, of types that their generations choose. */
static void decode_changes(struct list *changes, struct bytes body) {
        struct list records = LIST_INIT(records), *first;

        decode_records(&records, body);
        while ((first = list_first(&records))) {
                struct record *record = CONTAINER(first, struct record, link);
                struct change *change = calloc(1, sizeof(*change));

                CLAIM(change);
                list_unlink(first);
                change->record = record;
                change->type = (enum change_type)(record->uuid[15] % (CHANGE_REMOVE + 1));
                list_append(changes, &change->link);
        }
}

static void check_changes(struct bytes body, struct bytes more) {
        _cleanup_(secret_freep) struct secret *key = make_key(PROTECTOR_KEYFILE_SIZE);
        _cleanup_(store_freep) struct store *store = make_store(body, &means[0], key);
        _cleanup_(buffer_deinit) struct buffer before = {}, after = {};
        struct list changes = LIST_INIT(changes);
        bool changed = true;

        decode_changes(&changes, more);
        encode_records(&before, store);
        CLAIM(store_apply(store, &changes, &changed) == 0);
        encode_records(&after, store);
        CLAIM(changed || fuzz_equal(&before, &after));

        for (struct list *l = store->records.next; l != &store->records; l = l->next) {
                struct record *record = CONTAINER(l, struct record, link);

                CLAIM(record->kind == RECORD_ACCOUNT || find_account(store, record->profile));
        }

        change_free_all(&changes);
}

/* which: a file · means and body · means, a byte of the file changed, body · records and, behind their length,
 * changes */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        struct bytes input = {data, n}, first;
        const struct means *by;
        size_t where;

        switch (fuzz_byte(&input) % 4) {
        case 0:
                check_file(input);
                break;
        case 1:
                by = means + fuzz_byte(&input) % ARRAY_SIZE(means);
                check_sealed(input, by, 0, 0);
                break;
        case 2:
                by = means + fuzz_byte(&input) % ARRAY_SIZE(means);
                where = fuzz_byte(&input) * (size_t)256 + fuzz_byte(&input);
                check_sealed(input, by, where, 1);
                break;
        default:
                first = fuzz_counted(&input);
                check_changes(first, input);
        }

        return 0;
}
