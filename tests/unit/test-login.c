/* A login from the code on: the exchange, whose tokens they are, and what becomes of those that are refused. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "tests/unit/login-world.h"

static struct token_set *new_tokens(const char *sub, const char *access) {
        struct token_set *tokens = make_tokens(sub, fake_boottime);

        add_entry(tokens, GROUPS, access, "refresh of it");
        return tokens;
}

static void answer_tokens(const char *sub, const char *access) {
        oauth_answer_tokens(new_tokens(sub, access));
}

/* The oldest request on its way revokes this, and succeeds. */
static void assert_revoked(const char *token) {
        assert_int_equal(oauth_next()->kind, OAUTH_REVOKE);
        assert_string_equal(oauth_next()->secret, token);
        oauth_answer_tokens(NULL);
}

static void test_finishes(void **state) {
        _cleanup_(freep) char *id = start("default", false);

        assert_int_equal(finish(&a, id, "the-code"), 0);
        assert_int_equal(oauth_next()->kind, OAUTH_EXCHANGE);
        assert_string_equal(oauth_next()->secret, "the-code");
        assert_int_equal(strlen(oauth_next()->verifier), 43);
        assert_string_equal(oauth_next()->auth_url, some_origin.auth_url);
        answer_tokens("ada", "access");
        assert_told(&a, 0);
        assert_int_equal(n_changed, 1);
        assert_secret(get_grant(vault, "default", GROUPS)->token.secret, "access");
        assert_true(strv_equal(get_grant(vault, "default", GROUPS)->requested, STRV(GROUPS_ALL)));
        assert_int_equal(logins_count(logins), 0);
        assert_int_equal(finish(&b, id, "the-code"), AGENT_ERROR_UNKNOWN_LOGIN);
}

static void test_code_is_cleaned(void **state) {
        _cleanup_(freep) char *id = start("default", false);
        char *longest = calloc(1, 4098);

        assert_int_equal(finish(&a, id, ""), AGENT_ERROR_INVALID_PARAMETER);
        assert_int_equal(finish(&a, id, " \r\n"), AGENT_ERROR_INVALID_PARAMETER);
        assert_int_equal(finish(&a, id, "co\033de"), AGENT_ERROR_INVALID_PARAMETER);
        assert_int_equal(finish(&a, id, "c\303\266de"), AGENT_ERROR_INVALID_PARAMETER);
        memset(longest, 'x', 4097);
        assert_int_equal(finish(&a, id, longest), AGENT_ERROR_INVALID_PARAMETER);
        assert_int_equal(oauth_count, 0);

        longest[4096] = '\0';
        assert_int_equal(finish(&a, id, longest), 0);
        oauth_answer_fault(OAUTH_INVALID_GRANT, 0);
        free(longest);

        assert_int_equal(finish(&a, id, " the\r\n -co\tde\v\f \n"), 0);
        assert_string_equal(oauth_next()->secret, "the-code");
        oauth_answer_fault(OAUTH_INVALID_GRANT, 0);
}

static void test_same_code_joins(void **state) {
        _cleanup_(freep) char *id = start("default", false);

        assert_int_equal(finish(&a, id, "the-code"), 0);
        assert_int_equal(finish(&b, id, "the-code\n"), 0);
        assert_int_equal(oauth_count, 1); /* a code is sent once */
        answer_tokens("ada", "access");
        assert_told(&a, 0);
        assert_told(&b, 0);
}

static void test_other_code_is_busy(void **state) {
        _cleanup_(freep) char *id = start("default", false);

        assert_int_equal(finish(&a, id, "the-code"), 0);
        assert_int_equal(finish(&b, id, "another"), AGENT_ERROR_BUSY);
        assert_int_equal(oauth_count, 1);
        answer_tokens("ada", "access");
        assert_told(&a, 0);
        assert_int_equal(b.n_told, 0);
}

static void test_leaves(void **state) {
        _cleanup_(freep) char *id = start("default", false);

        assert_int_equal(finish(&a, id, "the-code"), 0);
        waiter_leave(&a.finish.waiter);
        answer_tokens("ada", "access"); /* the login is made nevertheless */
        assert_int_equal(a.n_told, 0);
        assert_non_null(get_grant(vault, "default", GROUPS));
}

static void test_waits_for_the_disk(void **state) {
        _cleanup_(freep) char *id = start("default", false);
        struct fault full = {.r = AGENT_ERROR_STORAGE_FAILED};

        disk_is_quick = false;
        assert_int_equal(finish(&a, id, "the-code"), 0);
        answer_tokens("ada", "access");
        assert_int_equal(a.n_told, 0);
        assert_int_equal(finish(&b, id, "the-code"), 0);
        assert_int_equal(oauth_count, 1);
        disk_answers(&full); /* which ends no login */
        assert_told(&a, 0);
        assert_told(&b, 0);
        assert_int_equal(logins_count(logins), 0);
}

