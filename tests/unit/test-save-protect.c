/* A change of what protects the store: part of the next write, tried once, and nobody's any more when the vault
 * is locked. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/flow/save.h"
#include "tests/unit/callers.h"
#include "tests/unit/fake-alarm.h"
#include "tests/unit/fake-worker.h"
#include "tests/unit/logins.h"

/* The disk: what it was asked for last, and what it answers. */

static struct {
        unsigned n_commits;
        enum disk_action action;
        struct disk_wish wish;
        char passphrase[32];
        size_t n_changes;
} asked;
static int commit_result;
static bool store_is_gone, keeps_in_memory, somebody_refreshes;

int disk_commit(struct disk_commit *commit, const struct disk_paths *paths, struct fault *fault) {
        struct list *l;

        asked.n_commits++;
        asked.action = commit->action;
        asked.wish = commit->wish;
        asked.n_changes = 0;
        strcpy(asked.passphrase, commit->passphrase ? secret_string(commit->passphrase) : "");
        for (l = commit->changes.next; l != &commit->changes; l = l->next)
                asked.n_changes++;

        if (commit_result)
                return commit_result == -EAGAIN ? fault_set(fault, -EAGAIN, "another one writes")
                                                : fault_set(fault, commit_result, "the disk is full");
        if (store_is_gone && !store_version_is_none(&commit->known))
                return 0;

        if (somebody_refreshes && commit->action == DISK_PROTECT)
                (void)fault_set(&commit->postponed, AGENT_ERROR_BUSY, "a token is being refreshed");
        assert_int_equal(store_new(&commit->store), 0);
        assert_int_equal(protector_wrap(commit->store, keeps_in_memory ? PROTECTOR_MEMORY : PROTECTOR_PLAINTEXT,
                                        NULL, 0),
                         0);
        commit->store->version.bytes[0] = 1;
        if (keeps_in_memory)
                commit->image = make_secret("all of it");
        return 0;
}

static struct disk_paths paths = {.state_dir = (char *)"/state", .config_dir = (char *)"/config"};
static const struct disk_wish settings = {.protector = PROTECTOR_KEYFILE, .permitted = 7};
static struct vault *vault;
static struct save *saves;
static struct caller a, b;
static struct saving saving;
static unsigned n_saved;
static int saving_told;

static void on_disk(void *userdata) {
        n_saved++;
}

static int set_up(void **state) {
        memset(&asked, 0, sizeof(asked));
        commit_result = 0;
        store_is_gone = keeps_in_memory = somebody_refreshes = false;
        n_saved = 0;
        assert_int_equal(vault_new(&vault), 0);
        vault_set_state(vault, VAULT_OPEN);
        assert_int_equal(save_new(&saves, &(struct save_deps){.vault = vault,
                                                              .paths = &paths,
                                                              .wish = &settings,
                                                              .saved = on_disk}),
                         0);
        caller_init(&a);
        caller_init(&b);
        waiter_init(&saving.waiter);
        saving_told = -1;
        return 0;
}

static int tear_down(void **state) {
        caller_deinit(&a);
        caller_deinit(&b);
        waiter_leave(&saving.waiter);
        saves = save_free(saves);
        while (worker_jobs() > 0)
                worker_work();
        vault = vault_free(vault);
        assert_int_equal(fake_alarm_in(), -1);
        return 0;
}

static void on_saved(struct waiter *waiter, const struct fault *fault) {
        saving_told = fault ? fault->r : 0;
}

static int try_protect(struct caller *caller, enum disk_action action, const char *passphrase,
                       struct fault *fault) {
        struct protection_change change = {.action = action,
                                           .wish = {.protector = PROTECTOR_PASSPHRASE, .permitted = 1},
                                           .passphrase = make_secret(passphrase)};
        int r = save_protect(saves, &change, &caller->waiter, caller_told, fault);

        assert_null(change.passphrase);
        return r;
}

static void protect(struct caller *caller, const char *passphrase) {
        _cleanup_(fault_deinit) struct fault fault = {};

        assert_int_equal(try_protect(caller, DISK_PROTECT, passphrase, &fault), 0);
}

static void change(const char *profile) {
        assert_int_equal(log_in(vault, profile, "ada", GROUPS, "access"), 0);
}

