/* Logging out: who is forgotten at once, what is revoked in which order, and what is told at the end. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/flow/logout.h"
#include "tests/unit/fake-alarm.h"
#include "tests/unit/fake-oauth.h"
#include "tests/unit/fake-save.h"
#include "tests/unit/logins.h"

static struct vault *vault;
static struct revoker *revoker;
static struct logout *logout;
static unsigned n_done, n_revoked, n_failed;
static int answer;
static char *last_error;

static void on_done(void *userdata, const struct fault *fault, struct list *items) {
        n_done++;
        answer = fault ? fault->r : 0;
        for (struct list *l = items->next; l != items; l = l->next) {
                const struct revoked *item = CONTAINER(l, struct revoked, link);

                if (!item->error) {
                        n_revoked++;
                        continue;
                }
                n_failed++;
                assert_string_equal(item->profile, "default");
                free(last_error);
                last_error = strdup(item->error);
        }

        logout = logout_free(logout);
}

/* Another login, with a refresh token of its own. */
static void log_in_other(void) {
        _cleanup_(token_set_freep) struct token_set *tokens = make_tokens("ben", fake_boottime);
        const struct vault_login login = {
                .profile = "other", .origin = &some_origin, .requested = STRV(GROUPS_ALL)};

        add_entry(tokens, GROUPS, "his", "another refresh");
        assert_int_equal(vault_add_login(vault, &login, tokens), 0);
}

static int set_up(void **state) {
        assert_int_equal(vault_new(&vault), 0);
        assert_int_equal(revoker_new(&revoker, NULL, NULL), 0);
        assert_int_equal(log_in(vault, "default", "ada", GROUPS, "groups"), 0);
        assert_int_equal(log_in(vault, "default", "ada", TRANSFER, "transfer"), 0);
        log_in_other();
        n_done = n_revoked = n_failed = oauth_count = 0;
        disk_is_quick = true;
        fault_deinit(&disk_trouble);
        return 0;
}

static int tear_down(void **state) {
        logout = logout_free(logout);
        revoker = revoker_free(revoker);
        vault = vault_free(vault);
        fault_deinit(&disk_trouble);
        free(TAKE(last_error));
        assert_int_equal(oauth_on_their_way(), 0);
        assert_int_equal(fake_alarm_in(), -1);
        return 0;
}

static void log_out(const char *profile) {
        const struct logout_deps deps = {.vault = vault, .revoker = revoker};

        assert_int_equal(logout_new(&logout, &deps, profile, on_done, NULL), 0);
        assert_int_equal(n_done, 0); /* later */
}

static void assert_revoking(const char *token) {
        assert_int_equal(oauth_next()->kind, OAUTH_REVOKE);
        assert_string_equal(oauth_next()->secret, token);
        assert_string_equal(oauth_next()->auth_url, some_origin.auth_url);
        oauth_answer_tokens(NULL);
}

static void test_logs_out(void **state) {
        log_out("default");
        assert_null(vault_find_account(vault, "default")); /* whatever the network will say */
        assert_non_null(vault_find_account(vault, "other"));

        pass(0);
        assert_int_equal(oauth_on_their_way(), 2); /* side by side, each access token first */
        assert_revoking("groups");
        assert_revoking("transfer");
        assert_revoking("refresh");
        assert_int_equal(n_done, 0);
        assert_revoking("refresh");
        assert_int_equal(n_done, 1);
        assert_int_equal(answer, 0);
        assert_int_equal(n_revoked, 2);
        assert_int_equal(n_failed, 0);
}

static void test_all(void **state) {
        log_out(NULL);
        assert_true(list_is_empty(vault_accounts(vault)));
        pass(0);
        for (unsigned i = 0; i < 6; i++)
                oauth_answer_tokens(NULL);
        assert_int_equal(n_done, 1);
        assert_int_equal(n_revoked, 3);
}

static void test_nobody(void **state) {
        log_out("nobody");
        pass(0);
        assert_int_equal(n_done, 1);
        assert_int_equal(answer, 0);
        assert_int_equal(n_revoked + n_failed, 0);
        assert_non_null(vault_find_account(vault, "default"));
}

static void test_globus_refuses(void **state) {
        log_out("default");
        pass(0);
        oauth_answer_fault(OAUTH_TROUBLE, 0); /* groups: named, and its refresh token tried all the same */
        assert_revoking("transfer");
        assert_revoking("refresh");
        assert_int_equal(n_done, 0);
        assert_revoking("refresh");
        assert_int_equal(n_done, 1);
        assert_int_equal(n_revoked, 1);
        assert_int_equal(n_failed, 1);
        assert_string_equal(last_error, "said Globus");
        assert_null(vault_find_account(vault, "default"));
}

static void test_cannot_send(void **state) {
        oauth_result = -ENOMEM;
        log_out("default");
        pass(0);
        oauth_result = 0;
        assert_int_equal(n_done, 1);
        assert_int_equal(n_failed, 2);
}

