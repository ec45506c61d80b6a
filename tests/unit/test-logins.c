/* Logins that wait: begun, joined, few at a time, ended by time, by people, and with the daemon. */

#include "tests/unit/unit.h"

#include <stdio.h>

#include "tests/unit/login-world.h"

static void test_start(void **state) {
        struct login_info info, other;

        assert_int_equal(start_request(new_request("default", false), &info), 0);
        assert_false(info.joined);
        assert_string_equal(info.profile, "default");
        assert_int_equal(info.expires_at, fake_unix + 15 * 60);
        assert_int_equal(strlen(info.id), 22); /* 16 random bytes */
        assert_int_equal(strncmp(info.url, some_origin.auth_url, strlen(some_origin.auth_url)), 0);
        assert_non_null(strstr(info.url, "code_challenge="));

        assert_int_equal(start_request(new_request("other", false), &other), 0);
        assert_string_not_equal(info.id, other.id);
        assert_string_not_equal(info.url, other.url);
        assert_int_equal(logins_count(logins), 2);
}

static void test_equal_one_joins(void **state) {
        _cleanup_(freep) char *id = start("default", false);
        struct login_request request = new_request("default", false);
        struct login_info info;

        assert_int_equal(start_request(new_request("default", false), &info), 0);
        assert_true(info.joined);
        assert_string_equal(info.id, id);
        assert_int_equal(start_request(new_request("default", true), &info), 0);
        assert_false(info.joined);
        assert_int_equal(strv_append(&request.scopes, "openid"), 0);
        assert_int_equal(start_request(request, &info), 0);
        assert_false(info.joined);
        assert_int_equal(logins_count(logins), 3);

        /* one whose code is on its way is not one to join */
        assert_int_equal(finish(&a, id, "the-code"), 0);
        assert_int_equal(start_request(new_request("default", false), &info), 0);
        assert_false(info.joined);
        oauth_answer_fault(OAUTH_INVALID_GRANT, 0);
}

static void test_eight_at_most(void **state) {
        struct login_info info;
        struct fault fault = {};
        char profile[16];

        for (unsigned i = 0; i < 8; i++) {
                (void)snprintf(profile, sizeof(profile), "p%u", i);
                assert_int_equal(start_request(new_request(profile, false), &info), 0);
        }

        assert_int_equal(start_request(new_request("one-more", false), &info), AGENT_ERROR_BUSY);
        assert_int_equal(start_request(new_request("p0", false), &info), 0);
        assert_true(info.joined);
        assert_int_equal(logins_count(logins), 8);
        assert_int_equal(logins_cancel(logins, info.id, &fault), 0);
        assert_int_equal(start_request(new_request("one-more", false), &info), 0);
}

static void test_expires(void **state) {
        _cleanup_(freep) char *first = start("default", false), *second = NULL;

        pass(60);
        second = start("other", false);
        pass(15 * 60 - 61);
        assert_non_null(logins_profile(logins, first));
        pass(1);
        assert_null(logins_profile(logins, first));
        assert_non_null(logins_profile(logins, second));
        pass(60);
        assert_int_equal(logins_count(logins), 0);
        assert_int_equal(fake_alarm_in(), -1);
        assert_int_equal(finish(&a, first, "the-code"), AGENT_ERROR_UNKNOWN_LOGIN);
        assert_int_equal(oauth_count, 0);
}

static void test_exchange_outlives_it(void **state) {
        _cleanup_(freep) char *id = start("default", false);
        struct token_set *tokens = make_tokens("ada", fake_boottime);

        pass(15 * 60 - 1);
        assert_int_equal(finish(&a, id, "the-code"), 0);
        pass(30);
        assert_int_equal(a.n_told, 0);
        add_entry(tokens, GROUPS, "access", "refresh");
        oauth_answer_tokens(tokens);
        assert_told(&a, 0);

        pass(120);
        assert_int_equal(fake_alarm_in(), -1);
}

static void test_cancel(void **state) {
        _cleanup_(freep) char *id = start("default", false), *other = start("other", false);
        struct fault fault = {};

        assert_int_equal(logins_cancel(logins, "nonsense", &fault), AGENT_ERROR_UNKNOWN_LOGIN);
        assert_int_equal(fault.r, AGENT_ERROR_UNKNOWN_LOGIN);
        fault_deinit(&fault);

        assert_int_equal(finish(&a, id, "the-code"), 0);
        assert_int_equal(logins_cancel(logins, id, &fault), 0);
        assert_told(&a, AGENT_ERROR_UNKNOWN_LOGIN);
        assert_null(logins_profile(logins, id));
        assert_string_equal(logins_profile(logins, other), "other");
        assert_int_equal(finish(&b, id, "the-code"), AGENT_ERROR_UNKNOWN_LOGIN);
}

static void test_cancel_profile(void **state) {
        _cleanup_(freep) char *one = start("default", false), *forced = start("default", true);
        _cleanup_(freep) char *other = start("other", false);

        assert_int_equal(finish(&a, forced, "the-code"), 0);
        logins_cancel_profile(logins, "default");
        assert_told(&a, AGENT_ERROR_UNKNOWN_LOGIN);
        assert_null(logins_profile(logins, one));
        assert_non_null(logins_profile(logins, other));
        logins_cancel_profile(logins, NULL);
        assert_null(logins_profile(logins, other));
        oauth_answer_fault(OAUTH_TROUBLE, 0);
        assert_int_equal(logins_count(logins), 0);
        assert_false(logins_are_exchanging(logins));
}

static void test_stopping(void **state) {
        _cleanup_(freep) char *id = start("default", false);

        assert_int_equal(finish(&a, id, "the-code"), 0);
        assert_int_equal(finish(&b, id, "the-code"), 0);
        waiter_leave(&b.finish.waiter);
        logins = logins_free(logins);
        assert_told(&a, AGENT_ERROR_STOPPING);
        assert_int_equal(b.n_told, 0);
        assert_int_equal(oauth_on_their_way(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_start),
                TEST(test_equal_one_joins),
                TEST(test_eight_at_most),
                TEST(test_expires),
                TEST(test_exchange_outlives_it),
                TEST(test_cancel),
                TEST(test_cancel_profile),
                TEST(test_stopping),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
