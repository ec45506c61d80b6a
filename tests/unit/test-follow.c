/* Who sees what another daemon saved, and when; and what a disk that hangs or was emptied costs. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/flow/follow.h"
#include "tests/unit/callers.h"
#include "tests/unit/fake-alarm.h"
#include "tests/unit/fake-save.h"
#include "tests/unit/fake-worker.h"
#include "tests/unit/logins.h"

/* The disk: a store in memory. */

static struct store *disk; /* NULL: it is gone */
static int load_result;
static unsigned n_loads;

int disk_load(struct disk_look *look, const struct disk_paths *paths, struct fault *fault) {
        n_loads++;
        assert_string_equal(paths->state_dir, "/state");
        if (load_result)
                return fault_set(fault, load_result, "the disk is in trouble");
        if (!disk)
                return 0;
        if (store_version_equal(&look->known, &disk->version))
                return -EALREADY;

        assert_int_equal(store_new(&look->store), 0);
        look->store->version = disk->version;
        for (struct list *l = disk->records.next; l != &disk->records; l = l->next) {
                struct record *copy;

                assert_int_equal(record_copy(&copy, CONTAINER(l, struct record, link)), 0);
                list_append(&look->store->records, &copy->link);
        }

        return 0;
}

static struct disk_paths paths = {.state_dir = (char *)"/state", .config_dir = (char *)"/config"};
static struct vault *here, *there;
static struct follow *follow;
static struct caller a, b, c;
static unsigned n_followed;

static void on_followed(void *userdata) {
        n_followed++;
}

static bool wire_is_busy;
static unsigned n_locked;

static bool is_busy(void *userdata) {
        return wire_is_busy;
}

static void on_locked(void *userdata) {
        n_locked++;
}

static int set_up(void **state) {
        assert_int_equal(store_new(&disk), 0);
        assert_int_equal(vault_new(&here), 0);
        assert_int_equal(vault_new(&there), 0);
        vault_set_state(here, VAULT_OPEN);
        assert_int_equal(follow_new(&follow,
                                    &(struct follow_deps){
                                            .vault = here,
                                            .paths = &paths,
                                            .followed = on_followed,
                                            .is_busy = is_busy,
                                            .locked = on_locked,
                                    }),
                         0);
        caller_init(&a);
        caller_init(&b);
        caller_init(&c);
        n_loads = n_followed = save_kicks = 0;
        load_result = 0;
        return 0;
}

static int tear_down(void **state) {
        caller_deinit(&a);
        caller_deinit(&b);
        caller_deinit(&c);
        follow = follow_free(follow);
        while (worker_jobs() > 0)
                worker_work();
        here = vault_free(here);
        there = vault_free(there);
        disk = store_free(disk);
        return 0;
}

/* The other daemon saves what it has changed. */
static void save_there(void) {
        struct list changes = LIST_INIT(changes);
        uint64_t number = vault_take_changes(there, &changes);
        bool changed;

        assert_int_equal(store_apply(disk, &changes, &changed), 0);
        disk->version.bytes[0]++;
        change_free_all(&changes);
        vault_changes_saved(there, number);
}

static void log_in_there(const char *profile) {
        assert_int_equal(log_in(there, profile, "ada", GROUPS, "access"), 0);
        save_there();
}

static void look(struct caller *caller) {
        assert_true(follow_join(follow, &caller->waiter, caller_told));
}

static void test_looks_for_whoever_must_know(void **state) {
        log_in_there("default");
        look(&a);
        assert_int_equal(a.n_told, 0);
        worker_work();
        assert_told(&a, 0);
        assert_non_null(get_grant(here, "default", GROUPS));
        assert_int_equal(n_followed, 1);

        look(&b); /* nothing new */
        worker_work();
        assert_told(&b, 0);
        assert_int_equal(n_followed, 1);

        assert_int_equal(vault_remove_account(there, "default"), 0);
        save_there();
        look(&c);
        worker_work();
        assert_told(&c, 0);
        assert_null(vault_find_account(here, "default"));
}

/* What the one in flight sees may be older than the question. */
static void test_each_gets_a_look_that_began_later(void **state) {
        look(&a);
        look(&b);
        look(&c);
        assert_int_equal(worker_jobs(), 1);
        worker_work();
        assert_told(&a, 0);
        assert_int_equal(b.n_told, 0);
        assert_int_equal(worker_jobs(), 1); /* one for both */
        worker_work();
        assert_told(&b, 0);
        assert_told(&c, 0);
        assert_int_equal(n_loads, 2);
}

static void look_as_other(struct caller *caller) {
        look(caller->other);
}

