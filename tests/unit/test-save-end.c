/* The end of the agent: what changed last is on disk, if the disk can be had in a moment; else it is said. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/flow/save.h"
#include "tests/unit/captured.h"
#include "tests/unit/fake-alarm.h"
#include "tests/unit/fake-worker.h"
#include "tests/unit/logins.h"

static int disk_result;
static unsigned n_failures; /* to come */
static uint64_t commit_usec; /* how long one takes */
static unsigned n_commits;
static bool opened_by_new_key; /* the last one had what the one before it made */
static char written[64]; /* first letters of profiles, in the order of what became of them */

int disk_commit(struct disk_commit *commit, const struct disk_paths *paths, struct fault *fault) {
        n_commits++;
        fake_boottime += commit_usec;
        if (n_failures > 0) {
                n_failures--;
                (void)fault_set(fault, AGENT_ERROR_STORAGE_FAILED, "the disk is full");
                return disk_result;
        }

        if (commit->action == DISK_PROTECT) {
                assert_int_equal(store_new(&commit->store), 0);
                assert_int_equal(protector_wrap(commit->store, PROTECTOR_PASSPHRASE, commit->passphrase, 1000),
                                 0);
        }
        opened_by_new_key = commit->keys.store.protection.name != NULL;

        for (struct list *l = commit->changes.next; l != &commit->changes; l = l->next)
                if (CONTAINER(l, struct change, link)->record->kind == RECORD_ACCOUNT)
                        strncat(written, CONTAINER(l, struct change, link)->record->profile, 1);
        return 0;
}

static struct disk_paths paths = {.state_dir = (char *)"/state", .config_dir = (char *)"/config"};
static const struct disk_wish wish = {.automatic = true, .permitted = ~0U};
static struct vault *vault;
static struct save *saves;

static unsigned n_lost;

static void on_disk(void *userdata) {
}

static void on_lost(void *userdata) {
        n_lost++;
}

static int set_up(void **state) {
        assert_int_equal(vault_new(&vault), 0);
        vault_set_state(vault, VAULT_OPEN);
        assert_int_equal(save_new(&saves, &(struct save_deps){.vault = vault,
                                                              .paths = &paths,
                                                              .wish = &wish,
                                                              .saved = on_disk,
                                                              .lost = on_lost}),
                         0);
        disk_result = AGENT_ERROR_STORAGE_FAILED;
        n_failures = n_commits = n_lost = 0;
        commit_usec = 0;
        written[0] = '\0';
        return 0;
}

static int tear_down(void **state) {
        saves = save_free(saves);
        while (worker_jobs() > 0)
                worker_work();
        vault = vault_free(vault);
        return 0;
}

static void change(const char *profile) {
        assert_int_equal(log_in(vault, profile, "ada", GROUPS, "access"), 0);
}

/* One change is on its way, and one waits. */
static void end_with_two(void) {
        change("one");
        save_kick(saves);
        change("two");
        saves = save_free(saves);
        assert_int_equal(worker_jobs(), 2);
}

static void test_all_is_well(void **state) {
        end_with_two();
        worker_work();
        worker_work();
        assert_string_equal(written, "ot");
        assert_int_equal(n_commits, 2);
}

static void test_nothing_left(void **state) {
        change("one");
        save_kick(saves);
        worker_work();
        saves = save_free(saves);
        assert_int_equal(worker_jobs(), 0);
}

/* Nobody would try again: so who tried first does, and what changed later waits for it. */
static void test_disk_that_fails_for_a_moment(void **state) {
        end_with_two();
        n_failures = 3;
        worker_work();
        assert_int_equal(n_commits, 1);
        worker_work();
        assert_string_equal(written, "ot");
        assert_int_equal(n_commits, 5);
        assert_int_equal(n_lost, 0);
}

/* It may be over, and nobody has looked yet how it went. */
static void test_failure_of_the_last_but_one(void **state) {
        change("one");
        save_kick(saves);
        saves = save_free(saves);
        n_failures = 1;
        worker_work();
        worker_work();
        assert_string_equal(written, "o");
        assert_int_equal(n_commits, 2);
}

/* There is no next turn then. */
static void test_another_process_writes(void **state) {
        disk_result = -EAGAIN;
        end_with_two();
        n_failures = 3;
        worker_work();
        worker_work();
        assert_string_equal(written, "ot");
}

static void test_disk_that_fails(void **state) {
        struct captured captured;

        n_failures = 100;
        commit_usec = USEC_PER_SEC;
        change("one");
        saves = save_free(saves);
        capture(&captured);
        worker_work();
        assert_non_null(strstr(release(&captured),
                               "Not saved before the end, so what changed last is lost: the disk is full"));
        assert_in_range(n_commits, 4, 5);
        assert_int_equal(n_lost, 1);
}

/* The key that the one before made opens the store for the last one, and is not made twice. */
static void test_key_changes_on_the_way(void **state) {
        struct protection_change protection = {.action = DISK_PROTECT};
        _cleanup_(fault_deinit) struct fault fault = {};
        struct waiter waiter;

        assert_int_equal(secret_new(&protection.passphrase, "pass", 4), 0);
        change("one");
        assert_int_equal(save_protect(saves, &protection, &waiter, NULL, &fault), 0);
        change("two");
        waiter_leave(&waiter);
        saves = save_free(saves);
        worker_work();
        assert_false(opened_by_new_key);
        worker_work();
        assert_string_equal(written, "ot");
        assert_int_equal(n_commits, 2);
        assert_true(opened_by_new_key);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_all_is_well),
                TEST(test_nothing_left),
                TEST(test_disk_that_fails_for_a_moment),
                TEST(test_failure_of_the_last_but_one),
                TEST(test_another_process_writes),
                TEST(test_disk_that_fails),
                TEST(test_key_changes_on_the_way),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
