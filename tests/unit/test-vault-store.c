/* What the vault knows of the store that it is a cache of: what protects it, what opens it, and what becomes of
 * the logins where it is kept in memory, here or by another agent. */

#include "tests/unit/unit.h"

#include "daemon/model/vault.h"
#include "tests/unit/cheap-scrypt.h"
#include "tests/unit/fake-clock.h"
#include "tests/unit/logins.h"

static struct vault *vault;
static struct store *disk;

static int set_up(void **state) {
        assert_int_equal(vault_new(&vault), 0);
        vault_set_state(vault, VAULT_OPEN);
        assert_int_equal(store_new(&disk), 0);
        return 0;
}

static int tear_down(void **state) {
        vault = vault_free(vault);
        disk = store_free(disk);
        return 0;
}

static void protect(enum protector protector) {
        assert_int_equal(protector_wrap(disk, protector, NULL, 0), 0);
        disk->version.bytes[0]++;
}

/* What is changed goes to the disk, and comes back. */
static void save(void) {
        struct list changes = LIST_INIT(changes);
        uint64_t number = vault_take_changes(vault, &changes);
        bool changed;

        assert_int_equal(store_apply(disk, &changes, &changed), 0);
        disk->version.bytes[0]++;
        change_free_all(&changes);
        vault_changes_saved(vault, number);
        assert_int_equal(vault_merge(vault, disk), 0);
}

static void forget_records(void) {
        struct list *first;

        while ((first = list_first(&disk->records)))
                record_free(CONTAINER(first, struct record, link));
}

static size_t n_changes(void) {
        struct list changes = LIST_INIT(changes);
        size_t n = 0;

        (void)vault_take_changes(vault, &changes);
        for (const struct list *l = changes.next; l != &changes; l = l->next)
                n++;
        vault_return_changes(vault, &changes);
        return n;
}

static bool is_saved(void) {
        return vault_saved(vault) >= vault_changed(vault);
}

static void test_before_there_is_a_store(void **state) {
        assert_int_equal(vault_protector(vault), PROTECTOR_UNKNOWN);
        assert_null(vault_protection(vault));
        assert_null(vault_key(vault)->data_key);
        assert_null(vault_image(vault));
        assert_true(store_version_is_none(vault_version(vault)));
}

static void test_protection_is_the_stores(void **state) {
        protect(PROTECTOR_PLAINTEXT);
        assert_int_equal(vault_merge(vault, disk), 0);
        assert_int_equal(vault_protector(vault), PROTECTOR_PLAINTEXT);
        assert_non_null(strstr(vault_protection(vault), "not protected"));
        assert_true(store_version_equal(vault_version(vault), &disk->version));

        cheap_wrap(disk, "right", cheap_cost);
        assert_int_equal(vault_merge(vault, disk), 0);
        assert_int_equal(vault_protector(vault), PROTECTOR_PASSPHRASE);
        assert_non_null(strstr(vault_protection(vault), "passphrase"));
}

/* Where a person would have to be asked again, and nowhere else. */
static void test_key_is_the_stores(void **state) {
        protect(PROTECTOR_PLAINTEXT);
        assert_int_equal(vault_merge(vault, disk), 0);
        assert_null(vault_key(vault)->data_key);

        cheap_wrap(disk, "right", cheap_cost);
        assert_int_equal(vault_merge(vault, disk), 0);
        assert_memory_equal(vault_key(vault)->id, disk->id, STORE_ID_SIZE);
        assert_string_equal(vault_key(vault)->protection.name, "passphrase");
        assert_true(secret_equal(vault_key(vault)->data_key, disk->data_key));
        assert_ptr_not_equal(vault_key(vault)->data_key, disk->data_key);

        secret_free(disk->data_key);
        disk->data_key = secret_of("another");
        assert_int_equal(vault_merge(vault, disk), 0);
        assert_secret(vault_key(vault)->data_key, "another");
}

static void test_forgotten_store(void **state) {
        cheap_wrap(disk, "right", cheap_cost);
        assert_int_equal(log_in(vault, "default", "ada", GROUPS, "access"), 0);
        save();
        vault_set_image(vault, secret_of("an image"));
        vault_forget_store(vault);
        assert_null(vault_key(vault)->data_key);
        assert_null(vault_image(vault));
        assert_int_equal(vault_protector(vault), PROTECTOR_UNKNOWN);
        assert_null(vault_protection(vault));
        assert_true(store_version_is_none(vault_version(vault)));
        assert_non_null(get_grant(vault, "default", GROUPS));
}

/* Only a locked vault waits for one. */
static void test_who_needs_a_passphrase(void **state) {
        protect(PROTECTOR_PLAINTEXT);
        assert_int_equal(vault_set_protection(vault, disk), 0);
        vault_set_state(vault, VAULT_LOCKED);
        assert_false(vault_needs_passphrase(vault));

        cheap_lock(disk, "secret", cheap_cost);
        assert_int_equal(vault_set_protection(vault, disk), 0);
        assert_true(vault_needs_passphrase(vault));
        assert_int_equal(vault_protector(vault), PROTECTOR_PLAINTEXT);

        cheap_wrap(disk, "right", cheap_cost);
        assert_int_equal(vault_set_protection(vault, disk), 0);
        assert_true(vault_needs_passphrase(vault));
        vault_set_state(vault, VAULT_OPEN);
        assert_false(vault_needs_passphrase(vault));
}

