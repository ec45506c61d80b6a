/* Passphrases, passwords, what others wrap, and what nothing does: what opens a store, and what reading its
 * header may cost. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/base/crypto.h"
#include "daemon/model/protector.h"
#include "tests/unit/cheap-scrypt.h"

enum { UID = 1000, COST_SIZE = 3, SALT_SIZE = 16, WRAPPED_SIZE = CRYPTO_KEY_SIZE + CRYPTO_SEAL_OVERHEAD };

static struct store *store;
static struct secret *keyfile, *data_key;

static int setup(void **state) {
        assert_int_equal(store_new(&store), 0);
        assert_int_equal(secret_copy(&data_key, store->data_key), 0);
        assert_int_equal(crypto_random_secret(&keyfile, PROTECTOR_KEYFILE_SIZE), 0);
        return 0;
}

static int teardown(void **state) {
        store = store_free(store);
        keyfile = secret_free(keyfile);
        data_key = secret_free(data_key);
        return 0;
}

static void forget_key(void) {
        store->data_key = secret_free(store->data_key);
}

static void assert_opens(const struct secret *secret) {
        forget_key();
        assert_int_equal(protector_unwrap(store, secret, UID), 0);
        assert_true(secret_equal(store->data_key, data_key));
}

static void assert_refused(const struct secret *secret) {
        forget_key();
        assert_int_equal(protector_unwrap(store, secret, UID), -EBADMSG);
        assert_null(store->data_key);
}

static int unwrap_with(const char *passphrase) {
        _cleanup_(secret_freep) struct secret *secret = secret_of(passphrase);

        forget_key();
        return protector_unwrap(store, secret, UID);
}

static int lock_with(const char *password) {
        _cleanup_(secret_freep) struct secret *secret = secret_of(password);

        return protector_lock(store, secret);
}

static int unlock_with(const char *password) {
        _cleanup_(secret_freep) struct secret *secret = secret_of(password);

        return protector_unlock(store, secret);
}

/* At the cost that it has in earnest, which the memory has to be allowed for. */
static void test_passphrase(void **state) {
        _cleanup_(secret_freep) struct secret *right = secret_of("correct horse"), *wrong = secret_of("horse");
        struct buffer *parameters = &store->protection.parameters;
        unsigned char salt[SALT_SIZE];

        assert_int_equal(protector_wrap(store, PROTECTOR_PASSPHRASE, right, UID), 0);
        assert_string_equal(store->protection.name, "passphrase");
        assert_int_equal(protector_of(store), PROTECTOR_PASSPHRASE);
        assert_int_equal(buffer_size(parameters), COST_SIZE + SALT_SIZE);
        assert_memory_equal(buffer_bytes(parameters), "\x11\x08\x01", COST_SIZE);
        assert_int_equal(buffer_size(&store->protection.wrapped_key), WRAPPED_SIZE);
        memcpy(salt, buffer_bytes(parameters) + COST_SIZE, SALT_SIZE);

        assert_opens(right);
        assert_refused(wrong);
        assert_refused(NULL);
        assert_int_equal(secret_copy(&store->data_key, data_key), 0);
        assert_int_equal(protector_wrap(store, PROTECTOR_PASSPHRASE, right, UID), 0);
        assert_memory_not_equal(buffer_bytes(parameters) + COST_SIZE, salt, SALT_SIZE);
}

static void test_passphrase_is_for_any_uid(void **state) {
        _cleanup_(secret_freep) struct secret *right = secret_of("right");

        cheap_wrap(store, "right", cheap_cost);
        forget_key();
        assert_int_equal(protector_unwrap(store, right, UID + 1), 0);
}

static void test_sizes_of_passphrases(void **state) {
        _cleanup_(secret_freep) struct secret *none = secret_of(""), *longest = NULL, *longer = NULL;

        assert_int_equal(secret_new_empty(&longest, PROTECTOR_PASSPHRASE_MAX), 0);
        assert_int_equal(secret_new_empty(&longer, PROTECTOR_PASSPHRASE_MAX + 1), 0);
        assert_int_equal(protector_wrap(store, PROTECTOR_PASSPHRASE, none, UID), -EINVAL);
        assert_int_equal(protector_wrap(store, PROTECTOR_PASSPHRASE, longer, UID), -EINVAL);
        assert_int_equal(protector_wrap(store, PROTECTOR_PASSPHRASE, NULL, UID), -EINVAL);
        assert_int_equal(protector_lock(store, none), -EINVAL);
        assert_int_equal(protector_lock(store, longer), -EINVAL);
        assert_int_equal(protector_lock(store, NULL), -EINVAL);
        assert_int_equal(protector_wrap(store, PROTECTOR_PASSPHRASE, longest, UID), 0);
        assert_opens(longest);
}