static void test_other_code_while_saving(void **state) {
        const struct login_deps deps = {.vault = vault, .revoker = revoker, .changed = on_changed};
        _cleanup_(secret_freep) struct secret *code = make_secret("the-code"), *other = make_secret("another");
        struct login_request request = new_request("default", false);
        struct fault fault = {};
        struct login *login;

        disk_is_quick = false;
        assert_int_equal(login_new(&login, &deps, &request), 0);
        assert_int_equal(login_offer_code(login, code, &a.finish.waiter, finisher_told, &fault), 0);
        assert_int_equal(login->state, LOGIN_EXCHANGING);
        assert_secret(login->code, "the-code");
        answer_tokens("ada", "access");
        assert_int_equal(login->state, LOGIN_SAVING);
        assert_int_equal(login_offer_code(login, other, &b.finish.waiter, finisher_told, &fault),
                         AGENT_ERROR_BUSY);
        fault_deinit(&fault);
        login_end(login, NULL);
        assert_told(&a, 0);
        disk_answers(NULL); /* nobody listens */
}

static void test_failed_exchange_waits_again(void **state) {
        static const struct {
                enum oauth_verdict verdict;
                int expected;
        } ends[] = {
                {OAUTH_INVALID_GRANT, AGENT_ERROR_LOGIN_FAILED},
                {OAUTH_CLIENT_AT_FAULT, AGENT_ERROR_LOGIN_FAILED},
                {OAUTH_REFUSED, AGENT_ERROR_LOGIN_FAILED},
                {OAUTH_TROUBLE, AGENT_ERROR_UNAVAILABLE},
        };
        _cleanup_(freep) char *id = start("default", false);

        for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
                assert_int_equal(finish(&a, id, "the-code"), 0);
                oauth_answer_fault(ends[i].verdict, 0);
                assert_told(&a, ends[i].expected);
                assert_string_equal(a.fault.error, "an_error"); /* as Globus sent it */
                assert_int_equal(oauth_on_their_way(), 0); /* never sent again by itself */
                assert_string_equal(logins_profile(logins, id), "default");
        }

        assert_int_equal(n_changed, 0);
        assert_int_equal(finish(&a, id, "another"), 0);
        answer_tokens("ada", "access");
        assert_told(&a, 0);
}

static void test_cannot_send(void **state) {
        _cleanup_(freep) char *id = start("default", false);

        oauth_result = -ENOMEM;
        assert_int_equal(finish(&a, id, "the-code"), -ENOMEM);
        oauth_result = 0;
        assert_int_equal(finish(&a, id, "another"), 0);
        answer_tokens("ada", "access");
        assert_told(&a, 0);
}

static void test_nobody_knows_who(void **state) {
        _cleanup_(freep) char *id = start("default", false);

        assert_int_equal(finish(&a, id, "the-code"), 0);
        answer_tokens(NULL, "access");
        assert_told(&a, AGENT_ERROR_LOGIN_FAILED);
        assert_null(vault_find_account(vault, "default"));
        pass(0);
        assert_revoked("access");
        assert_revoked("refresh of it");
}

static void test_another_identity_is_refused(void **state) {
        _cleanup_(freep) char *id = start("default", false);

        assert_int_equal(log_in(vault, "default", "ada", GROUPS, "hers"), 0);
        assert_int_equal(finish(&a, id, "the-code"), 0);
        answer_tokens("ben", "his");
        assert_told(&a, AGENT_ERROR_LOGIN_FAILED);
        assert_int_equal(n_changed, 0);
        assert_string_equal(vault_find_account(vault, "default")->identity->sub, "ada");
        assert_secret(get_grant(vault, "default", GROUPS)->token.secret, "hers");
        pass(0);
        assert_revoked("his");
        assert_revoked("refresh of it");
        assert_int_equal(oauth_on_their_way(), 0);

        assert_int_equal(finish(&a, id, "another"), 0); /* she may still come */
        answer_tokens("ada", "her new one");
        assert_told(&a, 0);
        pass(0);
        assert_int_equal(oauth_on_their_way(), 0); /* what is replaced is not revoked */
        assert_secret(get_grant(vault, "default", GROUPS)->token.secret, "her new one");
}

