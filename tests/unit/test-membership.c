/* One fetch for any number of callers, how old a listing may be, one replay, and what drops it. */

#include "tests/unit/unit.h"

#include "tests/unit/membership-world.h"

enum { PAUSE = 300 /* seconds: after it a service that has failed may be asked again, however often it did */ };

static void test_one_fetch_for_many(void **state) {
        char expected[80];

        assert_int_equal(ask(a), -EINPROGRESS);
        assert_int_equal(ask(b), -EINPROGRESS);
        assert_int_equal(ask(c), -EINPROGRESS);
        assert_int_equal(n_asked, 1);
        assert_string_equal(asked->bearer, "access");
        waiter_leave(&b->waiter.waiter);
        service_answers("[{\"id\":\"1\"}]");

        (void)snprintf(expected, sizeof(expected),
                       "{\"parameters\":{\"groups\":[{\"id\":\"1\"}],\"fetched_at\":%lld}}",
                       (long long)fake_unix);
        assert_told(a, 0);
        assert_string_equal(a->reply, expected);
        assert_told(c, 0);
        assert_string_equal(c->reply, expected);
        assert_int_equal(b->n_told, 0);
}

static void test_each_its_own(void **state) {
        assert_int_equal(ask(a), -EINPROGRESS);
        service_answers("[1]");
        assert_int_equal(ask_for(b, "other", NULL, 3600), -EINPROGRESS);
        assert_string_equal(asked->bearer, "his");
        service_answers("[2]");
        assert_int_equal(ask_for(c, "default", STRV("invited"), 3600), -EINPROGRESS);
        service_answers("[3]");

        assert_int_equal(ask_for(a, "default", NULL, 3600), 0);
        assert_non_null(strstr(a->reply, "[1]"));
        assert_int_equal(ask_for(a, "other", NULL, 3600), 0);
        assert_non_null(strstr(a->reply, "[2]"));
        assert_int_equal(ask_for(a, "default", STRV("invited"), 3600), 0);
        assert_non_null(strstr(a->reply, "[3]"));
}

static void test_max_age(void **state) {
        assert_int_equal(ask(a), -EINPROGRESS);
        service_answers("[1]");
        fake_sleep(10);
        assert_int_equal(ask_for(b, "default", NULL, 10), 0);
        assert_int_equal(ask_for(b, "default", NULL, 9), -EINPROGRESS);
        service_answers("[2]");
        assert_non_null(strstr(b->reply, "[2]"));

        pass(3599);
        assert_int_equal(ask_for(a, "default", NULL, 1000000), 0);
        pass(1); /* nothing is kept for longer */
        assert_int_equal(ask_for(a, "default", NULL, 1000000), -EINPROGRESS);
        service_answers("[3]");
        fake_sleep(3601); /* even if the alarm that drops it is late */
        assert_int_equal(ask_for(a, "default", NULL, 1000000), -EINPROGRESS);
        service_answers("[4]");
}

static void test_not_without_end(void **state) {
        char status[8];

        for (unsigned i = 0; i <= 64; i++) {
                (void)snprintf(status, sizeof(status), "s%u", i);
                assert_int_equal(ask_for(a, "default", STRV(status), 3600), -EINPROGRESS);
                service_answers("[]");
                fake_sleep(1);
        }

        assert_int_equal(ask_for(a, "default", STRV("s64"), 3600), 0);
        assert_int_equal(ask_for(a, "default", STRV("s1"), 3600), 0);
        assert_int_equal(ask_for(a, "default", STRV("s0"), 3600), -EINPROGRESS); /* the oldest went */
}