/* Each is wrapped as it should be, so that nothing but its cost speaks against it. */
static void test_cost_is_capped(void **state) {
        static const struct {
                struct cheap_cost cost;
                int r;
        } costs[] = {
                {{1, 1, 1}, 0},          {{4, 32, 4}, 0},         {{4, 33, 1}, -EBADMSG}, {{4, 1, 5}, -EBADMSG},
                {{4, 1, 255}, -EBADMSG}, {{17, 17, 1}, -EBADMSG}, /* neither is too much by itself */
        };

        for (size_t i = 0; i < ARRAY_SIZE(costs); i++) {
                secret_free(store->data_key);
                assert_int_equal(secret_copy(&store->data_key, data_key), 0);
                cheap_wrap(store, "right", costs[i].cost);
                assert_int_equal(unwrap_with("right"), costs[i].r);
        }
}

static void test_costs_that_cannot_be(void **state) {
        static const struct cheap_cost costs[] = {{0, 1, 1},  {4, 0, 1},  {4, 1, 0},   {16, 1, 1},
                                                  {21, 2, 1}, {64, 1, 1}, {255, 1, 1}, {255, 255, 255}};

        cheap_wrap(store, "right", cheap_cost);
        for (size_t i = 0; i < ARRAY_SIZE(costs); i++) {
                memcpy(buffer_bytes(&store->protection.parameters), &costs[i], COST_SIZE);
                assert_int_equal(unwrap_with("right"), -EBADMSG);
        }
}

static void test_parameters_of_any_length(void **state) {
        for (size_t n = 0; n <= COST_SIZE + SALT_SIZE + 1; n++) {
                _cleanup_(buffer_deinit) struct buffer brief = {};

                secret_free(store->data_key);
                assert_int_equal(secret_copy(&store->data_key, data_key), 0);
                cheap_wrap(store, "right", cheap_cost);
                assert_int_equal(buffer_append(&store->protection.parameters, "x", 1), 0);
                assert_int_equal(buffer_append(&brief, buffer_bytes(&store->protection.parameters), n), 0);
                buffer_swap(&brief, &store->protection.parameters);
                assert_int_equal(unwrap_with("right"), n == COST_SIZE + SALT_SIZE ? 0 : -EBADMSG);
        }
}

static void test_without_protection(void **state) {
        static const enum protector protectors[] = {PROTECTOR_PLAINTEXT, PROTECTOR_MEMORY};

        for (size_t i = 0; i < ARRAY_SIZE(protectors); i++) {
                secret_free(store->data_key);
                assert_int_equal(secret_copy(&store->data_key, data_key), 0);
                assert_int_equal(protector_wrap(store, protectors[i], NULL, UID), 0);
                assert_int_equal(protector_of(store), protectors[i]);
                assert_int_equal(buffer_size(&store->protection.parameters), 0);
                assert_opens(NULL);

                assert_int_equal(buffer_append(&store->protection.parameters, "x", 1), 0);
                assert_refused(NULL);
                buffer_clear(&store->protection.parameters);
                assert_int_equal(buffer_append(&store->protection.wrapped_key, "x", 1), 0);
                assert_refused(NULL);
                buffer_clear(&store->protection.wrapped_key);
                assert_refused(NULL);
        }
}

static void test_blob(void **state) {
        _cleanup_(secret_freep) struct secret *brief = secret_of("too brief");

        assert_int_equal(protector_wrap_blob(store, (struct bytes){"sealed elsewhere", 16}), 0);
        assert_int_equal(protector_of(store), PROTECTOR_SYSTEMD_CREDS);
        assert_memory_equal(buffer_bytes(&store->protection.wrapped_key), "sealed elsewhere", 16);
        assert_refused(NULL); /* what is in it is the service's */
        assert_int_equal(protector_unwrap_blob(store, brief), -EBADMSG);
        assert_null(store->data_key);
        assert_int_equal(protector_unwrap_blob(store, data_key), 0);
        assert_true(secret_equal(store->data_key, data_key));
        assert_ptr_not_equal(store->data_key, data_key);
}

static void test_what_cannot_be_wrapped_with(void **state) {
        _cleanup_(secret_freep) struct secret *secret = secret_of("x");

        assert_int_equal(protector_wrap(store, PROTECTOR_SYSTEMD_CREDS, secret, UID), -EINVAL);
        assert_int_equal(protector_wrap(store, PROTECTOR_KEYFILE, NULL, UID), -EINVAL);
}

/* At its cost in earnest, too. */
static void test_lock(void **state) {
        assert_int_equal(protector_wrap(store, PROTECTOR_KEYFILE, keyfile, UID), 0);
        assert_int_equal(lock_with("secret"), 0);
        assert_true(protector_is_locked(store));
        assert_int_equal(protector_of(store), PROTECTOR_KEYFILE); /* whatever locks it */
        assert_string_equal(store->protection.name, "locked");
        assert_memory_equal(buffer_bytes(&store->protection.parameters), "\x11\x08\x01", COST_SIZE);
        assert_refused(keyfile);
        assert_int_equal(lock_with("again"), -EINVAL);

        assert_int_equal(unlock_with("Secret"), -EBADMSG);
        assert_true(protector_is_locked(store));
        assert_int_equal(unlock_with("secret"), 0);
        assert_false(protector_is_locked(store));
        assert_string_equal(store->protection.name, "keyfile");
        assert_opens(keyfile);
        assert_int_equal(unlock_with("secret"), -EBADMSG); /* it is not locked any more */
}