static void test_another_site_is_refused(void **state) {
        struct login_request request = new_request("default", false);
        struct login_info info;

        assert_int_equal(log_in(vault, "default", "ada", GROUPS, "hers"), 0);
        free(request.origin.auth_url);
        request.origin.auth_url = strdup("https://auth.example/");
        assert_int_equal(start_request(request, &info), 0);
        assert_int_equal(finish(&a, info.id, "the-code"), 0);
        answer_tokens("ada", "from elsewhere");
        assert_told(&a, AGENT_ERROR_LOGIN_FAILED);
        assert_secret(get_grant(vault, "default", GROUPS)->token.secret, "hers");
        pass(0);
        assert_string_equal(oauth_next()->auth_url, "https://auth.example/"); /* and goes nowhere else */
        assert_revoked("from elsewhere");
        assert_revoked("refresh of it");
}

static void test_force_replaces(void **state) {
        _cleanup_(freep) char *id = start("default", true);

        assert_int_equal(log_in(vault, "default", "ada", GROUPS, "hers"), 0);
        assert_int_equal(log_in(vault, "default", "ada", TRANSFER, "hers, too"), 0);
        assert_int_equal(finish(&a, id, "the-code"), 0);
        answer_tokens("ben", "his");
        assert_told(&a, 0);
        assert_int_equal(n_changed, 1);
        assert_string_equal(vault_find_account(vault, "default")->identity->sub, "ben");
        assert_secret(get_grant(vault, "default", GROUPS)->token.secret, "his");
        assert_null(get_grant(vault, "default", TRANSFER));

        pass(0);
        assert_int_equal(oauth_on_their_way(), 2);
        assert_revoked("hers");
        assert_revoked("hers, too");
        assert_revoked("refresh");
        assert_revoked("refresh");
        assert_int_equal(oauth_on_their_way(), 0);
}

/* A crash before the new login is on disk brings back the old one, which has to be good then. */
static void test_what_is_replaced_is_good_until_the_rest_is_saved(void **state) {
        const struct fault full = {.r = AGENT_ERROR_STORAGE_FAILED};

        disk_is_quick = false;
        for (int saved = 0; saved <= 1; saved++) {
                _cleanup_(freep) char *id = start("default", true);

                assert_int_equal(log_in(vault, "default", "ada", GROUPS, "hers"), 0);
                assert_int_equal(finish(&a, id, "the-code"), 0);
                answer_tokens("ben", "his");
                pass(0);
                assert_int_equal(oauth_on_their_way(), 0);
                disk_answers(saved ? NULL : &full);
                assert_told(&a, 0);
                pass(0);
                if (saved) {
                        assert_revoked("hers");
                        assert_revoked("refresh");
                }
                assert_int_equal(oauth_on_their_way(), 0);
                assert_int_equal(vault_remove_account(vault, "default"), 0);
        }
}

/* The code had arrived: what it brings is nobody's, and goes back. */
static void test_cancelled_exchange_is_revoked(void **state) {
        _cleanup_(freep) char *id = start("default", false);
        struct fault fault = {};

        assert_int_equal(finish(&a, id, "the-code"), 0);
        assert_int_equal(logins_cancel(logins, id, &fault), 0);
        assert_true(logins_are_exchanging(logins));
        answer_tokens("ada", "access");
        assert_null(vault_find_account(vault, "default"));
        assert_int_equal(logins_count(logins), 0);
        assert_int_equal(a.n_told, 1);
        pass(0);
        assert_revoked("access");
        assert_revoked("refresh of it");
}

static void cancel_all(void) {
        logins_cancel_profile(logins, NULL);
}

static void test_cancelled_by_its_callback(void **state) {
        _cleanup_(freep) char *id = start("default", false);

        assert_int_equal(finish(&a, id, "the-code"), 0);
        assert_int_equal(finish(&b, id, "the-code"), 0);
        a.then = cancel_all;
        oauth_answer_fault(OAUTH_INVALID_GRANT, 0);
        assert_told(&a, AGENT_ERROR_LOGIN_FAILED);
        assert_told(&b, AGENT_ERROR_LOGIN_FAILED);
        assert_int_equal(logins_count(logins), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_finishes),
                TEST(test_code_is_cleaned),
                TEST(test_same_code_joins),
                TEST(test_other_code_is_busy),
                TEST(test_leaves),
                TEST(test_waits_for_the_disk),
                TEST(test_other_code_while_saving),
                TEST(test_failed_exchange_waits_again),
                TEST(test_cannot_send),
                TEST(test_nobody_knows_who),
                TEST(test_another_identity_is_refused),
                TEST(test_another_site_is_refused),
                TEST(test_force_replaces),
                TEST(test_what_is_replaced_is_good_until_the_rest_is_saved),
                TEST(test_cancelled_exchange_is_revoked),
                TEST(test_cancelled_by_its_callback),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
