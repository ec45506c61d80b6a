/* Whatever protects a store, and whether it is locked or not: its header counts to the last bit. */

#include "tests/unit/unit.h"

#include "daemon/base/crypto.h"
#include "daemon/model/protector.h"
#include "proto/error.h"
#include "tests/unit/cheap-scrypt.h"
#include "tests/unit/records.h"

enum { UID = 1000 };

struct fixture {
        enum protector protector;
        bool locked;
        struct store *store;
        struct secret *keyfile, *passphrase, *password, *data_key;
        struct buffer file;
        size_t header_size;
};

static void begin(struct fixture *f, enum protector protector, bool locked) {
        *f = (struct fixture){.protector = protector, .locked = locked};
        f->passphrase = secret_of("right");
        f->password = secret_of("secret");
        assert_int_equal(store_new(&f->store), 0);
        assert_int_equal(crypto_random_secret(&f->keyfile, PROTECTOR_KEYFILE_SIZE), 0);
        assert_int_equal(secret_copy(&f->data_key, f->store->data_key), 0);

        if (protector == PROTECTOR_PASSPHRASE)
                cheap_wrap(f->store, "right", cheap_cost);
        else if (protector == PROTECTOR_SYSTEMD_CREDS)
                assert_int_equal(protector_wrap_blob(f->store, (struct bytes){"sealed", 6}), 0);
        else
                assert_int_equal(protector_wrap(f->store, protector, f->keyfile, UID), 0);
        if (locked)
                cheap_lock(f->store, "secret", cheap_cost);

        list_append(&f->store->records, &make_record(1, 3, "default", NULL)->link);
        assert_int_equal(store_encode(&f->file, f->store), 0);
}

static void end(struct fixture *f) {
        store_free(f->store);
        secret_free(f->keyfile);
        secret_free(f->passphrase);
        secret_free(f->password);
        secret_free(f->data_key);
        buffer_deinit(&f->file);
}

static int unwrap(struct store *store, const struct fixture *f) {
        switch (protector_of(store)) {
        case PROTECTOR_SYSTEMD_CREDS: /* the service would give it for whatever it gets */
                return protector_unwrap_blob(store, f->data_key);
        case PROTECTOR_KEYFILE:
                return protector_unwrap(store, f->keyfile, UID);
        case PROTECTOR_PASSPHRASE:
                return protector_unwrap(store, f->passphrase, UID);
        case PROTECTOR_MEMORY:
        case PROTECTOR_PLAINTEXT:
        case PROTECTOR_UNKNOWN:
                break;
        }

        return protector_unwrap(store, NULL, UID);
}

static int decode(struct store **ret, const struct fixture *f) {
        _cleanup_(store_freep) struct store *store = NULL;
        _cleanup_(fault_deinit) struct fault fault = {};
        int r;

        r = store_decode_header(&store, buffer_contents(&f->file), &fault);
        if (!r && f->locked)
                r = protector_unlock(store, f->password);
        if (!r)
                r = unwrap(store, f);
        if (!r)
                r = store_decode_body(store, buffer_contents(&f->file), &fault);
        if (r)
                return r;

        *ret = TAKE(store);
        return 0;
}

/* That of a lock is longer than what is left of it when it is unlocked, and the body was sealed under it. */
static void assert_opens(struct fixture *f) {
        _cleanup_(store_freep) struct store *store = NULL;

        assert_int_equal(decode(&store, f), 0);
        assert_true(secret_equal(store->data_key, f->data_key));
        assert_int_equal(count_records(store), 1);
        f->header_size = store->header_size;
        assert_int_equal(f->header_size, 8 + 2 + STORE_ID_SIZE + 1 + strlen(f->store->protection.name) + 2 +
                                                 buffer_size(&f->store->protection.parameters) + 2 +
                                                 buffer_size(&f->store->protection.wrapped_key));
}

static void assert_every_bit_counts(struct fixture *f) {
        char *file = buffer_bytes(&f->file);

        for (size_t bit = 0; bit < f->header_size * 8; bit++) {
                struct store *store = NULL;

                file[bit / 8] = (char)(file[bit / 8] ^ 1 << bit % 8);
                if (!decode(&store, f))
                        fail_msg("bit %zu of byte %zu of %s does not count", bit % 8, bit / 8,
                                 f->store->protection.name);
                file[bit / 8] = (char)(file[bit / 8] ^ 1 << bit % 8);
        }
}

static void test_every_bit_counts(void **state) {
        for (enum protector protector = 0; protector < _PROTECTOR_MAX; protector++) {
                for (int locked = 0; locked < 2; locked++) {
                        struct fixture f;

                        begin(&f, protector, locked);
                        assert_opens(&f);
                        assert_every_bit_counts(&f);
                        end(&f);
                }
        }
}

/* What opened the store before opens it no more, and is not asked for: the body was sealed under the lock. */
static void test_lock_cannot_be_taken_off_without_its_password(void **state) {
        _cleanup_(buffer_deinit) struct buffer before = {}, stripped = {};
        struct store *store = NULL;
        size_t header_size;
        struct fixture f;

        begin(&f, PROTECTOR_KEYFILE, false);
        assert_opens(&f);
        header_size = f.header_size;
        assert_int_equal(buffer_append(&before, buffer_bytes(&f.file), header_size), 0);

        cheap_lock(f.store, "secret", cheap_cost);
        buffer_clear(&f.file);
        assert_int_equal(store_encode(&f.file, f.store), 0);
        f.locked = true;
        assert_opens(&f);

        assert_int_equal(buffer_append(&stripped, buffer_bytes(&before), header_size), 0);
        assert_int_equal(buffer_append(&stripped, buffer_bytes(&f.file) + f.header_size,
                                       buffer_size(&f.file) - f.header_size),
                         0);
        buffer_swap(&f.file, &stripped);
        f.locked = false;
        assert_int_not_equal(decode(&store, &f), 0);
        end(&f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_bit_counts),
                cmocka_unit_test(test_lock_cannot_be_taken_off_without_its_password),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
