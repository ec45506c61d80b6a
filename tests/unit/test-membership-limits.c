/* How many listings of how many bytes are kept, and how often a service is asked that fails. */

#include "tests/unit/unit.h"

#include "tests/unit/membership-world.h"

enum { LARGE = 15 * 1024 * 1024 };

/* Asks for a listing of that status, and stays in line for it. */
static int ask_status(struct asker *asker, unsigned number) {
        char status[8];

        (void)snprintf(status, sizeof(status), "s%u", number);
        fake_sleep(1);
        return ask_for(asker, "default", STRV(status), 3600);
}

static void get_status(unsigned number, const char *json) {
        assert_int_equal(ask_status(a, number), -EINPROGRESS);
        service_answers(json);
        assert_told(a, 0);
}

static void test_most_listings(void **state) {
        for (unsigned i = 0; i < MEMBERSHIP_LISTINGS_MAX; i++)
                get_status(i, "[]");

        assert_int_equal(ask_status(a, 0), 0); /* used, and so not the next to go */
        get_status(64, "[]");
        assert_int_equal(ask_status(a, 0), 0);
        assert_int_equal(ask_status(a, 1), -EINPROGRESS);
}

/* What came to nothing goes before what is known. */
static void test_most_failures(void **state) {
        for (unsigned i = 0; i < MEMBERSHIP_LISTINGS_MAX; i++)
                get_status(i, "[]");

        assert_int_equal(ask_status(a, 64), -EINPROGRESS);
        service_refuses_until(fake_unix + 3600);
        for (unsigned i = 65; i < 80; i++)
                assert_int_equal(ask_status(a, i), AGENT_ERROR_UNAVAILABLE);
        for (unsigned i = 1; i < MEMBERSHIP_LISTINGS_MAX; i++)
                assert_int_equal(ask_status(a, i), 0);
}

/* Only as many questions are on their way. */
static void test_all_flying(void **state) {
        static struct asker crowd[MEMBERSHIP_LISTINGS_MAX];

        for (unsigned i = 0; i < MEMBERSHIP_LISTINGS_MAX; i++) {
                crowd[i] = (struct asker){};
                waiter_init(&crowd[i].waiter.waiter);
                assert_int_equal(ask_status(&crowd[i], i), -EINPROGRESS);
        }
        assert_int_equal(ask_status(a, 64), AGENT_ERROR_BUSY);
        assert_int_equal(ask_status(a, 0), -EINPROGRESS); /* the same flight */
        assert_int_equal(n_asked, MEMBERSHIP_LISTINGS_MAX);

        service_answers("[]");
        assert_int_equal(ask_status(b, 64), -EINPROGRESS);
        membership_drop(membership, NULL);
        for (unsigned i = 0; i < MEMBERSHIP_LISTINGS_MAX; i++)
                fault_deinit(&crowd[i].fault);
}

static char *make_large(void) {
        char *json = malloc(LARGE + 1);

        assert_non_null(json);
        memset(json, ' ', LARGE);
        json[0] = '[';
        json[LARGE - 1] = ']';
        json[LARGE] = '\0';
        return json;
}

static void test_most_bytes(void **state) {
        _cleanup_(freep) char *large = make_large();
        struct shared *held;

        for (unsigned i = 0; i < 4; i++)
                get_status(i, large);
        held = shared_hold(a->waiter.reply);
        for (unsigned i = 0; i < 4; i++)
                assert_int_equal(ask_status(a, i), 0);

        get_status(4, large);
        assert_int_equal(ask_status(a, 4), 0);
        assert_int_equal(ask_status(a, 1), 0);
        assert_int_equal(ask_status(a, 0), -EINPROGRESS); /* the one not used for the longest */
        service_answers(large);
        assert_int_equal(ask_status(a, 2), -EINPROGRESS);
        service_answers(large);
        assert_int_equal(ask_status(a, 3), -EINPROGRESS);
        assert_int_equal(shared_size(held),
                         LARGE + strlen("{\"parameters\":{\"groups\":,\"fetched_at\":1700000000}}") + 1);
        shared_free(held); /* whoever is still sending it */
}