static void test_is_a_write_of_its_own(void **state) {
        protect(&a, "new");
        assert_int_equal(worker_jobs(), 1);
        assert_int_equal(a.n_told, 0);
        worker_work();
        assert_told(&a, 0);
        assert_int_equal(n_saved, 1);
        assert_int_equal(asked.action, DISK_PROTECT);
        assert_int_equal(asked.wish.protector, PROTECTOR_PASSPHRASE);
        assert_int_equal(asked.wish.permitted, 1);
        assert_string_equal(asked.passphrase, "new");
        assert_int_equal(worker_jobs(), 0);

        change("one");
        save_kick(saves);
        worker_work();
        assert_int_equal(asked.action, DISK_SAVE); /* once is enough */
        assert_int_equal(asked.wish.protector, PROTECTOR_PLAINTEXT); /* as it is by now, should it get lost */
        assert_false(asked.wish.automatic);
        assert_string_equal(asked.passphrase, "");
}

static void test_lock_wishes_what_the_settings_do(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};

        assert_int_equal(try_protect(&a, DISK_LOCK, "secret", &fault), 0);
        worker_work();
        assert_told(&a, 0);
        assert_int_equal(asked.action, DISK_LOCK);
        assert_int_equal(asked.wish.protector, PROTECTOR_KEYFILE); /* for a store that is not there yet */
        assert_string_equal(asked.passphrase, "secret");
}

static void test_changes_ride_along(void **state) {
        change("one");
        protect(&a, "new");
        worker_work();
        assert_told(&a, 0);
        assert_true(asked.n_changes > 0);
        assert_int_equal(asked.action, DISK_PROTECT);
        assert_true(vault_saved(vault) == vault_changed(vault));
}

static void test_write_in_flight_comes_first(void **state) {
        change("one");
        save_kick(saves);
        protect(&a, "new");
        assert_int_equal(worker_jobs(), 1);
        worker_work();
        assert_int_equal(asked.action, DISK_SAVE);
        assert_int_equal(a.n_told, 0);
        worker_work();
        assert_int_equal(asked.action, DISK_PROTECT);
        assert_told(&a, 0);
}

static void test_one_at_a_time(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};

        protect(&a, "new");
        assert_int_equal(try_protect(&b, DISK_LOCK, "secret", &fault), AGENT_ERROR_BUSY);
        worker_work();
        assert_told(&a, 0);
        assert_int_equal(b.n_told, 0);
        assert_int_equal(asked.n_commits, 1);
        protect(&b, "newer");
        worker_work();
        assert_told(&b, 0);
        assert_string_equal(asked.passphrase, "newer");
}

/* A person waits, and may ask again; what else was to be saved is tried on. */
static void test_failure_is_not_tried_again(void **state) {
        commit_result = AGENT_ERROR_STORAGE_FAILED;
        change("one");
        protect(&a, "new");
        worker_work();
        assert_told(&a, AGENT_ERROR_STORAGE_FAILED);
        assert_string_equal(fault_message(&a.fault), "the disk is full");
        commit_result = 0;
        protect(&b, "newer"); /* asking again does not wait for the next try */
        worker_work();
        assert_told(&b, 0);
        change("two");
        save_kick(saves);
        worker_work();
        assert_int_equal(asked.action, DISK_SAVE);
        assert_true(vault_saved(vault) == vault_changed(vault));
        assert_int_equal(a.n_told, 1);
}

static void test_waits_for_its_turn(void **state) {
        commit_result = -EAGAIN;
        protect(&a, "new");
        for (int i = 0; i < 5; i++) {
                worker_work();
                assert_int_equal(a.n_told, 0);
        }
        commit_result = 0;
        worker_work();
        assert_told(&a, 0);
        assert_int_equal(asked.action, DISK_PROTECT);
        assert_string_equal(asked.passphrase, "new");
}

static void test_turn_that_does_not_come(void **state) {
        commit_result = -EAGAIN;
        protect(&a, "new");
        worker_work();
        fake_sleep(10);
        worker_work();
        assert_int_equal(a.n_told, 1);
        assert_int_equal(a.answer, -EAGAIN);
        assert_int_equal(worker_jobs(), 0);
}

/* What changed is saved meanwhile: who refreshes may wait for that. */
static void test_postponed(void **state) {
        somebody_refreshes = true;
        change("one");
        protect(&a, "new");
        worker_work();
        assert_int_equal(a.n_told, 0);
        assert_true(vault_saved(vault) == vault_changed(vault));
        assert_int_equal(n_saved, 1);
        assert_null(save_trouble(saves));
        fake_sleep(9);
        worker_work();
        assert_int_equal(a.n_told, 0);
        somebody_refreshes = false;
        worker_work();
        assert_told(&a, 0);
        assert_string_equal(asked.passphrase, "new");
        assert_int_equal(worker_jobs(), 0);
}

