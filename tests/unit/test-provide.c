/* Who gets the token that is there, who waits for a new one and how long, and who is refused. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/flow/provide.h"
#include "tests/unit/fake-alarm.h"
#include "tests/unit/logins.h"

/* The neighbour: a refresh that permits what it is told to, and ends when told to. */

static struct list refreshing = {&refreshing, &refreshing};
static unsigned n_joined;
static int permitted, joined_result;
static bool flying, last_urgent;

bool refresh_is_flying(const struct refresh *refresh, uint64_t grant_id) {
        return flying;
}

int refresh_permits(struct refresh *refresh, struct grant *grant, bool urgent, struct fault *fault) {
        last_urgent = urgent;
        return permitted ? fault_set(fault, permitted, "not permitted") : 0;
}

int refresh_join(struct refresh *refresh, uint64_t grant_id, struct waiter *waiter, waiter_fn done,
                 struct fault *fault) {
        if (joined_result)
                return fault_set(fault, joined_result, "not joined");

        n_joined++;
        flying = true;
        waiter_join(waiter, &refreshing, done);
        return 0;
}

static void refresh_ends(const struct fault *fault) {
        flying = false;
        waiter_tell_all(&refreshing, fault);
}

static struct vault *vault;
static struct grant *grant;
static struct provide provide;
static struct provision provision;
static unsigned n_done;
static int answer;
static struct fault answer_fault;

/* The token lives an hour from the clock's start. */
static int set_up(void **state) {
        _cleanup_(token_set_freep) struct token_set *tokens = make_tokens("ada", fake_boottime);
        const struct vault_login login = {.profile = "default", .origin = &some_origin};

        assert_int_equal(vault_new(&vault), 0);
        add_entry(tokens, GROUPS, "access", "refresh");
        assert_int_equal(vault_add_login(vault, &login, tokens), 0);
        grant = get_grant(vault, "default", GROUPS);
        provide = (struct provide){.vault = vault};
        provision = PROVISION_INIT(provision);
        n_joined = n_done = 0;
        permitted = joined_result = 0;
        flying = last_urgent = false;
        return 0;
}

static int tear_down(void **state) {
        provision_deinit(&provision);
        assert_int_equal(fake_alarm_in(), -1);
        assert_true(list_is_empty(&refreshing));
        fault_deinit(&answer_fault);
        vault = vault_free(vault);
        return 0;
}

static void on_done(struct provision *p, const struct fault *fault) {
        assert_ptr_equal(p, &provision);
        n_done++;
        answer = fault ? fault->r : 0;
        if (fault)
                assert_int_equal(fault_copy(&answer_fault, fault), 0);
}

static void begin(struct provide_terms terms, int expected) {
        struct fault fault = {};

        provision_deinit(&provision);
        provision.terms = terms;
        provision.done = on_done;
        n_done = 0;
        assert_int_equal(provision_begin(&provision, &provide, grant, &fault), expected);
        if (expected > 0)
                assert_int_equal(fault.r, expected);
        (void)fault_copy(&answer_fault, &fault);
        fault_deinit(&fault);
        assert_int_equal(n_done, 0);
}

static const struct provide_terms wish = {.valid_usec = PROVIDE_WISH_USEC};
static const struct provide_terms demand = {.demanded = true, .valid_usec = PROVIDE_WISH_USEC};
static const struct provide_terms renewal = {.renew = true, .urgent = true};

static void token_arrives_as(const char *access) {
        _cleanup_(token_set_freep) struct token_set *tokens = make_tokens(NULL, fake_boottime);

        add_entry(tokens, GROUPS, access, NULL);
        assert_int_equal(vault_update_grant(vault, grant->id, tokens), 0);
        refresh_ends(NULL);
}

static void token_arrives(void) {
        token_arrives_as("new");
}

static void test_at_once(void **state) {
        begin(wish, 0);
        begin(demand, 0);
        fake_sleep(3540); /* 60 s are left */
        begin(wish, 0);
        begin(demand, 0);
        assert_int_equal(n_joined, 0);
}

static void test_waits_for_one(void **state) {
        fake_sleep(3600);
        begin(wish, -EINPROGRESS);
        assert_int_equal(n_joined, 1);
        pass(3600); /* as long as it takes */
        assert_int_equal(n_done, 0);
        token_arrives();
        assert_int_equal(n_done, 1);
        assert_int_equal(answer, 0);
}