/* What was wrapped comes out of it as it went in. */
static void test_lock_over_each(void **state) {
        for (enum protector protector = 0; protector < _PROTECTOR_MAX; protector++) {
                _cleanup_(buffer_deinit) struct buffer parameters = {}, wrapped = {};
                struct protection *protection = &store->protection;

                if (protector == PROTECTOR_PASSPHRASE)
                        cheap_wrap(store, "right", cheap_cost);
                else if (protector == PROTECTOR_SYSTEMD_CREDS)
                        assert_int_equal(protector_wrap_blob(store, (struct bytes){"sealed", 6}), 0);
                else
                        assert_int_equal(protector_wrap(store, protector, keyfile, UID), 0);
                buffer_append(&parameters, buffer_bytes(&protection->parameters),
                              buffer_size(&protection->parameters));
                buffer_append(&wrapped, buffer_bytes(&protection->wrapped_key),
                              buffer_size(&protection->wrapped_key));

                cheap_lock(store, "secret", cheap_cost);
                assert_true(protector_is_locked(store));
                assert_int_equal(protector_of(store), protector);
                assert_null(memmem(buffer_bytes(&protection->wrapped_key),
                                   buffer_size(&protection->wrapped_key), buffer_bytes(&wrapped),
                                   buffer_size(&wrapped)));
                assert_int_equal(unlock_with("secret"), 0);
                assert_int_equal(protector_of(store), protector);
                assert_int_equal(buffer_size(&protection->parameters), buffer_size(&parameters));
                assert_int_equal(buffer_size(&protection->wrapped_key), buffer_size(&wrapped));
                assert_memory_equal(buffer_bytes(&protection->wrapped_key), buffer_bytes(&wrapped),
                                    buffer_size(&wrapped));
        }
}

/* A lock over a lock, or over what no agent knows, which somebody made who knows the password. */
static void test_lock_over_what_cannot_be(void **state) {
        assert_int_equal(protector_wrap(store, PROTECTOR_KEYFILE, keyfile, UID), 0);
        cheap_lock(store, "inner", cheap_cost);
        assert_int_equal(buffer_append(&store->protection.parameters, "x", 1), 0);
        assert_int_equal(protector_of(store), PROTECTOR_UNKNOWN);
        cheap_lock(store, "outer", cheap_cost);
        assert_int_equal(protector_of(store), PROTECTOR_UNKNOWN);
        assert_refused(keyfile);

        assert_int_equal(buffer_append(&store->protection.parameters, "x", 1), 0);
        assert_int_equal(protector_of(store), PROTECTOR_UNKNOWN);
        assert_int_equal(unlock_with("outer"), -EBADMSG);
}

static void test_cost_of_a_lock_is_capped(void **state) {
        assert_int_equal(protector_wrap(store, PROTECTOR_KEYFILE, keyfile, UID), 0);
        cheap_lock(store, "secret", (struct cheap_cost){4, 1, 5});
        assert_int_equal(unlock_with("secret"), -EBADMSG);
        assert_int_equal(protector_of(store), PROTECTOR_UNKNOWN);
}

static void assert_described(const char *words, bool locked) {
        _cleanup_(freep) char *text = NULL;

        assert_int_equal(protector_describe(&text, store), 0);
        assert_non_null(strstr(text, words));
        assert_true(locked == (strstr(text, "and locked with a password") != NULL));
}

static void test_words(void **state) {
        cheap_wrap(store, "right", cheap_cost);
        assert_described("with a passphrase (scrypt)", false);
        cheap_lock(store, "secret", cheap_cost);
        assert_described("with a passphrase (scrypt)", true);
        assert_int_equal(protector_wrap(store, PROTECTOR_MEMORY, NULL, UID), 0);
        assert_described("nothing of the logins is on disk", false);
        assert_int_equal(protector_wrap(store, PROTECTOR_PLAINTEXT, NULL, UID), 0);
        assert_described("not protected", false);
        assert_int_equal(protector_wrap_blob(store, (struct bytes){"of no kind known", 16}), 0);
        assert_described("sealed by systemd-creds with an unknown key", false);
        cheap_lock(store, "secret", cheap_cost);
        assert_described("sealed by systemd-creds with a key of this machine", true);

        for (enum protector protector = 0; protector < _PROTECTOR_MAX; protector++)
                assert_int_equal(protector_find(protector_name(protector)), protector);
        assert_int_equal(protector_find("locked"), PROTECTOR_UNKNOWN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_passphrase),
                TEST(test_passphrase_is_for_any_uid),
                TEST(test_sizes_of_passphrases),
                TEST(test_cost_is_capped),
                TEST(test_costs_that_cannot_be),
                TEST(test_parameters_of_any_length),
                TEST(test_without_protection),
                TEST(test_blob),
                TEST(test_what_cannot_be_wrapped_with),
                TEST(test_lock),
                TEST(test_lock_over_each),
                TEST(test_lock_over_what_cannot_be),
                TEST(test_cost_of_a_lock_is_capped),
                TEST(test_words),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
