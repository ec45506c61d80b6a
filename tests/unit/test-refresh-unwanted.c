/* What becomes of tokens that come, or are saved, when their login has ended. */

#include "tests/unit/unit.h"

#include "daemon/flow/refresh.h"
#include "tests/unit/refresh-world.h"

static void assert_revoked(const char *access) {
        pass(0);
        assert_int_equal(oauth_next()->kind, OAUTH_REVOKE);
        assert_string_equal(oauth_next()->secret, access);
        oauth_answer_tokens(NULL);
        assert_string_equal(oauth_next()->secret, "rotated");
        oauth_answer_tokens(NULL);
        assert_int_equal(revoker_count(revoker), 0);
}

/* Nobody else would know of them. */
static void test_tokens_after_a_logout(void **state) {
        join(&a);
        assert_int_equal(vault_remove_account(vault, "default"), 0);
        oauth_answer_tokens(new_tokens(GROUPS, "new", "rotated"));
        pass(0);
        assert_int_equal(oauth_next()->kind, OAUTH_REVOKE);
        assert_string_equal(oauth_next()->secret, "new");
        assert_string_equal(oauth_next()->auth_url, some_origin.auth_url);
        oauth_answer_tokens(NULL);
        assert_string_equal(oauth_next()->secret, "rotated");
        oauth_answer_tokens(NULL);
        assert_int_equal(revoker_count(revoker), 0);
}

/* By another daemon: only a look at the disk told of it. */
static void test_tokens_saved_after_a_logout(void **state) {
        disk_is_quick = false;
        join(&a);
        oauth_answer_tokens(new_tokens(GROUPS, "new", "rotated"));
        assert_int_equal(vault_remove_account(vault, "default"), 0);
        disk_answers(NULL);
        assert_told(&a, 0);
        assert_revoked("new");
}

/* The disk is well again, and tells of a logout. */
static void logged_out_elsewhere(void) {
        _cleanup_(store_freep) struct store *store = NULL;
        struct list changes = LIST_INIT(changes);

        assert_int_equal(store_new(&store), 0);
        vault_changes_saved(vault, vault_take_changes(vault, &changes));
        assert_int_equal(vault_merge(vault, store), 0);
        change_free_all(&changes);
        refresh_on_saved(refreshes);
}

/* A disk that hangs has been waited for long enough. */
static void land_unsaved(struct caller *caller, const char *access) {
        struct fault fault = {.r = AGENT_ERROR_STORAGE_FAILED};

        join(caller);
        oauth_answer_tokens(new_tokens(GROUPS, access, "rotated"));
        disk_answers(&fault);
        assert_told(caller, 0);
}

static void test_logout_found_long_after(void **state) {
        disk_is_quick = false;
        land_unsaved(&a, "new");
        refresh_on_saved(refreshes); /* of something else */
        land_unsaved(&b, "newer");
        logged_out_elsewhere();
        assert_revoked("newer");
}

static void test_saved_long_after(void **state) {
        struct list changes = LIST_INIT(changes);

        disk_is_quick = false;
        land_unsaved(&a, "new");
        vault_changes_saved(vault, vault_take_changes(vault, &changes));
        change_free_all(&changes);
        refresh_on_saved(refreshes);
        assert_int_equal(revoker_count(revoker), 0);
        assert_secret(grant->token.secret, "new");
}

/* It revokes what there is by itself, and then no copy may be left. */
static void test_own_logout_before_it_is_saved(void **state) {
        disk_is_quick = false;
        land_unsaved(&a, "new");
        assert_int_equal(vault_remove_account(vault, "default"), 0);
        refresh_on_logout(refreshes);
        assert_int_equal(revoker_count(revoker), 0);
        logged_out_elsewhere();
        assert_int_equal(oauth_on_their_way(), 0);
}

/* Who ends has nobody to tell the end of. */
static void test_end_before_it_is_saved(void **state) {
        disk_is_quick = false;
        land_unsaved(&a, "new");
        refresh_halt(refreshes, AGENT_ERROR_STOPPING);
        assert_int_equal(revoker_count(revoker), 0);
}

/* Of the same name only: nobody would know of the first one's tokens. */
static void test_tokens_after_a_login_of_another(void **state) {
        join(&a);
        assert_int_equal(vault_remove_account(vault, "default"), 0);
        assert_int_equal(log_in(vault, "default", "bob", GROUPS, "access"), 0);
        oauth_answer_tokens(new_tokens(GROUPS, "new", "rotated"));
        assert_revoked("new");
}

/* The login may have brought the same ones. */
static void test_tokens_after_a_login(void **state) {
        join(&a);
        assert_int_equal(log_in(vault, "default", "ada", GROUPS, "new"), 0);
        oauth_answer_tokens(new_tokens(GROUPS, "new", "rotated"));
        pass(0);
        assert_int_equal(oauth_on_their_way(), 0);
        assert_secret(get_grant(vault, "default", GROUPS)->token.secret, "new");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_tokens_after_a_logout),           TEST(test_tokens_saved_after_a_logout),
                TEST(test_logout_found_long_after),         TEST(test_saved_long_after),
                TEST(test_own_logout_before_it_is_saved),   TEST(test_end_before_it_is_saved),
                TEST(test_tokens_after_a_login_of_another), TEST(test_tokens_after_a_login),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