static void test_one_replay(void **state) {
        assert_int_equal(ask(a), -EINPROGRESS);
        provided = -EINPROGRESS;
        service_refuses(-EKEYREJECTED);
        assert_int_equal(n_rejected, 1);
        assert_int_equal(a->n_told, 0);
        assert_secret(provision->terms.rejected, "access");
        assert_int_equal(n_asked, 1); /* not before the token is new */
        assert_int_equal(ask(b), -EINPROGRESS); /* still the same flight */
        token_arrives(NULL);
        assert_int_equal(n_asked, 2);
        service_answers("[1]");
        assert_told(a, 0);
        assert_told(b, 0);

        provided = 0;
        assert_int_equal(ask(a), -EINPROGRESS);
        assert_int_equal(n_rejected, 1); /* what was refused before is no longer of interest */
        service_answers("[2]");
}

static void test_never_a_second(void **state) {
        for (unsigned i = 1; i <= 2; i++) {
                assert_int_equal(ask(a), -EINPROGRESS);
                service_refuses(-EKEYREJECTED);
                assert_int_equal(a->n_told, 0);
                service_refuses(-EKEYREJECTED);
                assert_told(a, AGENT_ERROR_UNAVAILABLE);
                assert_null(asked);
                assert_int_equal(n_asked, 2 * i);
                assert_int_equal(n_rejected,
                                 2 * i - 1); /* from the second time on it is not good from the start */
                fake_sleep(PAUSE);
        }
}

/* Whatever else goes wrong says nothing of the token. */
static void test_refused_stays_refused(void **state) {
        assert_int_equal(ask(a), -EINPROGRESS);
        service_refuses(-EKEYREJECTED);
        service_refuses(-EKEYREJECTED);
        fake_sleep(PAUSE);
        assert_int_equal(ask(a), -EINPROGRESS);
        service_refuses(AGENT_ERROR_UNAVAILABLE);
        assert_int_equal(n_rejected, 2);
        fake_sleep(PAUSE);
        provided = AGENT_ERROR_UNAVAILABLE;
        assert_int_equal(ask(a), AGENT_ERROR_UNAVAILABLE);
        assert_int_equal(n_rejected, 3);
        assert_int_equal(n_asked, 3);
}

static void test_no_new_token(void **state) {
        struct fault dead = {};

        assert_int_equal(ask(a), -EINPROGRESS);
        provided = AGENT_ERROR_UNAVAILABLE;
        service_refuses(-EKEYREJECTED);
        assert_told(a, AGENT_ERROR_UNAVAILABLE);

        assert_int_equal(ask(a), AGENT_ERROR_UNAVAILABLE);
        provided = -EINPROGRESS;
        assert_int_equal(ask(a), -EINPROGRESS);
        (void)fault_set_login_needed(&dead, &(struct login_need){.reason = "dead"}, "log in");
        token_arrives(&dead);
        assert_told(a, AGENT_ERROR_LOGIN_NEEDED);
        assert_string_equal(a->fault.reason, "dead");
        assert_int_equal(n_asked, 1);
        fault_deinit(&dead);
}

static void test_failure_is_no_old_listing(void **state) {
        assert_int_equal(ask(a), -EINPROGRESS);
        service_answers("[1]");
        fake_sleep(10);
        assert_int_equal(ask(a), -EINPROGRESS);
        service_refuses(AGENT_ERROR_UNAVAILABLE);
        assert_told(a, AGENT_ERROR_UNAVAILABLE);
        assert_string_equal(fault_message(&a->fault), "said the service");
        fake_sleep(PAUSE);

        ask_result = -ENOMEM;
        assert_int_equal(ask(a), -ENOMEM);
        ask_result = 0;
        assert_int_equal(ask(a), -EINPROGRESS); /* is not taken for a flight */
        assert_non_null(asked);
}

/* Another daemon has logged somebody else in. */
static void test_orphans(void **state) {
        assert_int_equal(ask(a), -EINPROGRESS);
        service_answers("[1]");
        assert_int_equal(ask_for(b, "default", STRV("invited"), 0), -EINPROGRESS);
        assert_int_equal(ask_for(c, "other", NULL, 0), -EINPROGRESS);
        membership_drop_orphans(membership);
        assert_int_equal(b->n_told, 0);
        assert_int_equal(ask_for(a, "default", NULL, 60), 0);

        assert_int_equal(log_in(vault, "default", "ada", GROUPS, "another"), 0);
        membership_drop_orphans(membership);
        assert_told(b, AGENT_ERROR_UNAVAILABLE);
        assert_int_equal(c->n_told, 0);
        assert_int_equal(ask_for(a, "default", NULL, 60), -EINPROGRESS);
}

