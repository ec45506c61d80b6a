/* The gate at the start: who waits for the disk, what a disk in trouble means, and how a bad store is moved. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/flow/aside.h"
#include "tests/unit/callers.h"
#include "tests/unit/fake-alarm.h"
#include "tests/unit/fake-worker.h"
#include "tests/unit/logins.h"

/* The disk: what it holds, and how it answers. */

static struct vault *stored; /* whose changes it has */
static int load_result, move_result;
static bool unreadable, stuck;
static unsigned n_loads, n_unlocks, n_moves;

int disk_load(struct disk_look *look, const struct disk_paths *paths, struct fault *fault) {
        struct list changes = LIST_INIT(changes);
        bool changed;

        n_loads++;
        assert_true(store_version_is_none(&look->known));
        assert_string_equal(paths->state_dir, "/state");
        if (load_result) {
                look->unreadable = unreadable;
                look->is_stuck = stuck;
                return fault_set(fault, load_result, "the store is in trouble");
        }

        if (stored) {
                assert_int_equal(store_new(&look->store), 0);
                (void)vault_take_changes(stored, &changes);
                assert_int_equal(store_apply(look->store, &changes, &changed), 0);
                change_free_all(&changes);
        }

        return 0;
}

int disk_unlock(struct disk_look *look, const struct disk_paths *paths, struct fault *fault) {
        n_unlocks++;
        if (!streq(secret_string(look->keys.passphrase), "right"))
                return fault_set(fault, AGENT_ERROR_WRONG_PASSPHRASE, NULL);

        load_result = 0;
        return disk_load(look, paths, fault);
}

int disk_move_aside(char **ret, const struct disk_paths *paths, struct fault *fault) {
        n_moves++;
        if (move_result)
                return fault_set(fault, move_result, "the directory is read-only");

        *ret = strdup("/state/store.bad");
        return 0;
}

static struct disk_paths paths = {.state_dir = (char *)"/state", .config_dir = (char *)"/config"};
static struct vault *vault;
static struct open *gate;
static struct aside *aside;
static unsigned n_opened;
static struct caller a, b;

static void on_opened(void *userdata) {
        assert_int_equal(vault_get_state(vault), VAULT_OPEN);
        n_opened++;
}

static unsigned n_locked;

static void on_locked(void *userdata) {
        n_locked++;
}

static int set_up(void **state) {
        assert_int_equal(vault_new(&vault), 0);
        assert_int_equal(open_new(&gate, &(struct open_deps){.vault = vault,
                                                             .paths = &paths,
                                                             .opened = on_opened,
                                                             .locked = on_locked}),
                         0);
        assert_int_equal(aside_new(&aside, &(struct aside_deps){.vault = vault, .open = gate, .paths = &paths}),
                         0);
        caller_init(&a);
        caller_init(&b);
        n_opened = n_loads = n_unlocks = n_moves = 0;
        load_result = move_result = 0;
        unreadable = stuck = false;
        return 0;
}

static int tear_down(void **state) {
        caller_deinit(&a);
        caller_deinit(&b);
        aside = aside_free(aside);
        gate = open_free(gate);
        while (worker_jobs() > 0)
                worker_work();
        vault = vault_free(vault);
        stored = vault_free(stored);
        assert_int_equal(fake_alarm_in(), -1);
        return 0;
}

static void test_gate(void **state) {
        assert_int_equal(vault_new(&stored), 0);
        assert_int_equal(log_in(stored, "default", "ada", GROUPS, "access"), 0);
        assert_int_equal(vault_get_state(vault), VAULT_OPENING);
        assert_true(open_join(gate, &a.waiter, caller_told));
        assert_true(open_join(gate, &b.waiter, caller_told));
        waiter_leave(&b.waiter);
        assert_int_equal(worker_jobs(), 1);
        worker_work();

        assert_told(&a, 0);
        assert_int_equal(b.n_told, 0);
        assert_int_equal(n_opened, 1);
        assert_int_equal(vault_get_state(vault), VAULT_OPEN);
        assert_non_null(get_grant(vault, "default", GROUPS));
        assert_null(open_trouble(gate));
        assert_false(open_join(gate, &b.waiter, caller_told));
}

static void test_nothing_stored(void **state) {
        vault_set_image(vault, make_secret("of a store that was in memory"));
        worker_work();
        assert_null(vault_image(vault));
        assert_int_equal(n_opened, 1);
        assert_int_equal(vault_get_state(vault), VAULT_OPEN);
        assert_null(open_trouble(gate));
}

static void test_disk_that_hangs(void **state) {
        assert_true(open_join(gate, &a.waiter, caller_told));
        pass(9);
        assert_int_equal(a.n_told, 0);
        pass(1);
        assert_told(&a, 0); /* what can be answered without the disk is */
        assert_non_null(strstr(fault_message(open_trouble(gate)), "/state"));
        assert_false(open_join(gate, &b.waiter, caller_told));
        assert_int_equal(vault_get_state(vault), VAULT_OPENING);
        assert_int_equal(worker_jobs(), 1); /* still waiting for it */

        worker_work();
        assert_int_equal(n_opened, 1);
        assert_null(open_trouble(gate));
}

