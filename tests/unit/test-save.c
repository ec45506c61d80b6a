/* What goes to the disk when, what a disk that fails or hangs costs, and that nothing gets lost. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/flow/save.h"
#include "tests/unit/callers.h"
#include "tests/unit/captured.h"
#include "tests/unit/fake-alarm.h"
#include "tests/unit/fake-worker.h"
#include "tests/unit/logins.h"

/* The disk: a store in memory. */

static struct store *disk;
static unsigned n_commits;
static int commit_result;
static bool disk_is_gone, disk_has_no_locks;
static const char *commit_reason = "the disk is full";

int disk_commit(struct disk_commit *commit, const struct disk_paths *paths, struct fault *fault) {
        bool changed;

        n_commits++;
        assert_false(list_is_empty(&commit->changes));
        assert_string_equal(paths->state_dir, "/state");
        if (commit_result)
                return fault_set(fault, commit_result, "%s", commit_reason);

        if (disk_is_gone && !store_version_is_none(&commit->known))
                return 0;

        disk_is_gone = false;
        assert_int_equal(store_apply(disk, &commit->changes, &changed), 0);
        assert_int_equal(store_new(&commit->store), 0);
        commit->store->version.bytes[0] = 1;
        commit->unlocked = disk_has_no_locks;
        for (struct list *l = disk->records.next; l != &disk->records; l = l->next) {
                struct record *copy;

                assert_int_equal(record_copy(&copy, CONTAINER(l, struct record, link)), 0);
                list_append(&commit->store->records, &copy->link);
        }

        return 0;
}

static bool disk_has(const char *profile) {
        for (struct list *l = disk->records.next; l != &disk->records; l = l->next) {
                const struct record *record = CONTAINER(l, struct record, link);

                if (record->kind == RECORD_GRANT && streq(record->profile, profile))
                        return true;
        }

        return false;
}

struct saver {
        struct saving saving;
        unsigned n_told;
        int answer;
};

static struct disk_paths paths = {.state_dir = (char *)"/state", .config_dir = (char *)"/config"};
static const struct disk_wish wish = {.automatic = true, .permitted = ~0U};
static struct vault *vault;
static struct save *saves;
static struct saver a, b;
static unsigned n_saved;

static void on_disk(void *userdata) {
        n_saved++;
}

static int set_up(void **state) {
        assert_int_equal(store_new(&disk), 0);
        assert_int_equal(vault_new(&vault), 0);
        vault_set_state(vault, VAULT_OPEN);
        assert_int_equal(
                save_new(&saves,
                         &(struct save_deps){.vault = vault, .paths = &paths, .wish = &wish, .saved = on_disk}),
                0);
        a = b = (struct saver){};
        waiter_init(&a.saving.waiter);
        waiter_init(&b.saving.waiter);
        n_commits = n_saved = 0;
        commit_result = 0;
        disk_is_gone = disk_has_no_locks = false;
        commit_reason = "the disk is full";
        return 0;
}

static int tear_down(void **state) {
        waiter_leave(&a.saving.waiter);
        waiter_leave(&b.saving.waiter);
        commit_result = 0;
        saves = save_free(saves);
        while (worker_jobs() > 0)
                worker_work();
        vault = vault_free(vault);
        disk = store_free(disk);
        return 0;
}

static void on_saved(struct waiter *waiter, const struct fault *fault) {
        struct saver *saver = CONTAINER(waiter, struct saver, saving.waiter);

        saver->n_told++;
        saver->answer = fault ? fault->r : 0;
}

static void change(const char *profile) {
        assert_int_equal(log_in(vault, profile, "ada", GROUPS, "access"), 0);
}

static bool join(struct saver *saver) {
        return save_join(saves, &saver->saving, on_saved);
}

static void test_nothing_to_do(void **state) {
        save_kick(saves);
        assert_false(join(&a));
        assert_int_equal(worker_jobs(), 0);
        assert_null(save_trouble(saves));
}

