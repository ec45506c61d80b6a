/* What logins, refreshes and logouts make of accounts and grants, and which changes come of it. */

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/model/vault.h"
#include "tests/unit/fake-clock.h"
#include "tests/unit/logins.h"

static int set_up(void **state) {
        return vault_new((struct vault **)state);
}

static int tear_down(void **state) {
        vault_free(*state);
        return 0;
}

/* Takes what is pending and compares it: what, and of which resource server. */
static void assert_changes(struct vault *vault, const char *expected) {
        struct list changes = LIST_INIT(changes);
        char text[512] = "";

        vault_changes_saved(vault, vault_take_changes(vault, &changes));
        for (struct list *l = changes.next; l != &changes; l = l->next) {
                struct change *change = CONTAINER(l, struct change, link);

                strcat(text, change->type == CHANGE_ADD ? " +" : change->type == CHANGE_REPLACE ? " =" : " -");
                strcat(text, change->record->resource_server ? change->record->resource_server : "account");
        }

        change_free_all(&changes);
        assert_string_equal(text, expected);
}

static void test_first_login(void **state) {
        struct vault *vault = *state;
        _cleanup_(token_set_freep) struct token_set *tokens = make_tokens("ada", fake_boottime);
        struct vault_login login = {"default", &some_origin,
                                    STRV("openid", GROUPS_ALL "[openid]", "nonsense", "email")};
        struct grant *grant;

        assert_int_equal(vault_get_state(vault), VAULT_OPENING);
        add_entry(tokens, "auth.globus.org", "access1", NULL);
        add_entry(tokens, GROUPS, "access2", "refresh2");
        assert_int_equal(vault_add_login(vault, &login, tokens), 0);
        assert_null(tokens->identity);

        grant = get_grant(vault, "default", "auth.globus.org");
        assert_true(strv_equal(grant->requested, STRV("email", "openid")));
        assert_null(grant->refresh_token);

        grant = get_grant(vault, "default", GROUPS);
        assert_ptr_equal(vault_find_grant(vault, grant->id), grant);
        assert_string_equal(grant->account->identity->sub, "ada");
        assert_true(origin_equal(&grant->account->origin, &some_origin));
        assert_true(origin_equal(&grant->origin, &some_origin));
        assert_true(strv_equal(grant->requested, STRV(GROUPS_ALL "[openid]")));
        assert_secret(grant->token.secret, "access2");
        assert_secret(grant->refresh_token, "refresh2");
        assert_int_equal(grant->used_at, fake_unix);
        assert_int_equal(grant->refreshed_at, fake_unix);
        assert_true(grant->change > vault_saved(vault));

        assert_changes(vault, " +account +auth.globus.org +groups.api.globus.org");
        assert_true(vault_saved(vault) == vault_changed(vault));
        assert_true(grant->change <= vault_saved(vault));
}

static void test_login_again(void **state) {
        struct vault *vault = *state;
        uint64_t old_id, account_generation;
        struct grant *transfer;

        assert_int_equal(log_in(vault, "default", "ada", GROUPS, "access"), 0);
        assert_int_equal(log_in(vault, "default", "ada", TRANSFER, "access"), 0);
        assert_changes(vault, " +account +groups.api.globus.org +transfer.api.globus.org");
        transfer = get_grant(vault, "default", TRANSFER);
        old_id = get_grant(vault, "default", GROUPS)->id;
        account_generation = transfer->account->generation;

        assert_int_equal(log_in(vault, "default", "ada", GROUPS, "new"), 0);
        assert_null(vault_find_grant(vault, old_id));
        assert_secret(get_grant(vault, "default", GROUPS)->token.secret, "new");
        assert_ptr_equal(get_grant(vault, "default", TRANSFER), transfer);
        assert_true(transfer->account->generation > account_generation);
        assert_changes(vault, " +account -groups.api.globus.org +groups.api.globus.org");
}

static void test_identity_changes(void **state) {
        struct vault *vault = *state;
        _cleanup_(token_set_freep) struct token_set *tokens = make_tokens("ada", fake_boottime);
        struct vault_login login = {"default", &some_origin, NULL};

        assert_int_equal(log_in(vault, "default", NULL, GROUPS, "access"), -EINVAL);
        assert_null(vault_find_account(vault, "default"));
        assert_int_equal(log_in(vault, "default", "ada", GROUPS, "access"), 0);
        assert_int_equal(log_in(vault, "default", "bob", GROUPS, "access"), -EEXIST);
        assert_int_equal(log_in(vault, "default", NULL, GROUPS, "access"), 0);

        free(tokens->identity->username);
        tokens->identity->username = strdup("ada@new.example");
        assert_int_equal(vault_add_login(vault, &login, tokens), 0);
        assert_string_equal(vault_find_account(vault, "default")->identity->username, "ada@new.example");
}

