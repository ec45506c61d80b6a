/* Unlocking: who needs a passphrase, what a wrong one costs, who waits meanwhile, and what a lock in between
 * does. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/flow/aside.h"
#include "tests/unit/callers.h"
#include "tests/unit/fake-alarm.h"
#include "tests/unit/fake-worker.h"
#include "tests/unit/logins.h"

/* The disk: a store with a passphrase, or in trouble. */

static const char *right; /* NULL: it needs none */
static int trouble;
static bool unreadable, stays_locked;
static unsigned n_loads, n_unlocks, n_moves;

static int read_disk(struct disk_look *look, struct fault *fault) {
        const struct secret *given = look->keys.passphrase;

        if (trouble) {
                look->unreadable = unreadable;
                return fault_set(fault, trouble, "the store is in trouble");
        }

        assert_int_equal(store_new(&look->store), 0);
        assert_int_equal(protector_wrap(look->store, PROTECTOR_PLAINTEXT, NULL, 0), 0);
        look->store->version.bytes[0] = 1;
        if (right && (!given || !streq(secret_string(given), right))) {
                free(look->store->protection.name);
                look->store->protection.name = strdup("passphrase");
                return fault_set(fault, given ? AGENT_ERROR_WRONG_PASSPHRASE : AGENT_ERROR_LOCKED, NULL);
        }

        look->stays_locked = stays_locked;
        return 0;
}

int disk_load(struct disk_look *look, const struct disk_paths *paths, struct fault *fault) {
        n_loads++;
        return read_disk(look, fault);
}

int disk_unlock(struct disk_look *look, const struct disk_paths *paths, struct fault *fault) {
        n_unlocks++;
        return read_disk(look, fault);
}

int disk_move_aside(char **ret, const struct disk_paths *paths, struct fault *fault) {
        n_moves++;
        *ret = strdup("/state/store.old");
        return 0;
}

static struct disk_paths paths = {.state_dir = (char *)"/state", .config_dir = (char *)"/config"};
static struct vault *vault;
static struct open *gate;
static struct aside *aside;
static unsigned n_opened, n_locked;
static struct caller a, b, c;

static void on_opened(void *userdata) {
        n_opened++;
}

static void on_locked(void *userdata) {
        n_locked++;
}

static int set_up(void **state) {
        n_locked = n_opened = n_loads = n_unlocks = n_moves = 0;
        right = NULL;
        trouble = 0;
        unreadable = stays_locked = false;
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
        caller_init(&c);
        return 0;
}

static int tear_down(void **state) {
        caller_deinit(&a);
        caller_deinit(&b);
        caller_deinit(&c);
        aside = aside_free(aside);
        gate = open_free(gate);
        while (worker_jobs() > 0)
                worker_work();
        vault = vault_free(vault);
        assert_int_equal(fake_alarm_in(), -1);
        return 0;
}

/* As after a start, of a store that needs one. */
static void begin_locked(void) {
        right = "right";
        worker_work();
        assert_int_equal(vault_get_state(vault), VAULT_LOCKED);
}

/* 0, or why not at once. */
static int begin_unlock(struct caller *caller, const char *passphrase, struct fault *fault) {
        return open_unlock(gate, passphrase ? make_secret(passphrase) : NULL, &caller->waiter, caller_told,
                           fault);
}

static void unlock(struct caller *caller, const char *passphrase) {
        _cleanup_(fault_deinit) struct fault fault = {};

        caller_deinit(caller);
        caller_init(caller);
        assert_int_equal(begin_unlock(caller, passphrase, &fault), 0);
        worker_work();
}

static void test_start_without_a_passphrase(void **state) {
        assert_true(open_join(gate, &a.waiter, caller_told));
        begin_locked();
        assert_told(&a, 0); /* it is for the gate behind this one to say Locked */
        assert_int_equal(n_locked, 1);
        assert_int_equal(n_opened, 0);
        assert_true(vault_needs_passphrase(vault));
        assert_int_equal(vault_protector(vault), PROTECTOR_PASSPHRASE);
        assert_null(open_trouble(gate));
        assert_int_equal(fake_alarm_in(), -1);
        assert_false(open_join(gate, &b.waiter, caller_told));
}

