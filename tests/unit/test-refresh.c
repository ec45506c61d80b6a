/* One refresh for any number of callers, whatever they do while they wait. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/flow/refresh.h"
#include "tests/unit/refresh-world.h"

static void test_one_for_all(void **state) {
        struct caller other;
        struct fault fault = {};

        caller_init(&other);
        join(&a);
        join(&b);
        join(&c);
        assert_int_equal(refresh_join(refreshes, get_grant(vault, "default", TRANSFER)->id, &other.waiter,
                                      caller_told, &fault),
                         0);
        claims_answer(NULL);
        assert_int_equal(oauth_count, 2); /* one a grant */
        assert_int_equal(refresh_count(refreshes), 2);
        assert_true(refresh_is_flying(refreshes, grant->id));
        assert_string_equal(oauth_next()->secret, "refresh");
        assert_string_equal(oauth_next()->auth_url, some_origin.auth_url);

        waiter_leave(&b.waiter); /* its client hung up */
        oauth_answer_tokens(new_tokens(GROUPS, "new", NULL));
        assert_told(&a, 0);
        assert_told(&c, 0);
        assert_int_equal(b.n_told, 0);
        assert_int_equal(other.n_told, 0);
        assert_secret(grant->token.secret, "new");
        assert_false(refresh_is_flying(refreshes, grant->id));
        assert_int_equal(n_changed, 1);
        caller_deinit(&other);
}

static void test_all_leave(void **state) {
        join(&a);
        waiter_leave(&a.waiter);
        oauth_answer_tokens(new_tokens(GROUPS, "new", NULL)); /* is taken nevertheless */
        assert_int_equal(a.n_told, 0);
        assert_secret(grant->token.secret, "new");
}

static void join_again(struct caller *caller) {
        assert_false(refresh_is_flying(refreshes, grant->id)); /* the flight is over before anyone hears */
        join(caller);
}

static void test_callbacks(void **state) {
        join(&a);
        join(&b);
        join(&c);
        a.then = caller_drop_other; /* one that still waits */
        a.other = &b;
        c.then = join_again;
        oauth_answer_tokens(new_tokens(GROUPS, "new", NULL));
        assert_told(&a, 0);
        assert_int_equal(b.n_told, 0);
        assert_told(&c, 0); /* not twice */
        assert_int_equal(oauth_count, 2);

        oauth_answer_tokens(new_tokens(GROUPS, "newer", NULL));
        assert_int_equal(c.n_told, 2);
}

static void test_saved_before_handed_out(void **state) {
        struct fault full = {.r = AGENT_ERROR_STORAGE_FAILED};

        disk_is_quick = false;
        join(&a);
        oauth_answer_tokens(new_tokens(GROUPS, "new", "rotated"));
        assert_int_equal(a.n_told, 0);
        join(&b); /* still the same flight */
        assert_int_equal(oauth_count, 1);
        disk_answers(NULL);
        assert_told(&a, 0);
        assert_told(&b, 0);

        join(&c);
        assert_string_equal(oauth_next()->secret, "rotated");
        oauth_answer_tokens(new_tokens(GROUPS, "newer", "rotated again"));
        assert_int_equal(c.n_told, 0);
        disk_answers(&full); /* does not turn it into a failure */
        assert_told(&c, 0);
}

static void test_trouble_keeps_the_grant(void **state) {
        static const enum oauth_verdict verdicts[] = {OAUTH_TROUBLE, OAUTH_REFUSED};

        for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
                caller_deinit(&a);
                caller_init(&a);
                join(&a);
                oauth_answer_fault(verdicts[i], 0);
                assert_told(&a, AGENT_ERROR_UNAVAILABLE);
                assert_string_equal(fault_message(&a.fault), "said Globus");
                assert_int_equal(grant->state, GRANT_ALIVE);
                assert_secret(grant->refresh_token, "refresh");
                assert_secret(grant->token.secret, "access");
                assert_int_equal(grant->tries.failures, i + 1);
                assert_string_equal(grant->tries.error, "said Globus");
        }

        assert_int_equal(n_changed, 2);
}