static void test_postponed_for_too_long(void **state) {
        somebody_refreshes = true;
        protect(&a, "new");
        worker_work();
        fake_sleep(10);
        worker_work();
        assert_told(&a, AGENT_ERROR_BUSY);
        assert_string_equal(fault_message(&a.fault), "a token is being refreshed");
        assert_null(save_trouble(saves));
        assert_int_equal(worker_jobs(), 0);
        protect(&b, "newer");
        worker_work();
        assert_int_equal(b.n_told, 0); /* with patience of its own */
        somebody_refreshes = false;
        worker_work();
        assert_told(&b, 0);
}

/* It is for the store that is written anew. */
static void test_store_that_is_gone(void **state) {
        change("one");
        save_kick(saves);
        worker_work();
        store_is_gone = true;
        protect(&a, "new");
        worker_work();
        assert_int_equal(a.n_told, 0);
        worker_work();
        assert_told(&a, 0);
        assert_int_equal(asked.action, DISK_PROTECT);
        assert_string_equal(asked.passphrase, "new");
}

static void test_image(void **state) {
        keeps_in_memory = true;
        protect(&a, "new");
        worker_work();
        assert_secret(vault_image(vault), "all of it");
        assert_int_equal(vault_protector(vault), PROTECTOR_MEMORY);
        keeps_in_memory = false;
        protect(&b, "new");
        worker_work();
        assert_null(vault_image(vault));
        assert_int_equal(vault_protector(vault), PROTECTOR_PLAINTEXT);
}

static void test_withdrawn(void **state) {
        commit_result = -EAGAIN;
        protect(&a, "new");
        waiter_leave(&a.waiter);
        save_cancel_protection(saves);
        worker_work(); /* another process was at it: it would have been tried again */
        assert_int_equal(worker_jobs(), 0);
        assert_int_equal(a.n_told, 0);
}

/* What is being written comes about or not; who asks next is not told of its end. */
static void test_withdrawn_while_it_is_written(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};

        protect(&a, "new");
        waiter_leave(&a.waiter);
        save_cancel_protection(saves);
        assert_int_equal(try_protect(&b, DISK_PROTECT, "newer", &fault), AGENT_ERROR_BUSY);
        worker_work();
        assert_int_equal(a.n_told, 0);
        protect(&b, "newer");
        worker_work();
        assert_told(&b, 0);
        assert_string_equal(asked.passphrase, "newer");
}

static void test_dropped(void **state) {
        change("one");
        protect(&a, "new");
        change("two");
        assert_true(save_join(saves, &saving, on_saved));
        save_drop(saves);
        assert_told(&a, AGENT_ERROR_LOCKED);
        assert_int_equal(saving_told, AGENT_ERROR_LOCKED);
        assert_int_equal(worker_jobs(), 1); /* what the worker has is written */
        vault_wipe(vault);

        worker_work();
        assert_int_equal(asked.n_commits, 1);
        assert_int_equal(n_saved, 0); /* and nothing of it comes back */
        assert_true(list_is_empty(vault_accounts(vault)));
        assert_null(vault_key(vault)->data_key);
        assert_int_equal(worker_jobs(), 0);
        pass(60);
        assert_int_equal(worker_jobs(), 0);
}

static void test_dropped_after_trouble(void **state) {
        commit_result = AGENT_ERROR_STORAGE_FAILED;
        change("one");
        save_kick(saves);
        worker_work();
        assert_non_null(save_trouble(saves));
        save_drop(saves);
        vault_wipe(vault);
        assert_null(save_trouble(saves));
        assert_int_equal(fake_alarm_in(), -1);

        commit_result = 0;
        vault_set_state(vault, VAULT_OPEN);
        change("two");
        save_kick(saves);
        assert_int_equal(worker_jobs(), 1); /* no pause is left of it */
        worker_work();
        assert_true(vault_saved(vault) == vault_changed(vault));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_is_a_write_of_its_own),
                TEST(test_lock_wishes_what_the_settings_do),
                TEST(test_changes_ride_along),
                TEST(test_write_in_flight_comes_first),
                TEST(test_one_at_a_time),
                TEST(test_failure_is_not_tried_again),
                TEST(test_waits_for_its_turn),
                TEST(test_turn_that_does_not_come),
                TEST(test_postponed),
                TEST(test_postponed_for_too_long),
                TEST(test_store_that_is_gone),
                TEST(test_image),
                TEST(test_withdrawn),
                TEST(test_withdrawn_while_it_is_written),
                TEST(test_dropped),
                TEST(test_dropped_after_trouble),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
