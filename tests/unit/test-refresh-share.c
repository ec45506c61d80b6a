/* One refresh among the daemons that share a home: nothing is sent without a claim and a look at the disk. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/flow/refresh.h"
#include "tests/unit/refresh-world.h"

/* What another daemon's refresh left on disk, as a merge brings it. */
static void overtake(const char *access, const char *token, uint64_t ago_usec) {
        struct token_set *tokens = make_tokens(NULL, fake_boottime - ago_usec);

        add_entry(tokens, GROUPS, access, token);
        assert_int_equal(vault_update_grant(vault, grant->id, tokens), 0);
        token_set_free(tokens);
}

static void test_claim_then_look_then_request(void **state) {
        look_is_quick = false;
        join_only(&a);
        assert_int_equal(claims_held, 1);
        assert_int_equal(n_looks, 0); /* before the lock is had, it would tell nothing */
        claims_answer(NULL);
        assert_int_equal(n_looks, 1);
        assert_int_equal(oauth_count, 0);
        look_is_over();
        assert_int_equal(oauth_count, 1);
        oauth_answer_tokens(new_tokens(GROUPS, "new", NULL));
        assert_told(&a, 0);
        assert_int_equal(claims_held, 0);
}

static void test_claim_lasts_until_it_is_saved(void **state) {
        disk_is_quick = false;
        join(&a);
        oauth_answer_tokens(new_tokens(GROUPS, "new", "rotated"));
        assert_int_equal(claims_held, 1);
        disk_answers(NULL);
        assert_int_equal(claims_held, 0);
}

static void test_another_was_faster(void **state) {
        look_is_quick = false;
        join(&a);
        overtake("theirs", "rotated", 0);
        look_is_over();
        assert_told(&a, 0);
        assert_int_equal(oauth_count, 0);
        assert_secret(grant->token.secret, "theirs");
        assert_int_equal(claims_held, 0);
        assert_int_equal(n_changed, 1);
}

/* The token of minutes ago is not the new one that was asked for, but the refresh token is the one to use. */
static void test_another_was_faster_long_ago(void **state) {
        look_is_quick = false;
        join(&a);
        overtake("theirs", "rotated", 100 * USEC_PER_SEC);
        look_is_over();
        assert_int_equal(a.n_told, 0);
        assert_string_equal(oauth_next()->secret, "rotated");
        oauth_answer_tokens(new_tokens(GROUPS, "new", NULL));
        assert_told(&a, 0);
}

static void test_logged_out_elsewhere(void **state) {
        look_is_quick = false;
        join(&a);
        assert_int_equal(vault_remove_account(vault, "default"), 0);
        look_is_over();
        assert_told(&a, AGENT_ERROR_UNAVAILABLE);
        assert_int_equal(oauth_count, 0);
}

static void test_dead_elsewhere(void **state) {
        look_is_quick = false;
        join(&a);
        assert_int_equal(vault_set_grant_state(vault, grant->id, GRANT_DEAD, "invalid_grant"), 0);
        look_is_over();
        assert_told(&a, AGENT_ERROR_LOGIN_NEEDED);
        assert_int_equal(oauth_count, 0);
}

/* Nor does it help that its token is young. */
static void test_dead_elsewhere_just_now(void **state) {
        join(&a);
        look_is_quick = false;
        oauth_answer_fault(OAUTH_INVALID_GRANT, 0);
        overtake("theirs", "rotated", 0);
        assert_int_equal(vault_set_grant_state(vault, grant->id, GRANT_DEAD, "invalid_grant"), 0);
        look_is_over();
        assert_told(&a, AGENT_ERROR_LOGIN_NEEDED);
        assert_string_equal(a.fault.reason, "dead");
}

/* The one who insists knows. */
static void test_dead_and_tried_once_more(void **state) {
        assert_int_equal(vault_set_grant_state(vault, grant->id, GRANT_DEAD, "invalid_grant"), 0);
        join(&a);
        assert_int_equal(oauth_count, 1);
        oauth_answer_tokens(new_tokens(GROUPS, "risen", NULL));
        assert_told(&a, 0);
        assert_int_equal(grant->state, GRANT_ALIVE);
}

static void test_claim_is_not_to_be_had(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};

        (void)fault_set(&fault, AGENT_ERROR_UNAVAILABLE, "another one has it");
        join_only(&a);
        claims_answer(&fault);
        assert_told(&a, AGENT_ERROR_UNAVAILABLE);
        assert_string_equal(fault_message(&a.fault), "another one has it");
        assert_int_equal(oauth_count, 0);
        assert_int_equal(grant->tries.failures, 1);
        assert_int_equal(claims_held, 0);
}

/* A daemon that could not be locked out used the token first: what it got is on disk. */
static void test_refusal_that_is_not_final(void **state) {
        join(&a);
        look_is_quick = false;
        oauth_answer_fault(OAUTH_INVALID_GRANT, 0);
        assert_int_equal(a.n_told, 0);
        overtake("theirs", "rotated", 0);
        look_is_over();
        assert_told(&a, 0);
        assert_int_equal(grant->state, GRANT_ALIVE);
        assert_secret(grant->token.secret, "theirs");
}

