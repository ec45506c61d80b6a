/* Locking with a password: not before it is on disk, and not at all where it would guard nothing. */

#include "tests/unit/lock-world.h"

static void test_password_over_a_passphrase(void **state) {
        protect_store(PROTECTOR_PASSPHRASE);
        assert_refused("secret", true, AGENT_ERROR_STORAGE_FAILED, "passphrase already");
        begin(&a, NULL, false);
        something_happens();
        assert_locked(&a, "CXW");
}

static void test_password(void **state) {
        begin(&a, "secret", false);
        something_happens();
        assert_string_equal(protected_with, "secret");
        assert_int_equal(a.n_told, 0);
        assert_non_null(get_grant(vault, "default", GROUPS));
        waiter_tell_all(&protectors, NULL);
        assert_locked(&a, "CXW");
        assert_int_equal(n_withdrawn, 0);
}

/* A password that is not on disk would be forgotten by a restart: force is no help. */
static void test_password_that_the_disk_refuses(void **state) {
        begin(&a, "secret", true);
        something_happens();
        disk_in_trouble();
        waiter_tell_all(&protectors, &disk_trouble);
        assert_open_again(&a, "CXO");
}

static void test_password_that_the_disk_does_not_take(void **state) {
        for (int force = 0; force < 2; force++) {
                caller_deinit(&a);
                caller_init(&a);
                said[0] = '\0';
                begin(&a, "secret", force);
                something_happens();
                pass(10);
                assert_open_again(&a, "CXO");
                assert_int_equal(n_withdrawn, force + 1); /* nor is it to lock the store later */
        }
}

static void test_password_while_the_key_is_changed(void **state) {
        protect_result = AGENT_ERROR_BUSY;
        begin(&a, "secret", false);
        something_happens();
        assert_told(&a, AGENT_ERROR_STORAGE_FAILED);
        assert_false(lock_is_closed(lock));
        assert_string_equal(said, "CXO");
        assert_int_equal(n_withdrawn, 0); /* it is another's */
}

/* What another agent did is no reason to forget the password of one that is under way. */
static void test_at_once_while_locking(void **state) {
        begin(&a, "secret", false);
        something_happens();
        lock_now(lock);
        assert_int_equal(a.n_told, 0);
        waiter_tell_all(&protectors, NULL);
        assert_locked(&a, "CXW");
}

static void test_stopping(void **state) {
        begin(&a, "secret", false);
        something_happens();
        lock = lock_free(lock);
        assert_told(&a, AGENT_ERROR_STOPPING);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_password_over_a_passphrase),
                TEST(test_password),
                TEST(test_password_that_the_disk_refuses),
                TEST(test_password_that_the_disk_does_not_take),
                TEST(test_password_while_the_key_is_changed),
                TEST(test_at_once_while_locking),
                TEST(test_stopping),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