static void test_retries(void **state) {
        static const int64_t pauses[] = {1, 2, 4, 8, 16, 32, 60, 60};

        load_result = AGENT_ERROR_STORAGE_FAILED;
        assert_true(open_join(gate, &a.waiter, caller_told));
        worker_work();
        assert_told(&a, 0); /* the gate opens: what can be answered without the disk is */
        assert_false(open_join(gate, &b.waiter, caller_told));
        assert_int_equal(vault_get_state(vault), VAULT_OPENING);
        assert_string_equal(fault_message(open_trouble(gate)), "the store is in trouble");

        for (size_t i = 0; i < ARRAY_SIZE(pauses); i++) {
                pass(pauses[i] - 1);
                assert_int_equal(worker_jobs(), 0);
                pass(1);
                assert_int_equal(worker_jobs(), 1);
                if (i + 1 == ARRAY_SIZE(pauses))
                        load_result = 0;
                assert_int_equal(n_opened, 0);
                worker_work();
        }

        assert_int_equal(n_opened, 1);
        assert_int_equal(vault_get_state(vault), VAULT_OPEN);
        assert_null(open_trouble(gate));
        assert_int_equal(fake_alarm_in(), -1);
}

static void read_what_is_bad(void) {
        load_result = AGENT_ERROR_STORAGE_FAILED;
        unreadable = true;
        worker_work();
}

static void test_unreadable(void **state) {
        assert_true(open_join(gate, &a.waiter, caller_told));
        read_what_is_bad();
        assert_told(&a, 0);
        assert_int_equal(vault_get_state(vault), VAULT_UNREADABLE);
        assert_int_equal(n_opened, 0);
        assert_non_null(open_trouble(gate));
        assert_int_equal(fake_alarm_in(), -1); /* reading it again is of no use */
}

static void test_moves_aside(void **state) {
        read_what_is_bad();
        assert_int_equal(aside_move(aside, &a.waiter, caller_told), 0);
        assert_int_equal(aside_move(aside, &b.waiter, caller_told), -EBUSY);
        assert_int_equal(a.n_told, 0);
        worker_work();
        assert_told(&a, 0);
        assert_int_equal(b.n_told, 0);
        assert_int_equal(n_moves, 1);
        assert_string_equal(aside_moved_to(aside), "/state/store.bad");
        assert_int_equal(vault_get_state(vault), VAULT_OPEN);
        assert_int_equal(n_opened, 1);
        assert_null(open_trouble(gate));
}

static void test_cannot_move(void **state) {
        read_what_is_bad();
        move_result = AGENT_ERROR_STORAGE_FAILED;
        assert_int_equal(aside_move(aside, &a.waiter, caller_told), 0);
        worker_work();
        assert_told(&a, AGENT_ERROR_STORAGE_FAILED);
        assert_int_equal(vault_get_state(vault), VAULT_UNREADABLE);
        assert_null(aside_moved_to(aside));
        assert_non_null(open_trouble(gate));
        assert_int_equal(n_opened, 0);

        move_result = 0;
        assert_int_equal(aside_move(aside, &b.waiter, caller_told), 0);
        worker_work();
        assert_told(&b, 0);
}

static void test_good_store_stays(void **state) {
        assert_int_equal(aside_move(aside, &a.waiter, caller_told), -EBUSY); /* not read yet */
        worker_work();
        assert_int_equal(aside_move(aside, &a.waiter, caller_told), -EBUSY);
        assert_int_equal(worker_jobs(), 0);
        assert_int_equal(a.n_told, 0);
}

static void test_stopping(void **state) {
        assert_true(open_join(gate, &a.waiter, caller_told));
        gate = open_free(gate);
        assert_told(&a, AGENT_ERROR_STOPPING);
        worker_work(); /* nobody hears of it */
        assert_int_equal(n_opened, 0);
        assert_int_equal(a.n_told, 1);
}

static void test_stopping_while_moving(void **state) {
        read_what_is_bad();
        assert_int_equal(aside_move(aside, &a.waiter, caller_told), 0);
        aside = aside_free(aside);
        assert_told(&a, AGENT_ERROR_STOPPING);
        worker_work();
        assert_int_equal(n_opened, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* What is to open it does not work: trying again goes on, unless somebody has had enough. */
static void test_stuck_store_is_moved(void **state) {
        load_result = AGENT_ERROR_STORAGE_FAILED;
        worker_work();
        assert_false(aside_is_possible(aside)); /* a disk in trouble */
        stuck = true;
        pass(fake_alarm_in());
        worker_work();
        assert_int_equal(vault_get_state(vault), VAULT_OPENING);
        assert_true(aside_is_possible(aside));

        assert_int_equal(aside_move(aside, &a.waiter, caller_told), 0);
        worker_work();
        assert_told(&a, 0);
        assert_int_equal(vault_get_state(vault), VAULT_OPEN);
        assert_int_equal(n_opened, 1);
        assert_null(open_trouble(gate));
        assert_int_equal(fake_alarm_in(), -1); /* and nothing is read again */
}

/* Who was unlocking meanwhile is told, too. */
static void test_stuck_store_is_moved_while_it_is_read(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};

        load_result = AGENT_ERROR_STORAGE_FAILED;
        stuck = true;
        worker_work();
        assert_int_equal(aside_move(aside, &a.waiter, caller_told), 0);
        assert_int_equal(open_unlock(gate, NULL, &b.waiter, caller_told, &fault), 0);
        worker_work();
        assert_told(&a, 0);
        assert_told(&b, 0);
        worker_work();
        assert_int_equal(vault_get_state(vault), VAULT_OPEN);
        assert_int_equal(n_opened, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_gate),
                TEST(test_nothing_stored),
                TEST(test_retries),
                TEST(test_disk_that_hangs),
                TEST(test_unreadable),
                TEST(test_moves_aside),
                TEST(test_cannot_move),
                TEST(test_good_store_stays),
                TEST(test_stopping),
                TEST(test_stopping_while_moving),
                cmocka_unit_test_setup_teardown(test_stuck_store_is_moved, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_stuck_store_is_moved_while_it_is_read, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
