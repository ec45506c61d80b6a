/* When a claim is granted, how long others wait for it, and when it is given back. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/flow/claim.h"
#include "tests/unit/fake-alarm.h"
#include "tests/unit/fake-worker.h"
#include "tests/unit/logins.h"

static unsigned char uuid[UUID_SIZE]; /* of the groups grant of default */

/* The disk: one lock, and how it answers. */

struct byte_lock {
        bool held;
};

static struct byte_lock lock;
static int lock_result; /* of the next try */
static unsigned n_tries;

int disk_claim(struct byte_lock **ret, const struct disk_paths *paths,
               const unsigned char wanted[static UUID_SIZE], struct fault *fault) {
        n_tries++;
        assert_string_equal(paths->state_dir, "/state");
        assert_memory_equal(wanted, uuid, UUID_SIZE);
        if (lock_result == -EAGAIN)
                return -EAGAIN;
        if (lock_result)
                return fault_set(fault, lock_result, "the disk is read-only");

        lock.held = true;
        *ret = &lock;
        return 0;
}

struct byte_lock *byte_lock_free(struct byte_lock *held) {
        if (held)
                held->held = false;
        return NULL;
}

static bool is_locked(void) {
        return lock.held;
}

static struct disk_paths paths = {.state_dir = (char *)"/state", .config_dir = (char *)"/config"};
static struct vault *vault;
static struct claims *claims;
static struct claim *claim;
static unsigned n_told;
static int answer;

static void save_all(void) {
        struct list changes = LIST_INIT(changes);

        vault_changes_saved(vault, vault_take_changes(vault, &changes));
        change_free_all(&changes);
}

static int set_up(void **state) {
        assert_int_equal(vault_new(&vault), 0);
        vault_set_state(vault, VAULT_OPEN);
        assert_int_equal(log_in(vault, "default", "ada", GROUPS, "access"), 0);
        assert_int_equal(log_in(vault, "other", "bob", GROUPS, "access"), 0);
        memcpy(uuid, get_grant(vault, "default", GROUPS)->uuid, UUID_SIZE);
        save_all();
        assert_int_equal(claims_new(&claims, &(struct claims_deps){.vault = vault, .paths = &paths}), 0);
        n_told = n_tries = 0;
        lock_result = 0;
        lock.held = false;
        return 0;
}

static int tear_down(void **state) {
        claim = claim_release(claim);
        claims = claims_free(claims);
        while (worker_jobs() > 0)
                worker_work();
        assert_false(is_locked());
        vault = vault_free(vault);
        assert_null(fake_next_alarm());
        return 0;
}

/* What a refresh does. */
static void change(const char *profile) {
        assert_int_equal(refresh(vault, get_grant(vault, profile, GROUPS)->id, GROUPS, "new", "rotated"), 0);
}

static void on_claimed(void *userdata, const struct fault *fault) {
        n_told++;
        answer = fault ? fault->r : 0;
}

static void want(void) {
        assert_int_equal(claim_new(&claim, claims, uuid, on_claimed, NULL), 0);
        assert_int_equal(n_told, 0);
}

static void assert_answer(int expected) {
        assert_int_equal(n_told, 1);
        assert_int_equal(answer, expected);
}

static void test_granted(void **state) {
        want();
        worker_work();
        assert_answer(0);
        assert_true(is_locked());
        claim = claim_release(claim);
        worker_work(); /* where files are closed */
        assert_false(is_locked());
        assert_int_equal(n_told, 1);
}

static void test_kept_until_it_is_saved(void **state) {
        want();
        worker_work();
        change("default");
        claim = claim_release(claim);
        assert_int_equal(worker_jobs(), 0);
        claims_on_saved(claims); /* of something else */
        assert_int_equal(worker_jobs(), 0);
        assert_true(is_locked());

        save_all();
        claims_on_saved(claims);
        worker_work();
        assert_false(is_locked());
}

/* There may always be something else that is not on disk yet. */
static void test_kept_no_longer(void **state) {
        struct list changes = LIST_INIT(changes);
        uint64_t number;

        want();
        worker_work();
        change("default");
        number = vault_take_changes(vault, &changes);
        change("other");
        claim = claim_release(claim);
        assert_true(is_locked());

        vault_changes_saved(vault, number);
        change_free_all(&changes);
        change("other");
        claims_on_saved(claims);
        worker_work();
        assert_false(is_locked());
}

static void test_not_kept_for_others(void **state) {
        want();
        worker_work();
        change("other");
        claim = claim_release(claim);
        worker_work();
        assert_false(is_locked());
}