static void test_invalid_grant_ends_it(void **state) {
        struct fault fault = {};

        join(&a);
        oauth_answer_fault(OAUTH_INVALID_GRANT, 0);
        assert_told(&a, AGENT_ERROR_LOGIN_NEEDED);
        assert_string_equal(a.fault.reason, "dead");
        assert_string_equal(a.fault.profile, "default");
        assert_string_equal(a.fault.resource_server, GROUPS);
        assert_true(strv_contains(a.fault.required_scopes, GROUPS_ALL));
        assert_int_equal(grant->state, GRANT_DEAD);
        assert_int_equal(save_kicks, 1); /* so that a restart does not ask again */
        assert_int_equal(n_changed, 1);

        assert_true(grant_refresh_due_usec(grant) == USEC_INFINITY);
        fake_sleep(365 * 24 * 3600);
        assert_int_equal(refresh_permits(refreshes, grant, false, &fault), AGENT_ERROR_LOGIN_NEEDED);
        assert_string_equal(fault.reason, "dead");
        assert_non_null(strstr(fault_message(&fault), "said Globus"));
        fault_deinit(&fault);
        assert_int_equal(get_grant(vault, "default", TRANSFER)->state, GRANT_ALIVE);
}

/* Globus may have been wrong, and a person wants to know. */
static void test_dead_once_more(void **state) {
        struct fault fault = {};

        join(&a);
        oauth_answer_fault(OAUTH_INVALID_GRANT, 0);
        for (unsigned i = 0; i < 2; i++) {
                assert_permits(true, 0);
                caller_deinit(&a);
                caller_init(&a);
                join(&a);
                assert_string_equal(oauth_next()->secret, "refresh"); /* kept for this */
                oauth_answer_fault(OAUTH_INVALID_GRANT, 0);
                assert_told(&a, AGENT_ERROR_LOGIN_NEEDED);
        }
        assert_permits(true, 0);
        assert_permits(true, AGENT_ERROR_LOGIN_NEEDED); /* no loop of it */
        assert_permits(false, AGENT_ERROR_LOGIN_NEEDED);

        fake_sleep(60);
        assert_permits(true, 0);
        join(&b);
        oauth_answer_tokens(new_tokens(GROUPS, "risen", NULL));
        assert_told(&b, 0);
        assert_int_equal(grant->state, GRANT_ALIVE);
        assert_secret(grant->token.secret, "risen");
        assert_int_equal(refresh_permits(refreshes, grant, true, &fault), AGENT_ERROR_SHORT_VALIDITY);
        fault_deinit(&fault);
}

/* What ended it stays known, and nothing is tried without a person. */
static void test_dead_and_not_there(void **state) {
        struct fault fault = {};

        join(&a);
        oauth_answer_fault(OAUTH_INVALID_GRANT, 0);
        free(grant->tries.error);
        grant->tries.error = strdup("ended by Globus");

        join(&b);
        oauth_answer_fault(OAUTH_TROUBLE, fake_unix + 120);
        assert_told(&b, AGENT_ERROR_UNAVAILABLE);
        assert_string_equal(fault_message(&b.fault), "said Globus");
        assert_int_equal(b.fault.retry_at, 0);
        assert_int_equal(grant->state, GRANT_DEAD);
        assert_true(grant_refresh_due_usec(grant) == USEC_INFINITY);
        assert_int_equal(refresh_permits(refreshes, grant, false, &fault), AGENT_ERROR_LOGIN_NEEDED);
        assert_non_null(strstr(fault_message(&fault), "ended by Globus"));
        fault_deinit(&fault);
}

static void test_client_at_fault(void **state) {
        join(&a);
        oauth_answer_fault(OAUTH_CLIENT_AT_FAULT, 0);
        assert_told(&a, AGENT_ERROR_LOGIN_NEEDED);
        assert_string_equal(a.fault.reason, "client");
        assert_int_equal(grant->state, GRANT_CLIENT_AT_FAULT);
        assert_secret(grant->refresh_token, "refresh"); /* it may heal */

        assert_permits(false, AGENT_ERROR_LOGIN_NEEDED);
        fake_sleep(3599);
        assert_permits(false, AGENT_ERROR_LOGIN_NEEDED);
        fake_sleep(1);
        assert_permits(false, 0);
        free(grant->tries.error);
        grant->tries.error = strdup("invalid_client");
        join(&c);
        oauth_answer_fault(OAUTH_TROUBLE, 0); /* tells nothing of the client */
        assert_told(&c, AGENT_ERROR_UNAVAILABLE);
        assert_string_equal(grant->tries.error, "invalid_client");
        assert_permits(false, AGENT_ERROR_LOGIN_NEEDED);

        join(&b);
        oauth_answer_tokens(new_tokens(GROUPS, "healed", NULL));
        assert_told(&b, 0);
        assert_int_equal(grant->state, GRANT_ALIVE);
}

