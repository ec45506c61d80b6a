/* How many listings of how many bytes are kept, and how many are fetched at once. */

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

/* What is being fetched anew gives up what was known. */
static void test_most_bytes_flying(void **state) {
        _cleanup_(freep) char *large = make_large();

        for (unsigned i = 0; i < 4; i++)
                get_status(i, large);
        assert_int_equal(ask_for(a, "default", STRV("s0"), 0), -EINPROGRESS);
        for (unsigned i = 1; i < 4; i++)
                assert_int_equal(ask_status(b, i), 0);
        assert_int_equal(ask_for(b, "default", STRV("s0"), 3600), 0); /* who is content with it does not wait */
        assert_int_equal(ask_status(b, 4), -EINPROGRESS);
        service_answers(large);
        assert_told(b, 0);
        assert_int_equal(ask_status(b, 4), 0);
        assert_int_equal(ask_status(b, 0), 0);
        assert_int_equal(ask_status(c, 1), -EINPROGRESS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_most_listings),
                TEST(test_all_flying),
                TEST(test_most_bytes),
                TEST(test_most_bytes_flying),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
