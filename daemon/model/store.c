#include "daemon/model/store.h"

#include <errno.h>

#include "daemon/base/crypto.h"
#include "daemon/model/pack.h"
#include "daemon/model/record.h"
#include "proto/error.h"

#define STORE_MAGIC "GLOBUSAG"

enum {
        MAGIC_SIZE = sizeof(STORE_MAGIC) - 1,
        FORMAT_WIDTH = 2,
        PROTECTOR_WIDTH = 1,
        PARAMETERS_WIDTH = 2,
        WRAPPED_KEY_WIDTH = 2,
};

void protection_deinit(struct protection *protection) {
        free(protection->name);
        buffer_deinit(&protection->parameters);
        buffer_deinit(&protection->wrapped_key);
        *protection = (struct protection){};
}

void protection_swap(struct protection *a, struct protection *b) {
        struct protection held = *a;

        *a = *b;
        *b = held;
}

int protection_copy(struct protection *ret, const struct protection *protection) {
        struct bytes parameters = buffer_contents(&protection->parameters);
        struct bytes wrapped_key = buffer_contents(&protection->wrapped_key);
        _cleanup_(protection_deinit) struct protection copy = {};
        int r = 0;

        if (protection->name) {
                copy.name = strdup(protection->name);
                r = copy.name ? 0 : -ENOMEM;
        }
        if (!r)
                r = buffer_append(&copy.parameters, parameters.data, parameters.n);
        if (!r)
                r = buffer_append(&copy.wrapped_key, wrapped_key.data, wrapped_key.n);
        if (r)
                return r;

        protection_swap(ret, &copy);
        return 0;
}

int store_key_copy(struct store_key *ret, const struct store_key *key) {
        struct store_key copy = {};
        int r;

        memcpy(copy.id, key->id, sizeof(copy.id));
        r = protection_copy(&copy.protection, &key->protection);
        if (!r && key->data_key)
                r = secret_copy(&copy.data_key, key->data_key);
        if (r) {
                store_key_deinit(&copy);
                return r;
        }

        *ret = copy;
        return 0;
}

void store_key_deinit(struct store_key *key) {
        protection_deinit(&key->protection);
        key->data_key = secret_free(key->data_key);
}

static int store_new_empty(struct store **ret) {
        struct store *store;

        store = calloc(1, sizeof(*store));
        if (!store)
                return -ENOMEM;

        list_init(&store->records);
        *ret = store;
        return 0;
}

int store_new(struct store **ret) {
        _cleanup_(store_freep) struct store *store = NULL;
        int r;

        r = store_new_empty(&store);
        if (r)
                return r;
        r = crypto_random(store->id, sizeof(store->id));
        if (r)
                return r;
        r = crypto_random_secret(&store->data_key, CRYPTO_KEY_SIZE);
        if (r)
                return r;

        *ret = TAKE(store);
        return 0;
}

int store_new_with_key(struct store **ret, const struct store_key *key) {
        _cleanup_(store_freep) struct store *store = NULL;
        int r;

        r = store_new_empty(&store);
        if (!r)
                r = protection_copy(&store->protection, &key->protection);
        if (!r)
                r = secret_copy(&store->data_key, key->data_key);
        if (r)
                return r;

        memcpy(store->id, key->id, sizeof(store->id));
        *ret = TAKE(store);
        return 0;
}

struct store *store_free(struct store *store) {
        struct list *first;

        if (!store)
                return NULL;

        while ((first = list_first(&store->records)))
                record_free(CONTAINER(first, struct record, link));

        protection_deinit(&store->protection);
        secret_free(store->data_key);
        free(store);
        return NULL;
}

int store_key_context(struct buffer *out, const struct store *store) {
        int r;

        r = buffer_append(out, STORE_MAGIC, MAGIC_SIZE);
        if (r)
                return r;
        r = pack_integer(out, FORMAT_WIDTH, STORE_FORMAT);
        if (r)
                return r;
        r = buffer_append(out, store->id, sizeof(store->id));
        if (r)
                return r;
        r = pack_string(out, PROTECTOR_WIDTH, store->protection.name);
        if (r)
                return r;

        return pack_bytes(out, PARAMETERS_WIDTH, buffer_contents(&store->protection.parameters));
}

static int encode_header(struct buffer *out, const struct store *store) {
        int r;

        r = store_key_context(out, store);
        if (r)
                return r;

        return pack_bytes(out, WRAPPED_KEY_WIDTH, buffer_contents(&store->protection.wrapped_key));
}

/* The sealed body begins with it. */
static void set_version(struct store *store, struct bytes sealed) {
        if (sealed.n >= CRYPTO_NONCE_SIZE)
                memcpy(store->version.bytes, sealed.data, CRYPTO_NONCE_SIZE);
}