static void test_foreign_answer(void **state) {
        join(&a);
        oauth_answer_tokens(new_tokens(TRANSFER, "foreign", NULL));
        assert_told(&a, AGENT_ERROR_UNAVAILABLE);
        assert_secret(grant->token.secret, "access");
        assert_secret(get_grant(vault, "default", TRANSFER)->token.secret, "other");
}

static void test_grant_goes_meanwhile(void **state) {
        uint64_t id = grant->id;
        struct fault fault = {};

        join(&a);
        assert_int_equal(vault_remove_account(vault, "default"), 0);
        oauth_answer_tokens(new_tokens(GROUPS, "new", NULL));
        assert_int_equal(a.n_told, 1);
        assert_int_not_equal(a.answer, 0);

        assert_int_not_equal(refresh_join(refreshes, id, &b.waiter, caller_told, &fault), 0);
        assert_int_not_equal(fault.r, 0);
        assert_int_equal(b.n_told, 0);
        assert_int_equal(oauth_count, 1);
        fault_deinit(&fault);
}

static void test_cannot_send(void **state) {
        oauth_result = -ENOMEM;
        join(&a);
        oauth_result = 0;
        assert_told(&a, AGENT_ERROR_UNAVAILABLE);
        assert_int_equal(refresh_count(refreshes), 0);
        assert_int_equal(grant->tries.failures, 1);
        assert_secret(grant->refresh_token, "refresh");
}

static void test_start(void **state) {
        refresh_start(refreshes, grant->id);
        refresh_start(refreshes, grant->id);
        join(&a);
        assert_int_equal(oauth_count, 1);
        oauth_answer_tokens(new_tokens(GROUPS, "new", NULL));
        assert_told(&a, 0);
}

static void test_nothing_new_at_the_end(void **state) {
        struct fault fault = {};

        disk_is_quick = oauth_sends = false;
        join(&a);
        refresh_halt(refreshes, AGENT_ERROR_STOPPING);
        assert_false(refresh_is_vital(refreshes)); /* Globus has not got it */
        oauth_sends = true;
        assert_true(refresh_is_vital(refreshes));
        join(&b); /* the same flight */
        assert_int_equal(refresh_join(refreshes, get_grant(vault, "default", TRANSFER)->id, &c.waiter,
                                      caller_told, &fault),
                         AGENT_ERROR_STOPPING);
        oauth_answer_tokens(new_tokens(GROUPS, "new", "rotated"));
        assert_true(refresh_is_vital(refreshes)); /* the disk has not got it */
        disk_answers(NULL);
        assert_false(refresh_is_vital(refreshes));
        assert_told(&a, 0);
        assert_told(&b, 0);
        assert_int_equal(oauth_count, 1);
        fault_deinit(&fault);
}

static void join_at_the_end(struct caller *caller) {
        struct fault fault = {};

        assert_int_equal(refresh_join(refreshes, grant->id, &caller->waiter, caller_told, &fault),
                         AGENT_ERROR_STOPPING);
        fault_deinit(&fault);
}

static void test_stopping(void **state) {
        disk_is_quick = false;
        join(&a);
        join(&b);
        oauth_answer_tokens(new_tokens(GROUPS, "new", NULL)); /* waits for the disk */
        a.then = join_at_the_end;
        refreshes = refresh_free(refreshes);
        assert_told(&a, AGENT_ERROR_STOPPING);
        assert_told(&b, AGENT_ERROR_STOPPING);
        disk_answers(NULL);
        assert_told(&a, AGENT_ERROR_STOPPING);
        assert_int_equal(n_changed, 0);
        assert_int_equal(oauth_on_their_way(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_one_for_all),
                TEST(test_all_leave),
                TEST(test_callbacks),
                TEST(test_saved_before_handed_out),
                TEST(test_trouble_keeps_the_grant),
                TEST(test_invalid_grant_ends_it),
                TEST(test_dead_once_more),
                TEST(test_dead_and_not_there),
                TEST(test_client_at_fault),
                TEST(test_foreign_answer),
                TEST(test_grant_goes_meanwhile),
                TEST(test_cannot_send),
                TEST(test_start),
                TEST(test_nothing_new_at_the_end),
                TEST(test_stopping),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