static void test_saves(void **state) {
        change("one");
        assert_true(join(&a));
        assert_int_equal(worker_jobs(), 1);
        assert_int_equal(a.n_told, 0);
        worker_work();
        assert_told(&a, 0);
        assert_int_equal(n_saved, 1);
        assert_true(disk_has("one"));
        assert_true(vault_saved(vault) == vault_changed(vault));
        assert_false(join(&b)); /* nothing left to wait for */
        assert_int_equal(worker_jobs(), 0);
}

static void test_next_write_takes_the_rest(void **state) {
        change("one");
        assert_true(join(&a));
        change("two");
        change("three");
        assert_true(join(&b));
        assert_int_equal(worker_jobs(), 1); /* one in flight */

        worker_work();
        assert_told(&a, 0);
        assert_int_equal(b.n_told, 0); /* what it waits for is not on disk */
        assert_int_equal(worker_jobs(), 1);
        worker_work();
        assert_told(&b, 0);
        assert_int_equal(n_commits, 2); /* two changes rode in one */
        assert_true(disk_has("two"));
        assert_true(disk_has("three"));
        assert_int_equal(worker_jobs(), 0);
}

static void test_leaves(void **state) {
        change("one");
        assert_true(join(&a));
        assert_true(join(&b));
        waiter_leave(&a.saving.waiter);
        worker_work();
        assert_int_equal(a.n_told, 0);
        assert_told(&b, 0);
}

static void test_failure_is_tried_again(void **state) {
        static const int64_t pauses[] = {1, 2, 4, 8, 16, 30, 30};

        commit_result = AGENT_ERROR_STORAGE_FAILED;
        change("one");
        assert_true(join(&a));
        worker_work();
        assert_told(&a, AGENT_ERROR_STORAGE_FAILED);
        assert_non_null(save_trouble(saves));
        assert_string_equal(fault_message(save_trouble(saves)), "the disk is full");
        assert_true(vault_saved(vault) < vault_changed(vault));

        change("two");
        for (size_t i = 0; i < ARRAY_SIZE(pauses); i++) {
                save_kick(saves);
                assert_int_equal(worker_jobs(), 0); /* no write is begun meanwhile */
                pass(pauses[i] - 1);
                assert_int_equal(worker_jobs(), 0);
                pass(1);
                assert_int_equal(worker_jobs(), 1);
                if (i + 1 == ARRAY_SIZE(pauses))
                        commit_result = 0;
                worker_work();
        }

        assert_true(disk_has("one"));
        assert_true(disk_has("two"));
        assert_null(save_trouble(saves));
        assert_true(vault_saved(vault) == vault_changed(vault));

        commit_result = AGENT_ERROR_STORAGE_FAILED; /* begins anew */
        change("three");
        save_kick(saves);
        worker_work();
        assert_int_equal(fake_alarm_in(), 1);
}

/* It has a right to know how the disk is now, not how it was when it was last asked. */
static void test_who_waits_has_it_tried_at_once(void **state) {
        commit_result = AGENT_ERROR_STORAGE_FAILED;
        change("one");
        assert_true(join(&a));
        worker_work();
        assert_told(&a, AGENT_ERROR_STORAGE_FAILED);

        assert_true(join(&b));
        assert_int_equal(worker_jobs(), 1);
        worker_work();
        assert_told(&b, AGENT_ERROR_STORAGE_FAILED);

        commit_result = 0;
        b.n_told = 0;
        assert_true(join(&b));
        worker_work();
        assert_told(&b, 0);
        assert_true(disk_has("one"));
        assert_null(save_trouble(saves));
        pass(60);
        assert_int_equal(worker_jobs(), 0);
}

/* A line every half minute would bury all others. */
static void test_log_hears_what_is_new(void **state) {
        struct captured captured;

        commit_result = AGENT_ERROR_STORAGE_FAILED;
        change("one");
        save_kick(saves);
        worker_work();
        for (int i = 0; i < 10; i++) {
                pass(30);
                if (worker_jobs() > 0)
                        worker_work();
        }

        capture(&captured);
        pass(30);
        worker_work();
        assert_string_equal(release(&captured), "");

        capture(&captured);
        commit_reason = "the disk is gone";
        pass(30);
        worker_work();
        assert_non_null(strstr(release(&captured), "next try in 30 s: the disk is gone"));
}

