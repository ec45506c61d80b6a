/* How often a refresh is tried, and what callers hear in between. */

#include "tests/unit/unit.h"

#include "daemon/flow/refresh-private.h"
#include "tests/unit/refresh-world.h"

static void test_one_try_a_minute(void **state) {
        struct fault fault = {};

        assert_permits(false, 0); /* none in this process yet */
        join(&a);
        assert_true(grant->tries.tried_usec == fake_boottime);
        oauth_answer_tokens(new_tokens(GROUPS, "new", NULL));

        fake_sleep(59);
        assert_permits(false, AGENT_ERROR_SHORT_VALIDITY);
        assert_permits(true, AGENT_ERROR_SHORT_VALIDITY); /* whoever insists */
        assert_int_equal(refresh_permits(refreshes, grant, false, &fault), AGENT_ERROR_SHORT_VALIDITY);
        assert_int_equal(fault.expires_in, 3600 - 59);
        fault_deinit(&fault);
        fake_sleep(1);
        assert_permits(false, 0);
}

/* The pause after one more failure, in seconds, rounded down. */
static uint64_t next_pause(void) {
        refresh_start(refreshes, grant->id);
        claims_answer(NULL);
        oauth_answer_fault(OAUTH_TROUBLE, 0);
        assert_true(grant_refresh_due_usec(grant) == MAX(grant->tries.retry_usec, grant->token.refresh_usec));
        return (grant->tries.retry_usec - fake_boottime) / USEC_PER_SEC;
}

static void test_pauses_grow(void **state) {
        for (unsigned i = 0; i < 14; i++)
                assert_in_range(next_pause(), 1, MIN(UINT64_C(2) << i, UINT64_C(300)));

        assert_permits(false, AGENT_ERROR_UNAVAILABLE);
        fake_sleep(300);
        assert_permits(false, 0);
        refresh_start(refreshes, grant->id);
        claims_answer(NULL);
        oauth_answer_tokens(new_tokens(GROUPS, "new", NULL));
        assert_int_equal(grant->tries.failures, 0);
        assert_null(grant->tries.error);
        assert_in_range(next_pause(), 1, 2); /* from the start again */
}

/* Any time up to the bound, lest all who failed together come again together. */
static void test_pauses_are_spread(void **state) {
        uint64_t least = UINT64_MAX, most = 0;

        for (unsigned i = 0; i < 100; i++) {
                uint64_t pause = next_pause();

                if (i < 10)
                        continue;
                least = MIN(least, pause);
                most = MAX(most, pause);
        }

        assert_in_range(least, 1, 100);
        assert_in_range(most, 200, 300);
}

static void test_retry_after(void **state) {
        struct fault fault = {};

        join(&a);
        oauth_answer_fault(OAUTH_TROUBLE, fake_unix + 120);
        assert_int_equal(a.fault.retry_at, fake_unix + 120);
        fake_sleep(119);
        assert_int_equal(refresh_permits(refreshes, grant, false, &fault), AGENT_ERROR_UNAVAILABLE);
        assert_int_equal(fault.retry_at, fake_unix + 1);
        fault_deinit(&fault);
        fake_sleep(1);
        assert_permits(false, 0);

        refresh_start(refreshes, grant->id);
        claims_answer(NULL);
        oauth_answer_fault(OAUTH_TROUBLE, fake_unix + 100 * 24 * 3600); /* not believed */
        fake_sleep(3600);
        assert_permits(false, 0);
}

static void test_urgent_tries(void **state) {
        refresh_start(refreshes, grant->id);
        claims_answer(NULL);
        oauth_answer_fault(OAUTH_TROUBLE, fake_unix + 3600);

        for (unsigned minute = 0; minute < 2; minute++) {
                for (unsigned i = 0; i < 3; i++)
                        assert_permits(true, 0);
                assert_permits(true, AGENT_ERROR_UNAVAILABLE);
                assert_permits(false, AGENT_ERROR_UNAVAILABLE);
                fake_sleep(59);
                assert_permits(true, AGENT_ERROR_UNAVAILABLE);
                fake_sleep(1);
        }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_one_try_a_minute), TEST(test_pauses_grow),  TEST(test_pauses_are_spread),
                TEST(test_retry_after),      TEST(test_urgent_tries),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
