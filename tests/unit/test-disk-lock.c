/* A store that is locked with a password, and one that is kept in memory: what is on disk of them, and who gets
 * it back. */

#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "tests/unit/keepers.h"

static struct daemon one;

static int set_up(void **state) {
        return setup_keepers(state);
}

static int tear_down(void **state) {
        daemon_forget(&one);
        return teardown_home(state);
}

/* Also who knows what protects it below does not read it. */
static void test_lock(void **state) {
        _cleanup_(disk_look_deinit) struct disk_look without = {}, wrong = {}, right = {};
        _cleanup_(fault_deinit) struct fault fault = {};
        struct home *home = *state;

        save(&one, home, 1, "default", PROTECTOR_KEYFILE);
        assert_int_equal(try_lock(&one, home, "secret"), 0);
        assert_true(exists(home, "config/key"));

        assert_int_equal(look(&without, home, NULL, &fault), AGENT_ERROR_LOCKED);
        assert_true(protector_is_locked(without.store));
        assert_int_equal(protector_of(without.store), PROTECTOR_KEYFILE);
        assert_null(without.store->data_key);
        assert_int_equal(look(&wrong, home, "wrong", &fault), AGENT_ERROR_WRONG_PASSPHRASE);
        assert_false(wrong.lock_removed);

        right.keys.passphrase = passphrase_of("secret");
        assert_int_equal(disk_unlock(&right, &home->paths, &fault), 0);
        assert_true(right.lock_removed);
        assert_false(right.stays_locked);
        assert_int_equal(count_records(right.store), 1);
        assert_opens(home, NULL, PROTECTOR_KEYFILE, 1); /* it is off for good */
}

static void test_wrong_password_changes_nothing(void **state) {
        _cleanup_(buffer_deinit) struct buffer before = {}, after = {};
        _cleanup_(disk_look_deinit) struct disk_look wrong = {};
        _cleanup_(fault_deinit) struct fault fault = {};
        struct home *home = *state;

        save(&one, home, 1, "default", PROTECTOR_PLAINTEXT);
        assert_int_equal(try_lock(&one, home, "secret"), 0);
        slurp(&before, home->store);
        wrong.keys.passphrase = passphrase_of("wrong");
        assert_int_equal(disk_unlock(&wrong, &home->paths, &fault), AGENT_ERROR_WRONG_PASSPHRASE);
        slurp(&after, home->store);
        assert_int_equal(buffer_size(&before), buffer_size(&after));
        assert_memory_equal(buffer_bytes(&before), buffer_bytes(&after), buffer_size(&after));
}

/* The right password is no use without the key file. */
static void test_lock_adds_to_what_protects(void **state) {
        _cleanup_(disk_look_deinit) struct disk_look right = {};
        _cleanup_(fault_deinit) struct fault fault = {};
        struct home *home = *state;

        save(&one, home, 1, "default", PROTECTOR_KEYFILE);
        assert_int_equal(try_lock(&one, home, "secret"), 0);
        assert_int_equal(unlink(home->key), 0);
        right.keys.passphrase = passphrase_of("secret");
        assert_int_equal(disk_unlock(&right, &home->paths, &fault), AGENT_ERROR_STORAGE_FAILED);
        assert_says(&fault, "is missing", "key");
        assert_true(right.unreadable);
}

/* Every write fails from now on, though nobody is denied anything. */
static void disk_is_full(bool full) {
        static struct rlimit before;
        struct rlimit none;

        if (!full) {
                assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
                return;
        }

        (void)signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
        none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
}

static void test_disk_that_refuses_to_be_unlocked(void **state) {
        _cleanup_(disk_look_deinit) struct disk_look right = {}, again = {};
        _cleanup_(fault_deinit) struct fault fault = {};
        struct home *home = *state;

        save(&one, home, 1, "default", PROTECTOR_KEYFILE);
        assert_int_equal(try_lock(&one, home, "secret"), 0);
        right.keys.passphrase = passphrase_of("secret");
        disk_is_full(true);
        assert_int_equal(disk_unlock(&right, &home->paths, &fault), 0);
        disk_is_full(false);
        assert_true(right.stays_locked);
        assert_int_equal(count_records(right.store), 1);
        assert_int_equal(look(&again, home, NULL, &fault), AGENT_ERROR_LOCKED);
}