static void test_right_passphrase(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};

        begin_locked();
        assert_int_equal(begin_unlock(&a, "right", &fault), 0);
        assert_int_equal(vault_get_state(vault), VAULT_OPENING);
        assert_true(open_join(gate, &b.waiter, caller_told)); /* calls wait for it */
        assert_int_equal(begin_unlock(&c, "right", &fault), AGENT_ERROR_BUSY);
        worker_work();
        assert_told(&a, 0);
        assert_told(&b, 0);
        assert_int_equal(c.n_told, 0);
        assert_int_equal(n_unlocks, 1);
        assert_int_equal(n_opened, 1);
        assert_int_equal(vault_get_state(vault), VAULT_OPEN);
}

static void test_none(void **state) {
        begin_locked();
        unlock(&a, NULL);
        assert_told(&a, AGENT_ERROR_LOCKED);
        assert_int_equal(vault_get_state(vault), VAULT_LOCKED);
        assert_int_equal(n_unlocks, 0); /* without one, nothing is to be taken off */
        unlock(&a, NULL);
        assert_told(&a, AGENT_ERROR_LOCKED); /* and it costs nothing */
}

static void test_none_is_needed(void **state) {
        worker_work();
        vault_wipe(vault);
        open_lock(gate);
        unlock(&a, NULL);
        assert_told(&a, 0);
        assert_int_equal(vault_get_state(vault), VAULT_OPEN);
        assert_int_equal(n_opened, 2);
}

static void assert_wrong(int64_t pause) {
        _cleanup_(fault_deinit) struct fault fault = {};

        unlock(&a, "wrong");
        assert_told(&a, AGENT_ERROR_WRONG_PASSPHRASE);
        assert_int_equal(vault_get_state(vault), VAULT_LOCKED);
        assert_int_equal(a.fault.retry_at, fake_unix + pause);
        if (pause == 0)
                return;

        fake_sleep(pause - 1);
        assert_int_equal(begin_unlock(&b, "right", &fault), AGENT_ERROR_WRONG_PASSPHRASE);
        assert_int_equal(fault.retry_at, fake_unix + 1);
        assert_non_null(strstr(fault_message(&fault), "in 1 s"));
        assert_int_equal(b.n_told, 0);
        assert_int_equal(worker_jobs(), 0);
        fake_sleep(1);
}

/* The first may be a slip. */
static void test_pauses_grow(void **state) {
        static const int64_t pauses[] = {0, 2, 4, 8, 16, 32, 64, 64, 64};

        begin_locked();
        for (size_t i = 0; i < ARRAY_SIZE(pauses); i++)
                assert_wrong(pauses[i]);

        unlock(&a, "right");
        assert_told(&a, 0);
        vault_wipe(vault);
        open_lock(gate);
        assert_wrong(0); /* it begins anew */
        assert_wrong(2);
}

/* They are of the person, not of the store: locking again does not shorten them. */
static void test_pause_outlives_a_lock(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};

        begin_locked();
        unlock(&a, "wrong");
        unlock(&a, "wrong");
        vault_wipe(vault);
        open_lock(gate);
        assert_int_equal(begin_unlock(&b, "right", &fault), AGENT_ERROR_WRONG_PASSPHRASE);
        unlock(&a, NULL);
        assert_told(&a, AGENT_ERROR_LOCKED); /* who gives none guesses nothing */
}

static void test_while_it_is_read_at_the_start(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};

        assert_int_equal(begin_unlock(&a, "right", &fault), AGENT_ERROR_BUSY);
        assert_int_equal(worker_jobs(), 1);
        worker_work();
        assert_int_equal(a.n_told, 0);
}

static void test_disk_in_trouble(void **state) {
        begin_locked();
        trouble = AGENT_ERROR_STORAGE_FAILED;
        assert_int_equal(vault_get_state(vault), VAULT_LOCKED);
        unlock(&a, "right");
        assert_told(&a, AGENT_ERROR_STORAGE_FAILED);
        assert_string_equal(fault_message(open_trouble(gate)), "the store is in trouble");
        assert_int_equal(vault_get_state(vault), VAULT_OPENING);

        trouble = 0; /* it is read again, but the passphrase is not kept meanwhile */
        pass(1);
        worker_work();
        assert_int_equal(vault_get_state(vault), VAULT_LOCKED);
        unlock(&a, "right");
        assert_told(&a, 0);
        assert_null(open_trouble(gate));
}