static void test_wipe(void **state) {
        uint64_t id;

        protect(PROTECTOR_PLAINTEXT);
        assert_int_equal(log_in(vault, "saved", "ada", GROUPS, "access"), 0);
        save();
        assert_int_equal(log_in(vault, "unsaved", "ben", GROUPS, "access"), 0);
        id = get_grant(vault, "unsaved", GROUPS)->id;
        vault_set_image(vault, secret_of("an image"));

        vault_wipe(vault);
        assert_int_equal(vault_get_state(vault), VAULT_LOCKED);
        assert_true(list_is_empty(vault_accounts(vault)));
        assert_null(vault_find_account(vault, "saved"));
        assert_null(vault_find_grant(vault, id));
        assert_null(vault_key(vault)->data_key);
        assert_null(vault_image(vault));
        assert_true(store_version_is_none(vault_version(vault)));
        assert_true(is_saved());
        assert_int_equal(n_changes(), 0);
        assert_int_equal(vault_protector(vault), PROTECTOR_PLAINTEXT); /* that is no secret */
        assert_non_null(vault_protection(vault));

        vault_set_state(vault, VAULT_OPEN); /* unlocked: what was on disk comes back, as if never seen before */
        assert_int_equal(vault_merge(vault, disk), 0);
        assert_non_null(get_grant(vault, "saved", GROUPS));
        assert_null(vault_find_account(vault, "unsaved"));
        assert_true(is_saved());
}

/* A change that a save carried when the vault was wiped is not one any more, nor is what comes later less new.
 * */
static void test_wipe_while_saving(void **state) {
        struct list changes = LIST_INIT(changes);

        protect(PROTECTOR_PLAINTEXT);
        assert_int_equal(log_in(vault, "default", "ada", GROUPS, "access"), 0);
        (void)vault_take_changes(vault, &changes);
        vault_wipe(vault);
        change_free_all(&changes);
        assert_true(is_saved());
        vault_set_state(vault, VAULT_OPEN);
        assert_int_equal(log_in(vault, "default", "ada", GROUPS, "access"), 0);
        assert_false(is_saved());
        save();
        assert_true(is_saved());
}

/* Of this agent: what the commit has in hand is all of it. */
static void test_into_memory_and_back(void **state) {
        protect(PROTECTOR_PLAINTEXT);
        assert_int_equal(log_in(vault, "default", "ada", GROUPS, "access"), 0);
        save();
        protect(PROTECTOR_MEMORY);
        assert_int_equal(vault_merge(vault, disk), 0);
        assert_int_equal(vault_protector(vault), PROTECTOR_MEMORY);
        assert_non_null(get_grant(vault, "default", GROUPS));

        protect(PROTECTOR_PLAINTEXT);
        assert_int_equal(vault_merge(vault, disk), 0);
        assert_non_null(get_grant(vault, "default", GROUPS));
}

/* Two agents with memory each have logins of their own: a file that has none of them ends none. */
static void test_memory_of_another_agent_is_not_ours(void **state) {
        protect(PROTECTOR_MEMORY);
        assert_int_equal(log_in(vault, "ours", "ada", GROUPS, "access"), 0);
        save();
        forget_records();
        protect(PROTECTOR_MEMORY);
        assert_int_equal(vault_merge(vault, disk), 0);
        assert_non_null(get_grant(vault, "ours", GROUPS));
        assert_true(is_saved());
        assert_int_equal(n_changes(), 0);
}

/* Another agent moved the store to the disk: what is only here goes there, too. */
static void test_another_agent_leaves_memory(void **state) {
        protect(PROTECTOR_MEMORY);
        assert_int_equal(log_in(vault, "ours", "ada", GROUPS, "access"), 0);
        save();
        forget_records();
        protect(PROTECTOR_PLAINTEXT);
        assert_int_equal(vault_merge(vault, disk), 0);
        assert_int_equal(vault_protector(vault), PROTECTOR_PLAINTEXT);
        assert_non_null(get_grant(vault, "ours", GROUPS));
        assert_false(is_saved());
        save();
        assert_int_equal(n_changes(), 0);
        assert_true(is_saved());
        assert_false(list_is_empty(&disk->records));
        assert_non_null(get_grant(vault, "ours", GROUPS));
}

/* Another agent took the logins into its memory: they are that one's alone, as no refresh token is good for
 * two; but what is not saved yet is ours. */
static void test_another_agent_takes_them_into_memory(void **state) {
        protect(PROTECTOR_PLAINTEXT);
        assert_int_equal(log_in(vault, "theirs", "ada", GROUPS, "access"), 0);
        save();
        assert_int_equal(log_in(vault, "ours", "ben", GROUPS, "access"), 0);
        forget_records();
        protect(PROTECTOR_MEMORY);
        assert_int_equal(vault_merge(vault, disk), 0);
        assert_null(vault_find_account(vault, "theirs"));
        assert_non_null(get_grant(vault, "ours", GROUPS));
}

static void test_setters_let_go_of_what_was(void **state) {
        struct store_key key = {.id = {7}, .data_key = secret_of("first")};

        vault_set_key(vault, &key);
        assert_null(key.data_key);
        assert_secret(vault_key(vault)->data_key, "first");
        key.data_key = secret_of("second");
        vault_set_key(vault, &key);
        assert_secret(vault_key(vault)->data_key, "second");
        vault_set_image(vault, secret_of("one"));
        vault_set_image(vault, secret_of("two"));
        assert_secret(vault_image(vault), "two");
        vault_set_image(vault, NULL);
        assert_null(vault_image(vault));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_before_there_is_a_store),
                TEST(test_protection_is_the_stores),
                TEST(test_key_is_the_stores),
                TEST(test_forgotten_store),
                TEST(test_who_needs_a_passphrase),
                TEST(test_wipe),
                TEST(test_wipe_while_saving),
                TEST(test_into_memory_and_back),
                TEST(test_memory_of_another_agent_is_not_ours),
                TEST(test_another_agent_leaves_memory),
                TEST(test_another_agent_takes_them_into_memory),
                TEST(test_setters_let_go_of_what_was),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