static void test_disk_that_refuses_to_be_locked(void **state) {
        struct home *home = *state;

        save(&one, home, 1, "default", PROTECTOR_KEYFILE);
        disk_is_full(true);
        assert_int_equal(try_lock(&one, home, "secret"), AGENT_ERROR_STORAGE_FAILED);
        disk_is_full(false);
        assert_opens(home, NULL, PROTECTOR_KEYFILE, 1);
}

/* Who had it open goes on saving, and the lock stays on. */
static void test_saves_go_on_under_the_lock(void **state) {
        _cleanup_(disk_look_deinit) struct disk_look without = {}, right = {};
        _cleanup_(fault_deinit) struct fault fault = {};
        struct home *home = *state;

        save(&one, home, 1, "default", PROTECTOR_KEYFILE);
        assert_int_equal(try_lock(&one, home, "secret"), 0);
        save(&one, home, 11, "work", PROTECTOR_KEYFILE);
        assert_int_equal(look(&without, home, NULL, &fault), AGENT_ERROR_LOCKED);
        right.keys.passphrase = passphrase_of("secret");
        assert_int_equal(disk_unlock(&right, &home->paths, &fault), 0);
        assert_int_equal(count_records(right.store), 2);
}

/* Shut out, it could not save what comes. */
static void test_waits_for_who_refreshes(void **state) {
        static const unsigned char uuid[UUID_SIZE] = {1, 2, 3};
        _cleanup_(disk_look_deinit) struct disk_look seen = {};
        _cleanup_(fault_deinit) struct fault fault = {};
        struct home *home = *state;
        struct byte_lock *claim;

        save(&one, home, 1, "default", PROTECTOR_KEYFILE);
        assert_int_equal(disk_claim(&claim, &home->paths, uuid, &fault), 0);
        assert_int_equal(try_lock(&one, home, "secret"), 0);
        assert_opens(home, NULL, PROTECTOR_KEYFILE, 1); /* it is postponed */
        byte_lock_free(claim);
        assert_int_equal(try_lock(&one, home, "secret"), 0);
        assert_int_equal(look(&seen, home, NULL, &fault), AGENT_ERROR_LOCKED);
}

static void test_locked_already(void **state) {
        _cleanup_(disk_look_deinit) struct disk_look right = {};
        _cleanup_(fault_deinit) struct fault fault = {};
        struct home *home = *state;

        save(&one, home, 1, "default", PROTECTOR_KEYFILE);
        assert_int_equal(try_lock(&one, home, "secret"), 0);
        assert_int_equal(try_lock(&one, home, "another"), AGENT_ERROR_STORAGE_FAILED);
        right.keys.passphrase = passphrase_of("secret");
        assert_int_equal(disk_unlock(&right, &home->paths, &fault), 0);
}

static void test_key_change_takes_the_lock_off(void **state) {
        struct home *home = *state;

        save(&one, home, 1, "default", PROTECTOR_PLAINTEXT);
        assert_int_equal(try_lock(&one, home, "secret"), 0);
        protect(&one, home, PROTECTOR_KEYFILE, NULL);
        assert_opens(home, NULL, PROTECTOR_KEYFILE, 1);
}

static void test_unlocking_what_is_not_locked(void **state) {
        _cleanup_(buffer_deinit) struct buffer before = {}, after = {};
        _cleanup_(disk_look_deinit) struct disk_look none = {}, open = {};
        _cleanup_(fault_deinit) struct fault fault = {};
        struct home *home = *state;

        none.keys.passphrase = passphrase_of("x");
        assert_int_equal(disk_unlock(&none, &home->paths, &fault), 0);
        assert_null(none.store);
        assert_false(exists(home, "state"));

        save(&one, home, 1, "default", PROTECTOR_KEYFILE);
        slurp(&before, home->store);
        open.keys.passphrase = passphrase_of("x");
        assert_int_equal(disk_unlock(&open, &home->paths, &fault), 0);
        assert_int_equal(count_records(open.store), 1);
        assert_false(open.lock_removed);
        slurp(&after, home->store);
        assert_memory_equal(buffer_bytes(&before), buffer_bytes(&after), buffer_size(&after));
}