int store_encode(struct buffer *out, struct store *store) {
        _cleanup_(buffer_deinit) struct buffer header = {0}, body = {0};
        size_t begin = buffer_size(out);
        int r;

        r = encode_header(&header, store);
        if (r)
                return r;

        for (struct list *l = store->records.next; l != &store->records; l = l->next) {
                r = record_encode(&body, CONTAINER(l, struct record, link));
                if (r)
                        return r;
        }

        if (buffer_size(&header) + buffer_size(&body) + CRYPTO_SEAL_OVERHEAD > STORE_FILE_MAX)
                return -EFBIG;

        r = buffer_append(out, buffer_bytes(&header), buffer_size(&header));
        if (r)
                return r;

        r = crypto_seal(out, store->data_key, buffer_contents(&header), buffer_contents(&body));
        if (r)
                return r;

        begin += buffer_size(&header);
        set_version(store, (struct bytes){buffer_bytes(out) + begin, buffer_size(out) - begin});
        return 0;
}

/* -EBADMSG is what a file is to blame for; anything else is the machine's trouble. */
static int decode_fault(struct fault *fault, int r, const char *what) {
        if (r != -EBADMSG)
                return fault_set(fault, r, NULL);

        return fault_set(fault, AGENT_ERROR_STORAGE_FAILED, "%s: restore it", what);
}

static int decode_magic(struct bytes *from, struct fault *fault) {
        struct bytes magic;
        uint64_t format;
        size_t n = MIN(from->n, (size_t)MAGIC_SIZE);

        if (n > 0 && memcmp(from->data, STORE_MAGIC, n) != 0)
                return decode_fault(fault, -EBADMSG, "is not a store of globus-agent");
        if (unpack(&magic, from, MAGIC_SIZE) || unpack_integer(&format, from, FORMAT_WIDTH))
                return decode_fault(fault, -EBADMSG, "is cut short");
        if (format > STORE_FORMAT)
                return fault_set(fault, AGENT_ERROR_STORAGE_FAILED,
                                 "was written by a newer globus-agent: install that one");
        if (format < STORE_FORMAT)
                return decode_fault(fault, -EBADMSG, "is damaged");

        return 0;
}

/* The name stands in messages, so it is what a name may be and nothing else. */
static bool protector_name_is_valid(const char *name) {
        return name && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static int unpack_buffer(struct buffer *ret, struct bytes *from, size_t width) {
        struct bytes bytes;
        int r;

        r = unpack_bytes(&bytes, from, width);
        if (r || bytes.n == 0)
                return r;

        return buffer_append(ret, bytes.data, bytes.n);
}

static int decode_protection(struct store *store, struct bytes *from) {
        struct bytes id;
        int r;

        r = unpack(&id, from, sizeof(store->id));
        if (r)
                return r;
        memcpy(store->id, id.data, sizeof(store->id));

        r = unpack_string(&store->protection.name, from, PROTECTOR_WIDTH);
        if (r)
                return r;
        if (!protector_name_is_valid(store->protection.name))
                return -EBADMSG;

        r = unpack_buffer(&store->protection.parameters, from, PARAMETERS_WIDTH);
        if (r)
                return r;

        return unpack_buffer(&store->protection.wrapped_key, from, WRAPPED_KEY_WIDTH);
}

int store_decode_header(struct store **ret, struct bytes file, struct fault *fault) {
        _cleanup_(store_freep) struct store *store = NULL;
        size_t n = file.n;
        int r;

        r = decode_magic(&file, fault);
        if (r)
                return r;
        r = store_new_empty(&store);
        if (r)
                return fault_set(fault, r, NULL);
        r = decode_protection(store, &file);
        if (r)
                return decode_fault(fault, r, "is damaged or cut short");

        store->header_size = n - file.n;
        set_version(store, file);
        *ret = TAKE(store);
        return 0;
}

static int decode_records(struct store *store, struct bytes from) {
        while (from.n > 0) {
                struct record *record;
                int r;

                r = record_decode(&record, &from);
                if (r)
                        return r;

                list_append(&store->records, &record->link);
        }

        return 0;
}

int store_decode_body(struct store *store, struct bytes file, struct fault *fault) {
        _cleanup_(secret_freep) struct secret *body = NULL;
        struct bytes header;
        int r;

        r = unpack(&header, &file, store->header_size);
        if (!r)
                r = crypto_open(&body, store->data_key, header, file);
        if (!r)
                r = decode_records(store, (struct bytes){secret_bytes(body), secret_size(body)});
        if (r)
                return decode_fault(fault, r, "is damaged or cut short");

        return 0;
}