/* What comes of one look may make somebody ask for another. */
static void test_asked_from_within_a_callback(void **state) {
        a.then = look_as_other;
        a.other = &b;
        look(&a);
        look(&c);
        worker_work();
        assert_told(&a, 0);
        assert_int_equal(b.n_told, 0);
        assert_int_equal(c.n_told, 0);
        assert_int_equal(worker_jobs(), 1); /* one for both */
        worker_work();
        assert_told(&b, 0);
        assert_told(&c, 0);
        assert_int_equal(worker_jobs(), 0);
}

static void test_looks_by_itself(void **state) {
        log_in_there("default");
        pass(14);
        assert_int_equal(worker_jobs(), 0);
        pass(1);
        assert_int_equal(worker_jobs(), 1);
        worker_work();
        assert_non_null(get_grant(here, "default", GROUPS));
        pass(15);
        assert_int_equal(worker_jobs(), 1);
        pass(15); /* the disk hangs: no second one */
        assert_int_equal(worker_jobs(), 1);
}

static void test_only_an_open_vault(void **state) {
        static const enum vault_state states[] = {VAULT_OPENING, VAULT_UNREADABLE};

        for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
                vault_set_state(here, states[i]);
                assert_false(follow_join(follow, &a.waiter, caller_told));
                pass(16);
                assert_int_equal(worker_jobs(), 0);
        }
}

static void look_again(struct caller *caller) {
        look(caller);
}

static void test_disk_that_hangs(void **state) {
        look(&a);
        pass(1);
        look(&b);
        assert_int_equal(a.n_told, 0);
        a.then = look_again;
        pass(1);
        assert_told(&a, AGENT_ERROR_STORAGE_FAILED); /* not twice */
        assert_told(&b, AGENT_ERROR_STORAGE_FAILED);
        pass(2);
        assert_int_equal(a.n_told, 2);
        worker_work(); /* it answers after all */
        assert_int_equal(n_loads, 1);
}

static void test_disk_in_trouble(void **state) {
        log_in_there("default");
        look(&a);
        worker_work();
        load_result = AGENT_ERROR_STORAGE_FAILED;
        look(&b);
        worker_work();
        assert_told(&b, AGENT_ERROR_STORAGE_FAILED);
        assert_non_null(get_grant(here, "default", GROUPS)); /* memory serves on */
}

static void test_store_that_is_gone(void **state) {
        log_in_there("default");
        look(&a);
        worker_work();
        assert_true(vault_saved(here) == vault_changed(here));

        disk = store_free(disk);
        look(&b);
        worker_work();
        assert_told(&b, 0);
        assert_non_null(get_grant(here, "default", GROUPS));
        assert_true(vault_saved(here) < vault_changed(here)); /* to be written anew */
        assert_true(save_kicks > 0);
}

static void test_store_that_never_was(void **state) {
        disk = store_free(disk);
        look(&a);
        worker_work();
        assert_told(&a, 0);
        assert_true(vault_saved(here) == vault_changed(here));
}

static void test_leaves(void **state) {
        look(&a);
        look(&b);
        waiter_leave(&a.waiter);
        worker_work();
        worker_work();
        assert_int_equal(a.n_told, 0);
        assert_told(&b, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* By another agent: but what may exist nowhere else is waited for, and what was changed from here since the
 * look began is no news. */
static void test_locked_out(void **state) {
        load_result = AGENT_ERROR_LOCKED;
        n_locked = 0;

        assert_true(follow_join(follow, &a.waiter, caller_told));
        wire_is_busy = true;
        worker_work();
        assert_told(&a, AGENT_ERROR_LOCKED);
        assert_int_equal(n_locked, 0);

        wire_is_busy = false;
        is_protecting = true;
        assert_true(follow_join(follow, &a.waiter, caller_told));
        worker_work();
        assert_int_equal(n_locked, 0);

        is_protecting = false;
        assert_int_equal(log_in(here, "default", "ada", GROUPS, "access"), 0);
        assert_true(follow_join(follow, &a.waiter, caller_told));
        worker_work();
        assert_int_equal(n_locked, 0);

        vault_changes_saved(here, vault_changed(here));
        assert_true(follow_join(follow, &a.waiter, caller_told));
        worker_work();
        assert_int_equal(n_locked, 1);
        load_result = 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_looks_for_whoever_must_know),
                TEST(test_each_gets_a_look_that_began_later),
                TEST(test_asked_from_within_a_callback),
                TEST(test_looks_by_itself),
                TEST(test_only_an_open_vault),
                TEST(test_disk_that_hangs),
                TEST(test_disk_in_trouble),
                TEST(test_store_that_is_gone),
                TEST(test_store_that_never_was),
                TEST(test_leaves),
                TEST(test_locked_out),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