static void test_failure_is_told(void **state) {
        struct fault dead = {};

        (void)fault_set_login_needed(&dead, &(struct login_need){.reason = "dead"}, "log in");
        fake_sleep(3600);
        begin(wish, -EINPROGRESS);
        refresh_ends(&dead);
        assert_int_equal(n_done, 1);
        assert_int_equal(answer, AGENT_ERROR_LOGIN_NEEDED);
        assert_string_equal(answer_fault.reason, "dead");
        fault_deinit(&dead);
}

static void test_wish_is_no_demand(void **state) {
        struct fault trouble = {.r = AGENT_ERROR_UNAVAILABLE};

        fake_sleep(3570); /* 30 s are left */
        begin(wish, -EINPROGRESS);
        pass(1);
        assert_int_equal(n_done, 0);
        pass(1); /* no longer than a moment */
        assert_int_equal(n_done, 1);
        assert_int_equal(answer, 0);
        refresh_ends(NULL);
        assert_int_equal(n_done, 1);

        begin(wish, -EINPROGRESS);
        refresh_ends(&trouble); /* a failure takes it from nobody */
        assert_int_equal(n_done, 1);
        assert_int_equal(answer, 0);

        permitted = AGENT_ERROR_UNAVAILABLE;
        begin(wish, 0);
        permitted = 0;
        joined_result = -ENOMEM;
        begin(wish, 0);
}

static void test_moment_ends_before_the_token(void **state) {
        fake_sleep(3598); /* 2 s are left */
        begin(wish, -EINPROGRESS);
        assert_int_equal(fake_alarm_in(), 1);
        refresh_ends(NULL);
}

static void test_demand_is_no_wish(void **state) {
        struct fault trouble = {.r = AGENT_ERROR_UNAVAILABLE};

        fake_sleep(3570);
        begin(demand, -EINPROGRESS);
        pass(10);
        assert_int_equal(n_done, 0);
        refresh_ends(&trouble);
        assert_int_equal(answer, AGENT_ERROR_UNAVAILABLE);

        permitted = AGENT_ERROR_UNAVAILABLE;
        begin(demand, AGENT_ERROR_UNAVAILABLE);
        permitted = 0;
        joined_result = -ENOMEM;
        begin(demand, -ENOMEM);
}

static void test_more_than_globus_gives(void **state) {
        begin((struct provide_terms){.demanded = true, .valid_usec = 7200 * USEC_PER_SEC}, -EINPROGRESS);
        token_arrives();
        assert_int_equal(n_done, 1);
        assert_int_equal(answer, AGENT_ERROR_SHORT_VALIDITY);
        assert_int_equal(answer_fault.expires_in, 3600);

        permitted = AGENT_ERROR_SHORT_VALIDITY; /* since it was refreshed just now */
        fake_sleep(10);
        begin((struct provide_terms){.demanded = true, .valid_usec = 7200 * USEC_PER_SEC},
              AGENT_ERROR_SHORT_VALIDITY);
        assert_int_equal(answer_fault.expires_in, 3590);
        begin((struct provide_terms){.valid_usec = 7200 * USEC_PER_SEC}, 0); /* only wished for */
        assert_int_equal(n_joined, 1);
}

static void test_renewal(void **state) {
        struct fault trouble = {.r = AGENT_ERROR_UNAVAILABLE};

        begin(renewal, -EINPROGRESS);
        assert_true(last_urgent);
        pass(10);
        assert_int_equal(n_done, 0);
        token_arrives();
        assert_int_equal(n_done, 1);
        assert_int_equal(answer, 0);

        begin(renewal, -EINPROGRESS);
        refresh_ends(&trouble); /* the old one is not what was asked for */
        assert_int_equal(answer, AGENT_ERROR_UNAVAILABLE);

        permitted = AGENT_ERROR_UNAVAILABLE;
        begin(renewal, AGENT_ERROR_UNAVAILABLE);
        permitted = AGENT_ERROR_SHORT_VALIDITY; /* less than a minute old: it is new */
        begin(renewal, 0);
}

static struct provide_terms wish_not(const struct secret *rejected) {
        return (struct provide_terms){.valid_usec = PROVIDE_WISH_USEC, .rejected = rejected};
}

