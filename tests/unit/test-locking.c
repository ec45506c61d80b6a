/* Locking: the gate first, then the network and the disk for a while, then nothing is left; and when it is not
 * to be. */

#include "tests/unit/lock-world.h"

static void test_nothing_to_wait_for(void **state) {
        assert_false(lock_is_closed(lock));
        begin(&a, NULL, false);
        something_happens();
        assert_locked(&a, "CXW");
        assert_refused(NULL, false, -EALREADY, NULL);
        assert_refused("secret", false, AGENT_ERROR_LOCKED, NULL);
        assert_refused("secret", true, AGENT_ERROR_LOCKED, NULL);
}

/* Where nothing ever happens, the alarm does. */
static void test_nothing_happens(void **state) {
        begin(&a, NULL, false);
        pass(0);
        assert_locked(&a, "CXW");
}

static void test_waits_for_the_network(void **state) {
        is_busy = true;
        begin(&a, NULL, false);
        something_happens();
        pass(4);
        assert_int_equal(a.n_told, 0);
        assert_string_equal(said, "C");
        is_busy = false;
        something_happens();
        assert_locked(&a, "CXW");
}

static void test_network_that_does_not_answer(void **state) {
        is_busy = true;
        begin(&a, NULL, false);
        pass(4);
        something_happens();
        assert_int_equal(a.n_told, 0);
        pass(1);
        assert_locked(&a, "CXW");
}

/* What Globus answered meanwhile. */
static void test_waits_for_the_disk(void **state) {
        is_busy = true;
        begin(&a, NULL, false);
        change();
        is_busy = false;
        something_happens();
        assert_int_equal(a.n_told, 0);
        assert_string_equal(said, "CX");
        assert_non_null(get_grant(vault, "default", TRANSFER)); /* nothing is wiped yet */
        vault_changes_saved(vault, vault_changed(vault));
        waiter_tell_all(&savers, NULL);
        assert_locked(&a, "CXW");
}

static void test_disk_that_refuses(void **state) {
        change();
        begin(&a, NULL, false);
        something_happens();
        disk_in_trouble();
        waiter_tell_all(&savers, &disk_trouble);
        assert_open_again(&a, "CXO");
        assert_non_null(strstr(fault_message(&a.fault), "the disk is full"));

        caller_deinit(&a);
        caller_init(&a);
        said[0] = '\0';
        begin(&a, NULL, true);
        something_happens();
        waiter_tell_all(&savers, &disk_trouble);
        assert_locked(&a, "CXW"); /* with force */
}

static void test_disk_that_does_not_answer(void **state) {
        change();
        begin(&a, NULL, false);
        something_happens();
        pass(9);
        assert_int_equal(a.n_told, 0);
        pass(1);
        assert_open_again(&a, "CXO");
        assert_non_null(strstr(fault_message(&a.fault), "does not answer"));
}

static void test_disk_that_does_not_answer_forced(void **state) {
        change();
        begin(&a, NULL, true);
        something_happens();
        pass(10);
        assert_locked(&a, "CXW");
}

static void test_two_at_once(void **state) {
        is_busy = true;
        begin(&a, NULL, false);
        assert_refused("secret", true, AGENT_ERROR_BUSY, "already");
        begin(&b, NULL, false); /* is the same one */
        is_busy = false;
        something_happens();
        assert_locked(&a, "CXW"); /* without the password of the one that was too late */
        assert_told(&b, 0);
        assert_string_equal(protected_with, "");
}

static void test_not_with_something_unsaved(void **state) {
        change();
        disk_in_trouble();
        assert_refused(NULL, false, AGENT_ERROR_STORAGE_FAILED, "the disk is full");
        assert_string_equal(said, ""); /* nobody noticed */
        begin(&a, NULL, true);
        something_happens();
        waiter_tell_all(&savers, &disk_trouble);
        assert_locked(&a, "CXW");
}

/* Trouble that is over, or that costs nothing. */
static void test_trouble_with_all_saved(void **state) {
        disk_in_trouble();
        begin(&a, NULL, false);
        something_happens();
        assert_locked(&a, "CXW");
}

static void test_store_that_was_never_read(void **state) {
        vault_set_state(vault, VAULT_UNREADABLE);
        (void)fault_set(&read_trouble, AGENT_ERROR_STORAGE_FAILED, "the store is damaged");
        assert_refused("secret", true, AGENT_ERROR_STORAGE_FAILED, "the store is damaged");
        change();
        assert_refused(NULL, false, AGENT_ERROR_STORAGE_FAILED, "the store is damaged");

        vault_set_state(vault, VAULT_OPENING);
        fault_deinit(&read_trouble);
        assert_refused("secret", false, AGENT_ERROR_STORAGE_FAILED, "it is being read");
}

static void test_memory_needs_force(void **state) {
        protect_store(PROTECTOR_MEMORY);
        assert_refused(NULL, false, AGENT_ERROR_STORAGE_FAILED, "logout --all");
        assert_refused("secret", true, AGENT_ERROR_STORAGE_FAILED, "would guard nothing");
        begin(&a, NULL, true);
        something_happens();
        assert_locked(&a, "CXW");
}

static void test_memory_without_a_login(void **state) {
        assert_int_equal(vault_remove_account(vault, "default"), 0);
        vault_changes_saved(vault, vault_changed(vault));
        protect_store(PROTECTOR_MEMORY);
        begin(&a, NULL, false);
        something_happens();
        assert_locked(&a, "CXW");
}

static void test_at_once(void **state) {
        change();
        is_busy = true;
        lock_now(lock);
        assert_string_equal(said, "CXW");
        assert_true(lock_is_closed(lock));
        assert_int_equal(n_drops, 1);
}

static void test_who_waits_leaves(void **state) {
        is_busy = true;
        begin(&a, NULL, false);
        waiter_leave(&a.waiter);
        is_busy = false;
        something_happens();
        assert_int_equal(a.n_told, 0);
        assert_int_equal(vault_get_state(vault), VAULT_LOCKED); /* all the same */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_nothing_to_wait_for),
                TEST(test_nothing_happens),
                TEST(test_waits_for_the_network),
                TEST(test_network_that_does_not_answer),
                TEST(test_waits_for_the_disk),
                TEST(test_disk_that_refuses),
                TEST(test_disk_that_does_not_answer),
                TEST(test_disk_that_does_not_answer_forced),
                TEST(test_two_at_once),
                TEST(test_not_with_something_unsaved),
                TEST(test_trouble_with_all_saved),
                TEST(test_store_that_was_never_read),
                TEST(test_memory_needs_force),
                TEST(test_memory_without_a_login),
                TEST(test_at_once),
                TEST(test_who_waits_leaves),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