static void test_refresh(void **state) {
        struct vault *vault = *state;
        struct grant *grant;

        assert_int_equal(log_in(vault, "default", "ada", GROUPS, "access"), 0);
        assert_changes(vault, " +account +groups.api.globus.org");
        grant = get_grant(vault, "default", GROUPS);
        grant->state = GRANT_CLIENT_AT_FAULT;
        grant->tries =
                (struct grant_tries){.tried_usec = 5, .retry_usec = 6, .failures = 7, .error = strdup("no")};

        fake_sleep(1000);
        assert_int_equal(refresh(vault, grant->id, GROUPS, "second", "rotated"), 0);
        assert_secret(grant->token.secret, "second");
        assert_secret(grant->refresh_token, "rotated");
        assert_true(strv_equal(grant->requested, STRV(GROUPS_ALL)));
        assert_int_equal(grant->state, GRANT_ALIVE);
        assert_int_equal(grant->refreshed_at, fake_unix);
        assert_int_equal(grant->used_at, fake_unix - 1000);
        assert_true(grant->generation == 2);
        assert_null(grant->tries.error);
        assert_true(grant->tries.tried_usec == 2000 * USEC_PER_SEC);
        assert_true(grant->tries.retry_usec == 0 && grant->tries.failures == 0);
        assert_changes(vault, " =groups.api.globus.org");

        assert_int_equal(refresh(vault, grant->id, TRANSFER, "third", NULL), -ENOENT);
        assert_int_equal(refresh(vault, grant->id + 1, GROUPS, "third", NULL), -ENOENT);
        assert_secret(grant->token.secret, "second");
        assert_changes(vault, "");
}

static void test_end_of_a_grant(void **state) {
        struct vault *vault = *state;
        struct grant *grant;

        assert_int_equal(log_in(vault, "default", "ada", GROUPS, "access"), 0);
        assert_changes(vault, " +account +groups.api.globus.org");
        grant = get_grant(vault, "default", GROUPS);

        assert_int_equal(vault_set_grant_state(vault, grant->id, GRANT_CLIENT_AT_FAULT, "no client"), 0);
        assert_non_null(grant->refresh_token);
        assert_changes(vault, " =groups.api.globus.org");
        assert_int_equal(vault_set_grant_state(vault, grant->id, GRANT_CLIENT_AT_FAULT, "no client still"), 0);
        assert_string_equal(grant->tries.error, "no client still");
        assert_changes(vault, ""); /* no write for each try */

        assert_int_equal(vault_set_grant_state(vault, grant->id, GRANT_DEAD, "invalid_grant"), 0);
        assert_secret(grant->refresh_token, "refresh"); /* for a person who wants it tried once more */
        assert_secret(grant->token.secret, "access"); /* which may well be valid still */
        assert_true(grant->generation == 3);
        assert_changes(vault, " =groups.api.globus.org");
        assert_int_equal(vault_set_grant_state(vault, 12345678, GRANT_DEAD, NULL), -ENOENT);
}

static void test_logout(void **state) {
        struct vault *vault = *state;
        uint64_t id;

        assert_int_equal(log_in(vault, "default", "ada", GROUPS, "access"), 0);
        assert_int_equal(log_in(vault, "other", "ada", GROUPS, "access"), 0);
        id = get_grant(vault, "default", GROUPS)->id;
        assert_int_equal(vault_remove_account(vault, "default"), 0);
        assert_int_equal(vault_remove_account(vault, "default"), -ENOENT);
        assert_null(vault_find_account(vault, "default"));
        assert_null(vault_find_grant(vault, id));
        assert_non_null(get_grant(vault, "other", GROUPS));
        assert_changes(vault, " -account -groups.api.globus.org +account +groups.api.globus.org");
}

static void test_many(void **state) {
        struct vault *vault = *state;
        enum { N = 300 };
        uint64_t ids[N];
        const char *before = "";
        char profile[32];
        size_t n = 0;

        for (size_t i = 0; i < N; i++) {
                snprintf(profile, sizeof(profile), "p%zu", i * 7 % N);
                assert_int_equal(log_in(vault, profile, "ada", GROUPS, profile), 0);
                ids[i * 7 % N] = get_grant(vault, profile, GROUPS)->id;
        }

        for (struct list *l = vault_accounts(vault)->next; l != vault_accounts(vault); l = l->next) {
                struct account *account = CONTAINER(l, struct account, link);

                assert_true(strcmp(before, account->profile) < 0);
                before = account->profile;
                n++;
        }
        assert_int_equal(n, N);

        for (size_t i = 0; i < N; i += 2) {
                snprintf(profile, sizeof(profile), "p%zu", i);
                assert_int_equal(vault_remove_account(vault, profile), 0);
        }

        for (size_t i = 0; i < N; i++) {
                struct grant *grant = vault_find_grant(vault, ids[i]);

                snprintf(profile, sizeof(profile), "p%zu", i);
                assert_int_equal(!grant, i % 2 == 0);
                assert_int_equal(!vault_find_account(vault, profile), i % 2 == 0);
                if (grant)
                        assert_string_equal(grant->account->profile, profile);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_first_login, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_login_again, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_identity_changes, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_refresh, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_end_of_a_grant, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_logout, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_many, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