static void test_patience(void **state) {
        change("one");
        assert_true(join(&a));
        pass(1);
        assert_true(join(&b)); /* of the same write */
        assert_int_equal(a.n_told, 0);
        pass(1);
        assert_told(&a, AGENT_ERROR_STORAGE_FAILED);
        assert_int_equal(b.n_told, 0);
        pass(1);
        assert_told(&b, AGENT_ERROR_STORAGE_FAILED);
        assert_non_null(save_trouble(saves));
        assert_int_equal(worker_jobs(), 1); /* still being written */

        worker_work();
        assert_true(disk_has("one"));
        assert_null(save_trouble(saves));
        assert_told(&a, AGENT_ERROR_STORAGE_FAILED);
}

static void test_only_an_open_vault(void **state) {
        static const enum vault_state states[] = {VAULT_OPENING, VAULT_UNREADABLE};

        change("one");
        for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
                vault_set_state(vault, states[i]);
                save_kick(saves);
                assert_false(join(&a));
                assert_int_equal(worker_jobs(), 0);
        }

        vault_set_state(vault, VAULT_OPEN);
        save_kick(saves);
        worker_work();
        assert_true(disk_has("one"));
}

static void test_takes_over_what_is_there(void **state) {
        struct vault *other_daemon;
        struct list changes = LIST_INIT(changes);
        bool changed;

        assert_int_equal(vault_new(&other_daemon), 0);
        assert_int_equal(log_in(other_daemon, "theirs", "ben", GROUPS, "access"), 0);
        (void)vault_take_changes(other_daemon, &changes);
        assert_int_equal(store_apply(disk, &changes, &changed), 0);
        change_free_all(&changes);
        vault_free(other_daemon);

        change("ours");
        save_kick(saves);
        worker_work();
        assert_non_null(get_grant(vault, "theirs", GROUPS));
        assert_non_null(get_grant(vault, "ours", GROUPS));
        assert_true(disk_has("theirs"));
}

static void wipe_disk(void) {
        store_free(disk);
        assert_int_equal(store_new(&disk), 0);
        disk_is_gone = true;
}

static void test_store_that_is_gone_is_written_anew(void **state) {
        change("one");
        save_kick(saves);
        worker_work();
        wipe_disk();

        change("two");
        assert_true(join(&a));
        worker_work();
        assert_int_equal(a.n_told, 0); /* nothing has been written yet */
        worker_work();
        assert_told(&a, 0);
        assert_true(disk_has("one"));
        assert_true(disk_has("two"));
        assert_non_null(get_grant(vault, "one", GROUPS));
        assert_true(vault_saved(vault) == vault_changed(vault));
}

static void test_tells_that_there_are_no_locks(void **state) {
        disk_has_no_locks = true;
        change("one");
        save_kick(saves);
        assert_false(save_is_unlocked(saves));
        worker_work();
        assert_true(save_is_unlocked(saves));
}

static void test_end_hands_all_over(void **state) {
        change("one");
        save_kick(saves);
        change("two"); /* rides in the next, which is begun at the end */
        saves = save_free(saves);
        assert_int_equal(worker_jobs(), 2);
        worker_work();
        worker_work();
        assert_true(disk_has("one"));
        assert_true(disk_has("two"));
}

static void test_end_after_a_failure(void **state) {
        commit_result = AGENT_ERROR_STORAGE_FAILED;
        change("one");
        save_kick(saves);
        worker_work();
        commit_result = 0;
        saves = save_free(saves); /* waits for no pause */
        assert_int_equal(worker_jobs(), 1);
        worker_work();
        assert_true(disk_has("one"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_nothing_to_do),
                TEST(test_saves),
                TEST(test_next_write_takes_the_rest),
                TEST(test_leaves),
                TEST(test_failure_is_tried_again),
                TEST(test_who_waits_has_it_tried_at_once),
                TEST(test_log_hears_what_is_new),
                TEST(test_patience),
                TEST(test_only_an_open_vault),
                TEST(test_takes_over_what_is_there),
                TEST(test_store_that_is_gone_is_written_anew),
                TEST(test_tells_that_there_are_no_locks),
                TEST(test_end_hands_all_over),
                TEST(test_end_after_a_failure),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