static void test_login_needed(void **state) {
        assert_int_equal(ask(a), -EINPROGRESS);
        service_refuses(AGENT_ERROR_LOGIN_NEEDED);
        assert_told(a, AGENT_ERROR_LOGIN_NEEDED);
        assert_string_equal(a->fault.profile, "default");
        assert_string_equal(a->fault.resource_server, GROUPS);
}

static void ask_again(struct asker *asker) {
        assert_int_equal(ask(asker), -EINPROGRESS);
}

static void drop_b(struct asker *asker) {
        waiter_leave(&b->waiter.waiter);
}

static void drop_listings(struct asker *asker) {
        membership_drop(membership, NULL);
}

static void test_callbacks(void **state) {
        assert_int_equal(ask(a), -EINPROGRESS);
        assert_int_equal(ask(b), -EINPROGRESS);
        assert_int_equal(ask(c), -EINPROGRESS);
        a->then = drop_b;
        c->then = drop_listings;
        service_answers("[1]");
        assert_told(a, 0);
        assert_int_equal(b->n_told, 0);
        assert_told(c, 0);

        assert_int_equal(ask(a), -EINPROGRESS);
        a->then = ask_again;
        service_answers("[2]");
        assert_int_equal(a->n_told, 0); /* of the second one */
        service_answers("[3]");
        assert_told(a, 0);
        assert_non_null(strstr(a->reply, "[3]"));
}

static void test_drop(void **state) {
        assert_int_equal(ask_for(a, "other", NULL, 0), -EINPROGRESS);
        service_answers("[1]");
        assert_int_equal(ask(a), -EINPROGRESS);
        service_answers("[2]");
        assert_int_equal(ask(a), -EINPROGRESS);
        membership_drop(membership, "default");
        assert_told(a, AGENT_ERROR_UNAVAILABLE);
        assert_null(asked); /* no answer of the old login is listened to */

        assert_int_equal(ask_for(b, "other", NULL, 3600), 0);
        assert_int_equal(ask_for(b, "default", NULL, 3600), -EINPROGRESS);
        provided = -EINPROGRESS;
        service_refuses(-EKEYREJECTED);
        membership_drop(membership, NULL);
        assert_told(b, AGENT_ERROR_UNAVAILABLE);
        assert_null(provision); /* nor does it wait for its token */
}

static void test_grant_goes(void **state) {
        provided = -EINPROGRESS;
        assert_int_equal(ask(a), -EINPROGRESS);
        assert_int_equal(vault_remove_account(vault, "default"), 0);
        token_arrives(NULL);
        assert_told(a, AGENT_ERROR_UNAVAILABLE);
        assert_int_equal(n_asked, 0);
}

static void test_stopping(void **state) {
        assert_int_equal(ask(a), -EINPROGRESS);
        assert_int_equal(ask_for(b, "other", NULL, 0), -EINPROGRESS);
        membership = membership_free(membership);
        assert_told(a, AGENT_ERROR_STOPPING);
        assert_told(b, AGENT_ERROR_STOPPING);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_one_fetch_for_many),
                TEST(test_each_its_own),
                TEST(test_max_age),
                TEST(test_not_without_end),
                TEST(test_one_replay),
                TEST(test_refused_stays_refused),
                TEST(test_never_a_second),
                TEST(test_no_new_token),
                TEST(test_failure_is_no_old_listing),
                TEST(test_orphans),
                TEST(test_login_needed),
                TEST(test_callbacks),
                TEST(test_drop),
                TEST(test_grant_goes),
                TEST(test_stopping),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
