/* The key file opens its own store for its own user, and nothing else does. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/base/crypto.h"
#include "daemon/model/protector.h"

enum { UID = 1000 };

struct fixture {
        struct store *store;
        struct secret *keyfile, *data_key;
};

static int setup(void **state) {
        struct fixture *f = calloc(1, sizeof(*f));

        assert_int_equal(store_new(&f->store), 0);
        assert_int_equal(crypto_random_secret(&f->keyfile, PROTECTOR_KEYFILE_SIZE), 0);
        assert_int_equal(protector_wrap(f->store, PROTECTOR_KEYFILE, f->keyfile, UID), 0);
        f->data_key = TAKE(f->store->data_key);
        *state = f;
        return 0;
}

static int teardown(void **state) {
        struct fixture *f = *state;

        store_free(f->store);
        secret_free(f->keyfile);
        secret_free(f->data_key);
        free(f);
        return 0;
}

static void assert_refused(struct fixture *f, const struct secret *keyfile, uid_t uid) {
        assert_int_equal(protector_unwrap(f->store, keyfile, uid), -EBADMSG);
        assert_null(f->store->data_key);
}

static void test_opens(void **state) {
        struct fixture *f = *state;

        assert_string_equal(f->store->protection.name, "keyfile");
        assert_int_equal(buffer_size(&f->store->protection.parameters), 0);
        assert_int_equal(buffer_size(&f->store->protection.wrapped_key),
                         CRYPTO_KEY_SIZE + CRYPTO_SEAL_OVERHEAD);

        assert_int_equal(protector_unwrap(f->store, f->keyfile, UID), 0);
        assert_true(secret_equal(f->store->data_key, f->data_key));
}

static void test_names(void **state) {
        for (enum protector protector = 0; protector < _PROTECTOR_MAX; protector++)
                assert_int_equal(protector_find(protector_name(protector)), protector);
        assert_string_equal(protector_name(PROTECTOR_UNKNOWN), "unknown");
        assert_int_equal(protector_find("unknown"), PROTECTOR_UNKNOWN);
}

static void test_other_key_or_uid(void **state) {
        _cleanup_(secret_freep) struct secret *other = NULL, *brief = NULL;
        struct fixture *f = *state;

        assert_int_equal(crypto_random_secret(&other, PROTECTOR_KEYFILE_SIZE), 0);
        assert_int_equal(secret_new(&brief, secret_bytes(f->keyfile), PROTECTOR_KEYFILE_SIZE - 1), 0);

        assert_refused(f, other, UID);
        assert_refused(f, brief, UID);
        assert_refused(f, f->keyfile, UID + 1);
        f->store->data_key = TAKE(f->data_key);
        assert_int_equal(protector_wrap(f->store, PROTECTOR_KEYFILE, brief, UID), -EINVAL);
}

static void test_header_is_authenticated(void **state) {
        struct fixture *f = *state;

        f->store->id[0] ^= 1;
        assert_refused(f, f->keyfile, UID);
        f->store->id[0] ^= 1;

        for (size_t i = 0; i < buffer_size(&f->store->protection.wrapped_key); i++) {
                buffer_bytes(&f->store->protection.wrapped_key)[i] ^= 1;
                assert_refused(f, f->keyfile, UID);
                buffer_bytes(&f->store->protection.wrapped_key)[i] ^= 1;
        }

        assert_int_equal(buffer_append(&f->store->protection.parameters, "x", 1), 0);
        assert_refused(f, f->keyfile, UID);
        buffer_clear(&f->store->protection.parameters);

        f->store->protection.name[0] = 'K';
        assert_refused(f, f->keyfile, UID);
        f->store->protection.name[0] = 'k';

        assert_int_equal(protector_unwrap(f->store, f->keyfile, UID), 0);
}

/* A header made by somebody who has the key file, but wraps what is no key. */
static void test_data_key_of_another_size(void **state) {
        struct fixture *f = *state;

        assert_int_equal(crypto_random_secret(&f->store->data_key, CRYPTO_KEY_SIZE - 1), 0);
        assert_int_equal(protector_wrap(f->store, PROTECTOR_KEYFILE, f->keyfile, UID), 0);
        f->store->data_key = secret_free(f->store->data_key);
        assert_refused(f, f->keyfile, UID);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_opens, setup, teardown),
                cmocka_unit_test_setup_teardown(test_other_key_or_uid, setup, teardown),
                cmocka_unit_test_setup_teardown(test_header_is_authenticated, setup, teardown),
                cmocka_unit_test_setup_teardown(test_data_key_of_another_size, setup, teardown),
                cmocka_unit_test(test_names),
        };

        return cmocka_run_group_tests_name("protector", tests, NULL, NULL);
}