/* The disk does not take what the last refresh brought: that is no reason to have no other. */
static void test_next_one_of_the_same_grant(void **state) {
        want();
        worker_work();
        change("default");
        claim = claim_release(claim);
        assert_true(is_locked());

        n_told = 0;
        lock_result = -EAGAIN; /* as the kernel would say of our own lock */
        want();
        pass(0);
        assert_answer(0);
        assert_true(claim_is_settled(claim));
        assert_true(is_locked());
        assert_int_equal(n_tries, 1);
        assert_int_equal(worker_jobs(), 0);
}

static void test_next_one_while_the_disk_hangs(void **state) {
        want();
        pass(2);
        assert_answer(0);
        claim = claim_release(claim);
        n_told = 0;
        want();
        pass(1);
        assert_int_equal(n_told, 0);
        pass(1);
        assert_answer(0);
        worker_work();
        assert_int_equal(n_told, 1);
        assert_true(is_locked());
        assert_int_equal(n_tries, 1);
}

/* Nothing of it is on disk, nor will be. */
static void test_memory_only(void **state) {
        vault_set_state(vault, VAULT_UNREADABLE);
        change("default");
        want();
        worker_work();
        assert_answer(0);
        claim = claim_release(claim);
        worker_work();
        assert_false(is_locked());
}

static void test_waits_for_another(void **state) {
        lock_result = -EAGAIN;
        want();
        worker_work();
        assert_int_equal(n_told, 0);
        for (int i = 0; i < 10; i++) {
                pass(1);
                worker_work();
        }
        assert_int_equal(n_told, 0);
        lock_result = 0;
        pass(1);
        worker_work();
        assert_answer(0);
        assert_true(is_locked());
}

static void test_does_not_wait_for_ever(void **state) {
        lock_result = -EAGAIN;
        want();
        worker_work();
        for (int i = 0; i < 60; i++) {
                assert_int_equal(n_told, 0);
                pass(1);
                worker_work();
        }
        assert_answer(AGENT_ERROR_UNAVAILABLE);
        pass(10);
        assert_int_equal(worker_jobs(), 0);
}

static void test_disk_that_refuses_costs_nothing(void **state) {
        lock_result = AGENT_ERROR_STORAGE_FAILED;
        want();
        worker_work();
        assert_answer(0);
        claim = claim_release(claim);
        assert_int_equal(worker_jobs(), 0);
}

static void test_disk_that_hangs_costs_two_seconds(void **state) {
        want();
        pass(1);
        assert_int_equal(n_told, 0);
        pass(1);
        assert_answer(0);
        assert_false(claim_is_settled(claim));
        worker_work(); /* late, but while it is still of use */
        assert_true(claim_is_settled(claim));
        assert_int_equal(n_told, 1);
        assert_true(is_locked());
}

static void test_disk_that_hangs_for_long(void **state) {
        want();
        pass(2);
        claim = claim_release(claim);
        worker_work();
        worker_work();
        assert_false(is_locked());
}

static void test_late_and_taken(void **state) {
        want();
        pass(2);
        assert_answer(0);
        lock_result = -EAGAIN;
        worker_work();
        pass(10);
        assert_int_equal(n_tries, 1); /* nobody waits for it */
        assert_int_equal(n_told, 1);
}

static void test_released_while_waiting(void **state) {
        lock_result = -EAGAIN;
        want();
        worker_work();
        claim = claim_release(claim);
        pass(10);
        assert_int_equal(worker_jobs(), 0);
        assert_int_equal(n_told, 0);
}

static void test_end(void **state) {
        want();
        worker_work();
        change("default");
        claim = claim_release(claim);
        claims = claims_free(claims); /* with what the worker does last */
        assert_true(is_locked());
        worker_work();
        assert_false(is_locked());
}

static void test_end_while_trying(void **state) {
        want();
        claim = claim_release(claim);
        claims = claims_free(claims);
        worker_work();
        assert_false(is_locked());
        assert_int_equal(n_told, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_granted),
                TEST(test_kept_until_it_is_saved),
                TEST(test_kept_no_longer),
                TEST(test_not_kept_for_others),
                TEST(test_next_one_of_the_same_grant),
                TEST(test_next_one_while_the_disk_hangs),
                TEST(test_memory_only),
                TEST(test_waits_for_another),
                TEST(test_does_not_wait_for_ever),
                TEST(test_disk_that_refuses_costs_nothing),
                TEST(test_disk_that_hangs_costs_two_seconds),
                TEST(test_disk_that_hangs_for_long),
                TEST(test_late_and_taken),
                TEST(test_released_while_waiting),
                TEST(test_end),
                TEST(test_end_while_trying),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