static void test_patience(void **state) {
        log_out("default");
        pass(0);
        assert_revoking("groups");
        assert_revoking("transfer");
        assert_revoking("refresh");
        pass(19);
        assert_int_equal(n_done, 0);
        pass(1);
        assert_int_equal(n_done, 1);
        assert_int_equal(n_revoked, 1);
        assert_int_equal(n_failed, 1); /* half of it revoked is not enough */
        assert_int_equal(oauth_on_their_way(), 0);
}

static void test_disk(void **state) {
        struct fault full = {.r = AGENT_ERROR_STORAGE_FAILED};

        disk_is_quick = false;
        log_out("default");
        pass(0);
        for (unsigned i = 0; i < 4; i++)
                oauth_answer_tokens(NULL);
        assert_int_equal(n_done, 0);
        disk_answers(&full);
        assert_int_equal(n_done, 1);
        assert_int_equal(answer, AGENT_ERROR_STORAGE_FAILED);
        assert_int_equal(n_revoked, 2);
}

static void test_disk_comes_round(void **state) {
        struct fault full = {.r = AGENT_ERROR_STORAGE_FAILED};
        struct list changes = LIST_INIT(changes);

        disk_is_quick = false;
        log_out("default");
        pass(0);
        disk_answers(&full);
        vault_changes_saved(vault, vault_take_changes(vault, &changes));
        change_free_all(&changes);
        for (unsigned i = 0; i < 4; i++)
                oauth_answer_tokens(NULL);
        assert_int_equal(n_done, 1);
        assert_int_equal(answer, 0);
}

static void test_disk_is_first(void **state) {
        disk_is_quick = false;
        log_out("default");
        pass(0);
        disk_answers(NULL);
        assert_int_equal(n_done, 0);
        for (unsigned i = 0; i < 4; i++)
                oauth_answer_tokens(NULL);
        assert_int_equal(n_done, 1);
        assert_int_equal(answer, 0);
}

static void test_disk_known_to_fail(void **state) {
        (void)fault_set(&disk_trouble, AGENT_ERROR_STORAGE_FAILED, "the disk is full");
        log_out("nobody");
        pass(0);
        assert_int_equal(n_done, 1);
        assert_int_equal(answer, AGENT_ERROR_STORAGE_FAILED);
}

static void test_client_hangs_up(void **state) {
        disk_is_quick = false;
        log_out("default");
        logout = logout_free(logout);
        assert_true(list_is_empty(&fake_savings));
        pass(0);
        assert_revoking("groups"); /* goes on */
        assert_revoking("transfer");
        assert_revoking("refresh");
        assert_revoking("refresh");
        assert_int_equal(n_done, 0);
        assert_true(list_is_empty(&fake_alarms)); /* and frees itself */
}

static void test_daemon_ends(void **state) {
        log_out("default");
        pass(0);
        logout = logout_free(logout);
        pass(1);
        assert_int_equal(oauth_on_their_way(), 2);
        revoker = revoker_free(revoker);
        assert_int_equal(oauth_on_their_way(), 0);
        assert_int_equal(n_done, 0);
}

static void test_without_refresh_token(void **state) {
        _cleanup_(token_set_freep) struct token_set *tokens = make_tokens("ada", fake_boottime);
        _cleanup_(revocation_freep) struct revocation *revocation = NULL;

        add_entry(tokens, GROUPS, "first", NULL);
        add_entry(tokens, TRANSFER, "second", NULL);
        assert_int_equal(revocation_new(&revocation, revoker), 0);
        assert_int_equal(revocation_add_tokens(revocation, "default", &some_origin, tokens), 0);
        revocation_detach(TAKE(revocation));
        pass(0);
        assert_secret(tokens->entries[0].access_token, "first"); /* copied */
        assert_revoking("first");
        assert_revoking("second");
        assert_int_equal(oauth_on_their_way(), 0);
}

/* Globus may give one token to two profiles of one identity. */
static void test_spares_what_others_hold(void **state) {
        assert_int_equal(log_in(vault, "third", "ada", GROUPS, "groups"), 0);
        log_out("default");
        pass(0);
        while (oauth_on_their_way() > 0) {
                assert_string_not_equal(oauth_next()->secret, "groups");
                oauth_answer_tokens(NULL);
        }
        assert_int_equal(n_done, 1);
        assert_int_equal(n_revoked, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_logs_out),
                TEST(test_all),
                TEST(test_nobody),
                TEST(test_globus_refuses),
                TEST(test_cannot_send),
                TEST(test_patience),
                TEST(test_disk),
                TEST(test_disk_comes_round),
                TEST(test_disk_is_first),
                TEST(test_disk_known_to_fail),
                TEST(test_client_hangs_up),
                TEST(test_daemon_ends),
                TEST(test_without_refresh_token),
                TEST(test_spares_what_others_hold),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
