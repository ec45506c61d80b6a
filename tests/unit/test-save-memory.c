/* Logins that leave the disk, or were never there, are safe with the service manager: before, and at the end.
 * */

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/flow/save.h"
#include "tests/unit/callers.h"
#include "tests/unit/fake-alarm.h"
#include "tests/unit/fake-worker.h"
#include "tests/unit/logins.h"

/* The disk: the actions that it was asked for, "p" for one that was only prepared; each image has all changes
 * of the one that was given, and its own. */

static char actions[16];
static bool is_in_memory;
static int commit_result;

static void make_store(struct disk_commit *commit) {
        assert_int_equal(store_new(&commit->store), 0);
        commit->store->version.bytes[0] = 1;
        assert_int_equal(protector_wrap(commit->store, is_in_memory ? PROTECTOR_MEMORY : PROTECTOR_PLAINTEXT,
                                        NULL, 1000),
                         0);
}

static void make_image(struct disk_commit *commit) {
        char image[64];

        snprintf(image, sizeof(image), "%s+", commit->keys.image ? secret_string(commit->keys.image) : "");
        for (struct list *l = commit->changes.next; l != &commit->changes; l = l->next)
                if (CONTAINER(l, struct change, link)->record->kind == RECORD_ACCOUNT)
                        strncat(image, CONTAINER(l, struct change, link)->record->profile, 1);
        commit->image = make_secret(image);
}

int disk_commit(struct disk_commit *commit, const struct disk_paths *paths, struct fault *fault) {
        bool protects = commit->action == DISK_PROTECT && disk_wish_is_memory(&commit->wish);
        bool prepares = protects && !is_in_memory && store_version_is_none(&commit->prepared);

        strcat(actions, commit->action == DISK_SAVE ? "s" : prepares ? "p" : "m");
        if (commit_result)
                return fault_set(fault, commit_result, "the disk is full");

        is_in_memory |= protects && !prepares;
        if (prepares)
                commit->prepared.bytes[0] = 1;
        if (is_in_memory || prepares)
                make_image(commit);
        if (!prepares)
                make_store(commit);
        return 0;
}

static struct disk_paths paths = {.state_dir = (char *)"/state", .config_dir = (char *)"/config"};
static const struct disk_wish wish = {.protector = PROTECTOR_PLAINTEXT, .permitted = ~0U};
static struct vault *vault;
static struct save *saves;
static struct caller person;
static char kept[64]; /* by the service manager */

static void on_saved(void *userdata) {
        snprintf(kept, sizeof(kept), "%s", vault_image(vault) ? secret_string(vault_image(vault)) : "");
}

static void on_image(void *userdata, const struct secret *image) {
        assert_ptr_equal(userdata, &vault);
        snprintf(kept, sizeof(kept), "%s", secret_string(image));
}

static void on_lost(void *userdata) {
        fail();
}

static int set_up(void **state) {
        assert_int_equal(vault_new(&vault), 0);
        vault_set_state(vault, VAULT_OPEN);
        assert_int_equal(save_new(&saves, &(struct save_deps){.vault = vault,
                                                              .paths = &paths,
                                                              .wish = &wish,
                                                              .saved = on_saved,
                                                              .keep_image = on_image,
                                                              .lost = on_lost,
                                                              .userdata = &vault}),
                         0);
        caller_init(&person);
        actions[0] = kept[0] = '\0';
        is_in_memory = false;
        commit_result = 0;
        return 0;
}

static int tear_down(void **state) {
        caller_deinit(&person);
        saves = save_free(saves);
        while (worker_jobs() > 0)
                worker_work();
        vault = vault_free(vault);
        return 0;
}

static void change(const char *profile) {
        assert_int_equal(log_in(vault, profile, "ada", GROUPS, "access"), 0);
}

static void set_key(void) {
        struct protection_change protection = {.action = DISK_PROTECT,
                                               .wish = {.protector = PROTECTOR_MEMORY, .permitted = ~0U}};
        _cleanup_(fault_deinit) struct fault fault = {};

        assert_int_equal(save_protect(saves, &protection, &person.waiter, caller_told, &fault), 0);
}

static void test_image_is_safe_first(void **state) {
        set_key();
        worker_work();
        assert_string_equal(actions, "p");
        assert_string_equal(kept, "+");
        assert_false(is_in_memory);
        assert_int_equal(person.n_told, 0);

        worker_work();
        assert_string_equal(actions, "pm");
        assert_told(&person, 0);
        assert_int_equal(vault_protector(vault), PROTECTOR_MEMORY);
        assert_int_equal(worker_jobs(), 0);
}

static void test_change_meanwhile(void **state) {
        set_key();
        change("one");
        worker_work();
        worker_work(); /* prepares once more */
        assert_false(is_in_memory);
        worker_work();
        assert_string_equal(actions, "ppm");
        assert_told(&person, 0);
        assert_true(vault_saved(vault) == vault_changed(vault));
}

/* What was prepared once counts for that one time. */
static void test_prepared_in_vain(void **state) {
        set_key();
        worker_work();
        commit_result = AGENT_ERROR_STORAGE_FAILED;
        worker_work();
        assert_told(&person, AGENT_ERROR_STORAGE_FAILED);
        commit_result = 0;
        set_key();
        worker_work();
        assert_string_equal(actions, "pmp");
        worker_work();
        assert_true(is_in_memory);
}

/* The person is told that the agent stops; what had changed is saved where it was. */
static void test_end_while_it_is_prepared(void **state) {
        change("one");
        set_key();
        waiter_leave(&person.waiter);
        saves = save_free(saves);
        worker_work();
        worker_work();
        assert_string_equal(actions, "ps");
        assert_false(is_in_memory);
}

static void test_end_of_what_is_in_memory(void **state) {
        is_in_memory = true;
        change("one");
        save_kick(saves);
        change("two");
        saves = save_free(saves);
        worker_work();
        assert_string_equal(kept, "");
        worker_work();
        assert_string_equal(kept, "+o+t");
}

static void test_end_while_the_last_change_is_saved(void **state) {
        is_in_memory = true;
        change("one");
        save_kick(saves);
        saves = save_free(saves);
        while (worker_jobs() > 0)
                worker_work();
        assert_string_equal(kept, "+o");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_image_is_safe_first),      TEST(test_change_meanwhile),
                TEST(test_prepared_in_vain),         TEST(test_end_while_it_is_prepared),
                TEST(test_end_of_what_is_in_memory), TEST(test_end_while_the_last_change_is_saved),
        };

        return cmocka_run_group_tests_name("save-memory", tests, NULL, NULL);
}