/* What is being fetched anew gives up what was known, but not its flight. */
static void test_most_bytes_flying(void **state) {
        _cleanup_(freep) char *large = make_large();

        for (unsigned i = 0; i < 4; i++)
                get_status(i, large);
        assert_int_equal(ask_for(a, "default", STRV("s0"), 0), -EINPROGRESS);
        assert_int_equal(ask_for(b, "default", STRV("s0"), 3600), 0); /* who is content with it does not wait */
        for (unsigned i = 1; i < 4; i++)
                assert_int_equal(ask_status(b, i), 0);
        assert_int_equal(ask_status(b, 4), -EINPROGRESS);
        service_answers(large);
        assert_told(b, 0);
        for (unsigned i = 1; i <= 4; i++)
                assert_int_equal(ask_status(b, i), 0);
        assert_int_equal(ask_status(b, 0), -EINPROGRESS);
        assert_int_equal(n_asked, 6); /* it waits with the other one */
}

/* What has just come is the last to go, although the others were used since it was asked for. */
static void test_most_bytes_just_come(void **state) {
        _cleanup_(freep) char *large = make_large();

        for (unsigned i = 1; i <= 4; i++)
                get_status(i, large);
        assert_int_equal(ask_status(a, 0), -EINPROGRESS);
        for (unsigned i = 1; i <= 4; i++)
                assert_int_equal(ask_status(b, i), 0);
        service_answers(large);
        assert_told(a, 0);
        assert_int_equal(ask_status(a, 0), 0);
        assert_int_equal(ask_status(a, 1), -EINPROGRESS);
}

/* However often it is asked for, Globus Groups is asked when the time has come. */
static void assert_pause(int64_t least, int64_t most) {
        unsigned before = n_asked;
        int64_t seconds = 0;

        while (ask_for(a, "default", NULL, 0) != -EINPROGRESS) {
                assert_int_equal(a->fault.r, AGENT_ERROR_UNAVAILABLE);
                assert_in_range(a->fault.retry_at, fake_unix, fake_unix + most + 1);
                assert_string_equal(fault_message(&a->fault), "said the service");
                assert_int_equal(n_asked, before);
                fake_sleep(1);
                assert_true(++seconds <= most);
        }
        assert_true(seconds >= least);
        assert_int_equal(n_asked, before + 1);
}

static void test_pauses_grow(void **state) {
        assert_int_equal(ask(a), -EINPROGRESS);
        for (unsigned i = 0; i < 12; i++) {
                service_refuses(AGENT_ERROR_UNAVAILABLE);
                assert_told(a, AGENT_ERROR_UNAVAILABLE);
                assert_pause(1, MIN(INT64_C(2) << i, INT64_C(300)));
        }

        service_answers("[1]");
        assert_int_equal(ask(a), -EINPROGRESS);
        service_refuses(AGENT_ERROR_UNAVAILABLE);
        assert_pause(1, 2);
}

/* Those that were under way together have failed once. */
static void test_pause_after_many(void **state) {
        struct groups_request *requests[10];
        struct asker crowd[10];

        for (unsigned i = 0; i < ARRAY_SIZE(crowd); i++) {
                crowd[i] = (struct asker){};
                waiter_init(&crowd[i].waiter.waiter);
                assert_int_equal(ask_status(&crowd[i], i), -EINPROGRESS);
                requests[i] = asked;
        }
        for (unsigned i = 0; i < ARRAY_SIZE(crowd); i++) {
                asked = requests[i];
                service_refuses(AGENT_ERROR_UNAVAILABLE);
                assert_told(&crowd[i], AGENT_ERROR_UNAVAILABLE);
                fault_deinit(&crowd[i].fault);
        }
        assert_pause(1, 2);
}

/* The service failed, not the question: another one for the same profile is not asked either. */
static void test_pause_is_the_profiles(void **state) {
        assert_int_equal(ask(a), -EINPROGRESS);
        assert_int_equal(ask_for(b, "default", STRV("invited"), 0), -EINPROGRESS);
        service_refuses(AGENT_ERROR_UNAVAILABLE);
        assert_told(b, AGENT_ERROR_UNAVAILABLE);
        assert_true(b->fault.retry_at > 0);
        assert_int_equal(ask_for(b, "default", STRV("pending"), 0), AGENT_ERROR_UNAVAILABLE);
        assert_int_equal(ask_for(c, "other", NULL, 0), -EINPROGRESS);
        service_answers("[2]");

        membership_drop(membership, "other");
        assert_int_equal(ask_for(b, "default", NULL, 0), -EINPROGRESS); /* the flight of before */
        membership_drop(membership, "default"); /* another login, another chance */
        assert_int_equal(ask_for(b, "default", NULL, 0), -EINPROGRESS);
}

