/* What the service manager keeps over a restart, when it is to be kept no longer, and who gets it back. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/flow/retain.h"
#include "tests/unit/logins.h"

/* Takes the place of daemon/base/fd-store: two names. */

static struct secret *kept_key, *kept_image;

static struct secret **find(const char *name) {
        assert_true(streq(name, "data-key") || streq(name, "image"));
        return streq(name, "image") ? &kept_image : &kept_key;
}

int fd_store_put(struct fd_store *store, const char *name, struct bytes data) {
        secret_free(*find(name));
        return secret_new(find(name), data.data, data.n);
}

int fd_store_get(const struct fd_store *store, const char *name, struct secret **ret) {
        return *find(name) ? secret_copy(ret, *find(name)) : -ENOENT;
}

void fd_store_forget(struct fd_store *store, const char *name) {
        *find(name) = secret_free(*find(name));
}

static struct store *stored;
static struct vault *vault;

static int set_up(void **state) {
        assert_int_equal(vault_new(&vault), 0);
        return 0;
}

static int tear_down(void **state) {
        vault = vault_free(vault);
        stored = store_free(stored);
        kept_key = secret_free(kept_key);
        kept_image = secret_free(kept_image);
        return 0;
}

/* As after a commit, or the start. */
static void open_store(enum protector protector, const char *passphrase) {
        _cleanup_(secret_freep) struct secret *secret = passphrase ? make_secret(passphrase) : NULL;

        stored = store_free(stored);
        assert_int_equal(store_new(&stored), 0);
        assert_int_equal(protector_wrap(stored, protector, secret, 1000), 0);
        vault_set_state(vault, VAULT_OPEN);
        assert_int_equal(vault_merge(vault, stored), 0);
}

static void start_again(bool keep_unlocked) {
        vault = vault_free(vault);
        assert_int_equal(vault_new(&vault), 0);
        retain_restore(NULL, vault, keep_unlocked);
}

static void test_passphrase(void **state) {
        open_store(PROTECTOR_PASSPHRASE, "correct horse");
        retain_update(NULL, vault, true);
        start_again(true);
        assert_true(secret_equal(vault_key(vault)->data_key, stored->data_key));
        assert_memory_equal(vault_key(vault)->id, stored->id, sizeof(stored->id));

        retain_update(NULL, vault, true); /* the store has not been read yet */
        assert_non_null(kept_key);
}

static void test_setting_that_came_before_the_restart(void **state) {
        open_store(PROTECTOR_PASSPHRASE, "correct horse");
        retain_update(NULL, vault, true);
        start_again(false);
        assert_null(vault_key(vault)->data_key);
        assert_null(kept_key);
}

static void test_image(void **state) {
        open_store(PROTECTOR_MEMORY, NULL);
        vault_set_image(vault, make_secret("image"));
        retain_update(NULL, vault, false);
        start_again(false);
        assert_secret(vault_image(vault), "image");
        assert_int_equal(vault_merge(vault, stored), 0);
        assert_secret(vault_image(vault), "image");
}

/* Another daemon has moved it to the disk, or somebody has put an older one there. */
static void test_image_of_a_store_that_is_on_disk(void **state) {
        open_store(PROTECTOR_MEMORY, NULL);
        vault_set_image(vault, make_secret("image"));
        retain_update(NULL, vault, true);
        start_again(true);
        open_store(PROTECTOR_PLAINTEXT, NULL);
        assert_null(vault_image(vault));
        retain_update(NULL, vault, true);
        assert_null(kept_image);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_passphrase, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_setting_that_came_before_the_restart, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_image, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_image_of_a_store_that_is_on_disk, set_up, tear_down),
        };

        return cmocka_run_group_tests_name("retain", tests, NULL, NULL);
}
