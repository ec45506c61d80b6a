/* When two daemons write at once, one waits for its turn, and the worker is not kept by it. */

#include "tests/unit/unit.h"

#include <errno.h>
#include <limits.h>

#include "daemon/flow/save.h"
#include "tests/unit/fake-alarm.h"
#include "tests/unit/fake-worker.h"
#include "tests/unit/logins.h"

static unsigned n_turns; /* of the other, before ours */
static size_t n_written; /* changes */

int disk_commit(struct disk_commit *commit, const struct disk_paths *paths, struct fault *fault) {
        if (n_turns > 0) {
                n_turns--;
                (void)fault_set(fault, AGENT_ERROR_STORAGE_FAILED, "another process is at it");
                return -EAGAIN;
        }

        for (struct list *l = commit->changes.next; l != &commit->changes; l = l->next)
                n_written++;
        return 0;
}

static struct disk_paths paths = {.state_dir = (char *)"/state", .config_dir = (char *)"/config"};
static const struct disk_wish wish = {.automatic = true, .permitted = ~0U};
static struct vault *vault;
static struct save *saves;
static struct saving saving;
static unsigned n_told;

static void on_disk(void *userdata) {
}

static int set_up(void **state) {
        assert_int_equal(vault_new(&vault), 0);
        vault_set_state(vault, VAULT_OPEN);
        assert_int_equal(
                save_new(&saves,
                         &(struct save_deps){.vault = vault, .paths = &paths, .wish = &wish, .saved = on_disk}),
                0);
        waiter_init(&saving.waiter);
        n_turns = n_told = 0;
        n_written = 0;
        return 0;
}

static int tear_down(void **state) {
        waiter_leave(&saving.waiter);
        saves = save_free(saves);
        while (worker_jobs() > 0)
                worker_work();
        vault = vault_free(vault);
        return 0;
}

static void on_saved(struct waiter *waiter, const struct fault *fault) {
        assert_null(fault);
        n_told++;
}

/* Two changes: an account, and its grant. */
static void change(const char *profile) {
        assert_int_equal(log_in(vault, profile, "ada", GROUPS, "access"), 0);
}

static void test_waits_for_its_turn(void **state) {
        change("one");
        assert_true(save_join(saves, &saving, on_saved));
        n_turns = 2;
        for (int i = 0; i < 3; i++) {
                assert_int_equal(n_told, 0);
                assert_int_equal(worker_jobs(), 1); /* again the last in the queue */
                worker_work();
        }

        assert_int_equal(n_told, 1);
        assert_int_equal(n_written, 2);
        assert_null(save_trouble(saves));
        assert_int_equal(worker_jobs(), 0);
}

static void test_turn_that_does_not_come(void **state) {
        n_turns = UINT_MAX;
        change("one");
        save_kick(saves);
        for (int i = 0; i < 11; i++) {
                assert_int_equal(worker_jobs(), 1);
                assert_null(save_trouble(saves));
                worker_work();
                pass(1);
        }

        assert_string_equal(fault_message(save_trouble(saves)), "another process is at it");
        n_turns = 1;
        while (worker_jobs() == 0)
                pass(1);
        worker_work(); /* its patience is new */
        worker_work();
        assert_null(save_trouble(saves));
        assert_int_equal(n_written, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_waits_for_its_turn),
                TEST(test_turn_that_does_not_come),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
