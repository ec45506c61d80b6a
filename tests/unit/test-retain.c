/* What the service manager is given to keep, and when no more; and what of it is taken at the next start. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/flow/retain.h"
#include "tests/unit/cheap-scrypt.h"
#include "tests/unit/fake-clock.h"
#include "tests/unit/logins.h"

/* What the manager keeps. */

static struct kept {
        const char *name;
        struct secret *secret; /* NULL: none */
} kept[] = {{.name = "data-key"}, {.name = "image"}};
static unsigned n_puts;
static int put_result;

static struct kept *find(const char *name) {
        for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
                if (streq(kept[i].name, name))
                        return &kept[i];

        fail_msg("nobody asked for %s", name);
        return NULL;
}

int fd_store_put(struct fd_store *store, const char *name, struct bytes data) {
        n_puts++;
        if (put_result)
                return put_result;

        secret_free(find(name)->secret);
        return secret_new(&find(name)->secret, data.data, data.n);
}

int fd_store_get(const struct fd_store *store, const char *name, struct secret **ret) {
        return find(name)->secret ? secret_copy(ret, find(name)->secret) : -ENOENT;
}

void fd_store_forget(struct fd_store *store, const char *name) {
        find(name)->secret = secret_free(find(name)->secret);
}

static struct vault *vault;
static struct store *disk;

static int set_up(void **state) {
        assert_int_equal(vault_new(&vault), 0);
        vault_set_state(vault, VAULT_OPEN);
        assert_int_equal(store_new(&disk), 0);
        n_puts = 0;
        put_result = 0;
        return 0;
}

static int tear_down(void **state) {
        vault = vault_free(vault);
        disk = store_free(disk);
        for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
                kept[i].secret = secret_free(kept[i].secret);
        return 0;
}

static void take(enum protector protector) {
        if (protector == PROTECTOR_PASSPHRASE)
                cheap_wrap(disk, "right", cheap_cost);
        else
                assert_int_equal(protector_wrap(disk, protector, NULL, 0), 0);
        assert_int_equal(vault_merge(vault, disk), 0);
}

static void update(void) {
        retain_update(NULL, vault, true);
}

static bool is_kept(const char *name) {
        return find(name)->secret;
}

static void restart(void) {
        vault_free(vault);
        assert_int_equal(vault_new(&vault), 0);
        retain_restore(NULL, vault, true);
}

static void test_key_of_a_passphrase(void **state) {
        take(PROTECTOR_PASSPHRASE);
        update();
        assert_true(is_kept("data-key"));
        assert_false(is_kept("image"));

        restart();
        assert_memory_equal(vault_key(vault)->id, disk->id, STORE_ID_SIZE);
        assert_true(secret_equal(vault_key(vault)->data_key, disk->data_key));
        assert_null(vault_image(vault));
}

static void test_other_protectors_need_nobody(void **state) {
        take(PROTECTOR_PLAINTEXT);
        update();
        assert_false(is_kept("data-key"));
        assert_int_equal(n_puts, 0);
        restart();
        assert_null(vault_key(vault)->data_key);
}

static void test_turned_off(void **state) {
        take(PROTECTOR_PASSPHRASE);
        retain_update(NULL, vault, false);
        assert_int_equal(n_puts, 0);
        update();
        assert_true(is_kept("data-key"));
        retain_update(NULL, vault, false); /* while it runs */
        assert_false(is_kept("data-key"));
}

static void test_image(void **state) {
        take(PROTECTOR_MEMORY);
        vault_set_image(vault, make_secret("all of it"));
        retain_update(NULL, vault, false); /* that is about passphrases */
        assert_true(is_kept("image"));
        assert_false(is_kept("data-key"));
        restart();
        assert_secret(vault_image(vault), "all of it");

        vault_set_state(vault, VAULT_OPEN);
        vault_set_image(vault, NULL);
        update();
        assert_false(is_kept("image"));
}

/* Each is a message to the manager. */
static void test_not_put_twice(void **state) {
        take(PROTECTOR_PASSPHRASE);
        vault_set_image(vault, make_secret("one"));
        update();
        update();
        assert_int_equal(n_puts, 2);
        vault_set_image(vault, make_secret("two"));
        update();
        assert_int_equal(n_puts, 3);
        restart();
        assert_secret(vault_image(vault), "two");
}

static void test_new_key(void **state) {
        take(PROTECTOR_PASSPHRASE);
        update();
        secret_free(disk->data_key);
        assert_int_equal(crypto_random_secret(&disk->data_key, CRYPTO_KEY_SIZE), 0);
        take(PROTECTOR_PASSPHRASE);
        update();
        restart();
        assert_true(secret_equal(vault_key(vault)->data_key, disk->data_key));
}

static void test_another_protector(void **state) {
        take(PROTECTOR_PASSPHRASE);
        update();
        take(PROTECTOR_PLAINTEXT);
        update();
        assert_false(is_kept("data-key"));
}

static void test_lock(void **state) {
        take(PROTECTOR_PASSPHRASE);
        vault_set_image(vault, make_secret("all of it"));
        update();
        vault_wipe(vault);
        update();
        assert_false(is_kept("data-key"));
        assert_false(is_kept("image"));
}

/* At the start, what was kept is not given up before the store was read. */
static void test_opening(void **state) {
        take(PROTECTOR_PASSPHRASE);
        update();
        restart();
        assert_int_equal(vault_get_state(vault), VAULT_OPENING);
        update();
        assert_true(is_kept("data-key"));
}

static void test_what_is_no_key(void **state) {
        find("data-key")->secret = make_secret("too brief to be one");
        restart();
        assert_null(vault_key(vault)->data_key);
}

static void test_no_manager(void **state) {
        static const int results[] = {-ENOENT, -ECONNREFUSED};

        for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
                put_result = results[i];
                take(PROTECTOR_PASSPHRASE);
                update(); /* it goes on */
                assert_false(is_kept("data-key"));
        }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_key_of_a_passphrase),
                TEST(test_other_protectors_need_nobody),
                TEST(test_turned_off),
                TEST(test_image),
                TEST(test_not_put_twice),
                TEST(test_new_key),
                TEST(test_another_protector),
                TEST(test_lock),
                TEST(test_opening),
                TEST(test_what_is_no_key),
                TEST(test_no_manager),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