static void test_rejected(void **state) {
        _cleanup_(secret_freep) struct secret *current = make_secret("access"), *other = make_secret("older");
        struct fault trouble = {.r = AGENT_ERROR_UNAVAILABLE};

        begin(wish_not(other), 0); /* the one at hand is newer already */
        assert_int_equal(n_joined, 0);

        begin(wish_not(current), -EINPROGRESS);
        assert_false(last_urgent);
        pass(10); /* the one at hand is no help */
        assert_int_equal(n_done, 0);
        refresh_ends(&trouble);
        assert_int_equal(answer, AGENT_ERROR_UNAVAILABLE);
        permitted = AGENT_ERROR_UNAVAILABLE;
        begin(wish_not(current), AGENT_ERROR_UNAVAILABLE);
        begin(wish, 0);

        permitted = 0;
        begin(wish_not(current), -EINPROGRESS);
        token_arrives();
        assert_int_equal(n_done, 1);
        assert_int_equal(answer, 0);
        permitted = AGENT_ERROR_SHORT_VALIDITY;
        begin(wish_not(current), 0); /* late, with the same one */
        assert_int_equal(n_joined, 2);
}

static void test_rejected_is_all_there_is(void **state) {
        _cleanup_(secret_freep) struct secret *current = make_secret("access");
        struct provide_terms renew = renewal;

        begin(wish_not(current), -EINPROGRESS);
        token_arrives_as("access");
        assert_int_equal(n_done, 1);
        assert_int_equal(answer, AGENT_ERROR_UNAVAILABLE);
        assert_int_equal(answer_fault.retry_at, fake_unix + 60);

        fake_sleep(10);
        permitted = AGENT_ERROR_SHORT_VALIDITY;
        begin(wish_not(current), AGENT_ERROR_UNAVAILABLE);
        assert_int_equal(answer_fault.retry_at, fake_unix + 50);
        renew.rejected = current;
        begin(renew, AGENT_ERROR_UNAVAILABLE);
        assert_int_equal(answer_fault.retry_at, fake_unix + 50);
        begin(wish, 0); /* for another server it may do */
        assert_int_equal(n_joined, 1);
}

static void test_rejected_and_no_token(void **state) {
        _cleanup_(secret_freep) struct secret *some = make_secret("access");

        token_deinit(&grant->token);
        begin(wish_not(some), -EINPROGRESS);
        token_arrives();
        assert_int_equal(answer, 0);
}

static void test_joins_without_permission(void **state) {
        permitted = AGENT_ERROR_UNAVAILABLE;
        flying = true;
        begin(renewal, -EINPROGRESS);
        token_arrives();
        assert_int_equal(answer, 0);
}

static void test_timeout(void **state) {
        begin((struct provide_terms){.renew = true, .timeout_usec = 5 * USEC_PER_SEC}, -EINPROGRESS);
        pass(4);
        assert_int_equal(n_done, 0);
        pass(1);
        assert_int_equal(n_done, 1);
        assert_int_equal(answer, AGENT_ERROR_UNAVAILABLE);
        assert_int_equal(answer_fault.retry_at, fake_unix); /* for the try goes on */
        refresh_ends(NULL);
        assert_int_equal(n_done, 1);

        flying = false;
        fake_sleep(3570 - 5);
        begin((struct provide_terms){.valid_usec = PROVIDE_WISH_USEC, .timeout_usec = USEC_PER_SEC},
              -EINPROGRESS);
        pass(1);
        assert_int_equal(n_done, 1);
        assert_int_equal(answer, 0);
}

static void test_grant_goes(void **state) {
        fake_sleep(3600);
        begin(wish, -EINPROGRESS);
        assert_int_equal(vault_remove_account(vault, "default"), 0);
        refresh_ends(NULL);
        assert_int_equal(n_done, 1);
        assert_int_not_equal(answer, 0);
}

static void test_leaves(void **state) {
        provision_deinit(&provision); /* never begun */
        fake_sleep(3570);
        begin(wish, -EINPROGRESS);
        provision_deinit(&provision);
        pass(10);
        refresh_ends(NULL);
        assert_int_equal(n_done, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_at_once),
                TEST(test_waits_for_one),
                TEST(test_failure_is_told),
                TEST(test_wish_is_no_demand),
                TEST(test_moment_ends_before_the_token),
                TEST(test_demand_is_no_wish),
                TEST(test_more_than_globus_gives),
                TEST(test_renewal),
                TEST(test_rejected),
                TEST(test_rejected_is_all_there_is),
                TEST(test_rejected_and_no_token),
                TEST(test_joins_without_permission),
                TEST(test_timeout),
                TEST(test_grant_goes),
                TEST(test_leaves),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