static void test_store_that_was_damaged(void **state) {
        begin_locked();
        trouble = AGENT_ERROR_STORAGE_FAILED;
        unreadable = true;
        unlock(&a, "right");
        assert_told(&a, AGENT_ERROR_STORAGE_FAILED);
        assert_int_equal(vault_get_state(vault), VAULT_UNREADABLE);
        assert_int_equal(fake_alarm_in(), -1);
        assert_true(aside_is_possible(aside));
}

static void test_disk_that_hangs(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};

        begin_locked();
        assert_int_equal(begin_unlock(&a, "right", &fault), 0);
        assert_true(open_join(gate, &b.waiter, caller_told));
        pass(10);
        assert_told(&b, 0); /* they do not wait for ever */
        assert_told(&a, AGENT_ERROR_STORAGE_FAILED);
        assert_non_null(open_trouble(gate));
        worker_work(); /* it opens all the same */
        assert_int_equal(a.n_told, 1);
        assert_int_equal(vault_get_state(vault), VAULT_OPEN);
        assert_null(open_trouble(gate));
}

static void test_locked_meanwhile(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};

        begin_locked();
        assert_int_equal(begin_unlock(&a, "right", &fault), 0);
        assert_true(open_join(gate, &b.waiter, caller_told));
        vault_wipe(vault);
        open_lock(gate);
        assert_told(&a, AGENT_ERROR_LOCKED);
        assert_told(&b, 0);
        worker_work(); /* what was read does not come in */
        assert_int_equal(vault_get_state(vault), VAULT_LOCKED);
        assert_int_equal(n_opened, 0);
        assert_null(vault_key(vault)->data_key);

        unlock(&c, "right");
        assert_told(&c, 0);
        assert_int_equal(n_opened, 1);
}

/* A lock while the disk is in trouble ends the tries, too. */
static void test_locked_between_tries(void **state) {
        trouble = AGENT_ERROR_STORAGE_FAILED;
        worker_work();
        assert_int_equal(vault_get_state(vault), VAULT_OPENING);
        vault_wipe(vault);
        open_lock(gate);
        assert_null(open_trouble(gate));
        assert_int_equal(fake_alarm_in(), -1);
        trouble = 0;
        unlock(&a, NULL);
        assert_told(&a, 0);
}

static void test_stays_locked_on_disk(void **state) {
        begin_locked();
        stays_locked = true;
        unlock(&a, "right");
        assert_told(&a, 0);
        assert_int_equal(vault_get_state(vault), VAULT_OPEN);
}

static void test_stopping(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};

        begin_locked();
        assert_int_equal(begin_unlock(&a, "right", &fault), 0);
        gate = open_free(gate);
        assert_told(&a, AGENT_ERROR_STOPPING);
        worker_work();
        assert_int_equal(a.n_told, 1);
        assert_int_equal(n_opened, 0);
}

/* Nobody knows the passphrase any more. */
static void test_moved_aside(void **state) {
        begin_locked();
        assert_true(aside_is_possible(aside));
        assert_int_equal(aside_move(aside, &a.waiter, caller_told), 0);
        worker_work();
        assert_told(&a, 0);
        assert_int_equal(n_moves, 1);
        assert_int_equal(vault_get_state(vault), VAULT_OPEN);
        assert_false(aside_is_possible(aside));
        assert_int_equal(n_opened, 1);
}

/* A lock that needs none is opened by unlocking: there is nothing to move. */
static void test_not_moved_without_need(void **state) {
        worker_work();
        vault_wipe(vault);
        open_lock(gate);
        assert_false(aside_is_possible(aside));
        assert_int_equal(aside_move(aside, &a.waiter, caller_told), -EBUSY);
        assert_int_equal(worker_jobs(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_start_without_a_passphrase),
                TEST(test_right_passphrase),
                TEST(test_none),
                TEST(test_none_is_needed),
                TEST(test_pauses_grow),
                TEST(test_pause_outlives_a_lock),
                TEST(test_while_it_is_read_at_the_start),
                TEST(test_disk_in_trouble),
                TEST(test_store_that_was_damaged),
                TEST(test_disk_that_hangs),
                TEST(test_locked_meanwhile),
                TEST(test_locked_between_tries),
                TEST(test_stays_locked_on_disk),
                TEST(test_stopping),
                TEST(test_moved_aside),
                TEST(test_not_moved_without_need),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