/* Without a look nothing is final. */
static void test_refusal_that_cannot_be_checked(void **state) {
        join(&a);
        look_is_quick = false;
        oauth_answer_fault(OAUTH_INVALID_GRANT, 0);
        look_fails();
        assert_told(&a, AGENT_ERROR_UNAVAILABLE);
        assert_int_equal(grant->state, GRANT_ALIVE);
        assert_secret(grant->refresh_token, "refresh");
}

/* The disk is not seen: that is risked for those who wait only. */
static void test_look_that_fails(void **state) {
        look_is_quick = false;
        refresh_start(refreshes, grant->id);
        claims_answer(NULL);
        look_fails();
        assert_int_equal(oauth_count, 0);
        assert_int_equal(refresh_count(refreshes), 0);
        assert_int_equal(grant->tries.failures, 0);

        join(&a);
        look_fails();
        assert_int_equal(oauth_count, 1);
        oauth_answer_tokens(new_tokens(GROUPS, "new", NULL));
        assert_told(&a, 0);
}

static void test_refusal_of_an_older_token(void **state) {
        join(&a);
        look_is_quick = false;
        oauth_answer_fault(OAUTH_INVALID_GRANT, 0);
        overtake("theirs", "rotated", 100 * USEC_PER_SEC);
        look_is_over();
        assert_told(&a, AGENT_ERROR_UNAVAILABLE);
        assert_int_equal(grant->state, GRANT_ALIVE);
        assert_secret(grant->refresh_token, "rotated");
}

static void test_refusal_that_is_final(void **state) {
        join(&a);
        look_is_quick = false;
        oauth_answer_fault(OAUTH_INVALID_GRANT, 0);
        assert_int_equal(grant->state, GRANT_ALIVE);
        look_is_over();
        assert_told(&a, AGENT_ERROR_LOGIN_NEEDED);
        assert_int_equal(grant->state, GRANT_DEAD);
}

static void test_disk_that_hangs_is_not_waited_for_twice(void **state) {
        look_is_quick = false;
        disk_hangs = true;
        join(&a);
        disk_hangs = false;
        assert_int_equal(n_looks, 0);
        assert_int_equal(oauth_count, 1);
        oauth_answer_tokens(new_tokens(GROUPS, "new", NULL));
        assert_told(&a, 0);
}

/* Another daemon may have used the token: nobody needs another one yet. */
static void test_nothing_is_risked_for_nobody(void **state) {
        disk_hangs = true;
        refresh_start(refreshes, grant->id);
        claims_answer(NULL);
        disk_hangs = false;
        assert_int_equal(oauth_count, 0);
        assert_false(refresh_is_flying(refreshes, grant->id));
        assert_int_equal(claims_held, 0);
        assert_int_equal(n_changed, 1);
        assert_true(grant_refresh_due_usec(grant) >= fake_boottime + REFRESH_SPACING_USEC);
        assert_permits(false, 0); /* but whoever comes */
}

static void test_stopping_while_claiming(void **state) {
        look_is_quick = false;
        join_only(&a);
        refreshes = refresh_free(refreshes);
        assert_told(&a, AGENT_ERROR_STOPPING);
        assert_int_equal(claims_held, 0);
        claims_answer(NULL);
        look_is_over();
        assert_int_equal(oauth_count, 0);
}

/* The end may come before Globus could answer: what is sent then may be lost. */
static void test_nothing_is_sent_once_the_end_has_begun(void **state) {
        look_is_quick = false;
        join(&a);
        refresh_halt(refreshes, AGENT_ERROR_STOPPING);
        look_is_over();
        assert_told(&a, AGENT_ERROR_STOPPING);
        assert_int_equal(oauth_count, 0);
        assert_int_equal(refresh_count(refreshes), 0);
}

static void test_stopping_while_looking(void **state) {
        look_is_quick = false;
        join(&a);
        refreshes = refresh_free(refreshes);
        assert_told(&a, AGENT_ERROR_STOPPING);
        look_is_over();
        assert_int_equal(oauth_count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_claim_then_look_then_request),
                TEST(test_claim_lasts_until_it_is_saved),
                TEST(test_another_was_faster),
                TEST(test_another_was_faster_long_ago),
                TEST(test_logged_out_elsewhere),
                TEST(test_dead_elsewhere),
                TEST(test_dead_elsewhere_just_now),
                TEST(test_dead_and_tried_once_more),
                TEST(test_claim_is_not_to_be_had),
                TEST(test_refusal_that_is_not_final),
                TEST(test_refusal_that_cannot_be_checked),
                TEST(test_look_that_fails),
                TEST(test_refusal_of_an_older_token),
                TEST(test_refusal_that_is_final),
                TEST(test_disk_that_hangs_is_not_waited_for_twice),
                TEST(test_nothing_is_risked_for_nobody),
                TEST(test_stopping_while_claiming),
                TEST(test_nothing_is_sent_once_the_end_has_begun),
                TEST(test_stopping_while_looking),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