static void test_retry_after(void **state) {
        assert_int_equal(ask(a), -EINPROGRESS);
        service_refuses_until(fake_unix + 120);
        assert_int_equal(a->fault.retry_at, fake_unix + 120);
        assert_pause(120, 120);
        service_refuses_until(fake_unix + 100 * 24 * 3600); /* not believed */
        assert_int_equal(a->fault.retry_at, fake_unix + 3600);
        assert_pause(3600, 3600);
}

/* A listing that is young enough is no error. */
static void test_known_meanwhile(void **state) {
        assert_int_equal(ask(a), -EINPROGRESS);
        service_answers("[1]");
        assert_int_equal(ask(a), -EINPROGRESS);
        service_refuses_until(fake_unix + 120);
        assert_int_equal(ask(a), AGENT_ERROR_UNAVAILABLE);
        assert_int_equal(ask_for(a, "default", NULL, 60), 0);
        assert_non_null(strstr(a->reply, "[1]"));
}

/* What Globus Groups demands is said again without asking it again. */
static void test_login_needed_meanwhile(void **state) {
        assert_int_equal(ask(a), -EINPROGRESS);
        service_refuses_as(AGENT_ERROR_LOGIN_NEEDED, fake_unix + 60);
        assert_told(a, AGENT_ERROR_LOGIN_NEEDED);
        assert_int_equal(ask(b), AGENT_ERROR_LOGIN_NEEDED);
        assert_string_equal(b->fault.profile, "default");
        assert_int_equal(n_asked, 1);
        membership_drop(membership, "default");
        assert_int_equal(ask(b), -EINPROGRESS);
}

/* Another daemon has had the login. */
static void test_login_elsewhere_meanwhile(void **state) {
        assert_int_equal(ask(a), -EINPROGRESS);
        service_refuses_as(AGENT_ERROR_LOGIN_NEEDED, fake_unix + 3600);
        assert_int_equal(ask(a), AGENT_ERROR_LOGIN_NEEDED);

        assert_int_equal(log_in(vault, "default", "ada", GROUPS, "another"), 0);
        membership_drop_orphans(membership);
        assert_int_equal(ask(a), -EINPROGRESS);
        service_refuses(AGENT_ERROR_UNAVAILABLE);
        assert_pause(1, 2);
}

/* A token that is refused whatever is done costs one refresh and one replay, and then a pause. */
static void test_rejected_without_end(void **state) {
        unsigned before = 0;

        for (unsigned i = 0; i < 100; i++) {
                if (ask(a) != -EINPROGRESS)
                        continue;
                service_refuses(-EKEYREJECTED);
                service_refuses(-EKEYREJECTED);
                assert_told(a, AGENT_ERROR_UNAVAILABLE);
                assert_true(n_asked == before + 2);
                before = n_asked;
        }
        assert_int_equal(n_asked, 2 * 2); /* a minute is as often as there may be another token */
}

/* Without a question there is nothing to be spared. */
static void test_no_token_is_no_outage(void **state) {
        struct fault fault = {};

        provided = AGENT_ERROR_UNAVAILABLE;
        assert_int_equal(ask(a), AGENT_ERROR_UNAVAILABLE);
        provided = -EINPROGRESS;
        assert_int_equal(ask(a), -EINPROGRESS);
        (void)fault_set(&fault, AGENT_ERROR_UNAVAILABLE, "no token");
        token_arrives(&fault);
        assert_told(a, AGENT_ERROR_UNAVAILABLE);
        fault_deinit(&fault);
        provided = 0;
        assert_int_equal(ask_for(a, "default", NULL, 0), -EINPROGRESS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_most_listings),
                TEST(test_most_failures),
                TEST(test_all_flying),
                TEST(test_most_bytes),
                TEST(test_most_bytes_flying),
                TEST(test_most_bytes_just_come),
                TEST(test_pauses_grow),
                TEST(test_pause_after_many),
                TEST(test_pause_is_the_profiles),
                TEST(test_retry_after),
                TEST(test_known_meanwhile),
                TEST(test_login_needed_meanwhile),
                TEST(test_login_elsewhere_meanwhile),
                TEST(test_rejected_without_end),
                TEST(test_no_token_is_no_outage),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