/* Memory */

static size_t size_of_store(const struct home *home) {
        struct stat st;

        assert_int_equal(stat(home->store, &st), 0);
        return (size_t)st.st_size;
}

static void test_memory(void **state) {
        _cleanup_(disk_look_deinit) struct disk_look mine = {};
        _cleanup_(fault_deinit) struct fault fault = {};
        _cleanup_(buffer_deinit) struct buffer before = {}, after = {};
        struct home *home = *state;
        size_t empty;

        save(&one, home, 1, "default", PROTECTOR_MEMORY);
        empty = size_of_store(home);
        assert_non_null(one.keys.image);
        assert_true(secret_size(one.keys.image) > empty);
        slurp(&before, home->store);
        save(&one, home, 11, "work", PROTECTOR_MEMORY);
        slurp(&after, home->store); /* it says that there is nothing in it, and need not say it again */
        assert_int_equal(buffer_size(&before), buffer_size(&after));
        assert_memory_equal(buffer_bytes(&before), buffer_bytes(&after), empty);

        assert_opens(home, NULL, PROTECTOR_MEMORY, 0);
        assert_int_equal(secret_copy(&mine.keys.image, one.keys.image), 0);
        assert_int_equal(disk_load(&mine, &home->paths, &fault), 0);
        assert_int_equal(count_records(mine.store), 2);
        assert_true(store_version_equal(&mine.store->version, &one.known));

        protect(&one, home, PROTECTOR_KEYFILE, NULL);
        assert_null(one.keys.image);
        assert_opens(home, NULL, PROTECTOR_KEYFILE, 2);
}

/* What is on disk decides: an image is all there is of its own store only. */
static void test_image_of_another_store(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};
        struct home *home = *state;
        struct daemon other = {};
        struct disk_look seen;

        save(&one, home, 1, "default", PROTECTOR_MEMORY);
        assert_int_equal(unlink(home->store), 0);
        save(&other, home, 11, "work", PROTECTOR_MEMORY);
        seen = (struct disk_look){.keys = one.keys};
        assert_int_equal(disk_load(&seen, &home->paths, &fault), 0);
        assert_int_equal(count_records(seen.store), 0);
        store_free(seen.store);

        protect(&other, home, PROTECTOR_PLAINTEXT, NULL);
        seen = (struct disk_look){.keys = one.keys};
        assert_int_equal(disk_load(&seen, &home->paths, &fault), 0);
        assert_int_equal(count_records(seen.store), 1);
        assert_non_null(find_record(seen.store, 11));
        store_free(seen.store);
        daemon_forget(&other);
}

/* Is passed over. */
static void test_image_that_is_damaged(void **state) {
        _cleanup_(disk_look_deinit) struct disk_look seen = {};
        _cleanup_(fault_deinit) struct fault fault = {};
        struct home *home = *state;

        save(&one, home, 1, "default", PROTECTOR_MEMORY);
        assert_int_equal(secret_copy(&seen.keys.image, one.keys.image), 0);
        ((unsigned char *)secret_data(seen.keys.image))[secret_size(seen.keys.image) - 1] ^= 1;
        assert_int_equal(disk_load(&seen, &home->paths, &fault), 0);
        assert_int_equal(count_records(seen.store), 0);
        assert_true(exists(home, "state/store"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_lock),
                TEST(test_wrong_password_changes_nothing),
                TEST(test_lock_adds_to_what_protects),
                TEST(test_disk_that_refuses_to_be_unlocked),
                TEST(test_disk_that_refuses_to_be_locked),
                TEST(test_saves_go_on_under_the_lock),
                TEST(test_waits_for_who_refreshes),
                TEST(test_locked_already),
                TEST(test_key_change_takes_the_lock_off),
                TEST(test_unlocking_what_is_not_locked),
                TEST(test_memory),
                TEST(test_image_of_another_store),
                TEST(test_image_that_is_damaged),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
