/* One timer for whatever is due next. */

#include "tests/unit/unit.h"

#include "daemon/base/clock-watch.h"
#include "daemon/flow/schedule.h"
#include "tests/unit/fake-alarm.h"
#include "tests/unit/logins.h"

/* The neighbour: a refresh that remembers what it was told to start. */

static uint64_t flying[32];
static unsigned n_asked, n_started;
static unsigned n_others; /* flights of grants that are not the test's */
static bool can_start;

bool refresh_is_flying(const struct refresh *refresh, uint64_t grant_id) {
        for (size_t i = 0; i < ARRAY_SIZE(flying); i++)
                if (flying[i] == grant_id)
                        return true;

        return false;
}

size_t refresh_count(const struct refresh *refresh) {
        return n_others + n_started;
}

void refresh_start(struct refresh *refresh, uint64_t grant_id) {
        n_asked++;
        if (can_start && !refresh_is_flying(refresh, grant_id))
                flying[n_started++] = grant_id;
}

/* The other one: a wall clock that is set by hand. */

static clock_watch_fn clock_was_set;
static void *clock_was_set_userdata;

int clock_watch_new(struct clock_watch **ret, sd_event *event, clock_watch_fn set, void *userdata) {
        clock_was_set = set;
        clock_was_set_userdata = userdata;
        return 0;
}

struct clock_watch *clock_watch_free(struct clock_watch *watch) {
        return NULL;
}

static struct vault *vault;
static struct schedule *schedule;

static int set_up(void **state) {
        memset(flying, 0, sizeof(flying));
        n_asked = n_started = n_others = 0;
        can_start = true;
        assert_int_equal(vault_new(&vault), 0);
        return schedule_new(&schedule, NULL, vault, NULL);
}

static int tear_down(void **state) {
        schedule = schedule_free(schedule);
        vault = vault_free(vault);
        return 0;
}

/* A grant whose refresh is due in so many seconds. */
static struct grant *add_due(const char *profile, const char *server, uint64_t seconds) {
        struct grant *grant;

        assert_int_equal(log_in(vault, profile, "ada", server, "access"), 0);
        grant = get_grant(vault, profile, server);
        grant->used_at = fake_unix;
        grant->token.refresh_usec = fake_boottime + seconds * USEC_PER_SEC;
        return grant;
}

static void test_nothing(void **state) {
        schedule_update(schedule);
        assert_int_equal(fake_alarm_in(), -1);
}

static void test_the_next_one(void **state) {
        const struct grant *second = add_due("default", GROUPS, 300), *first = add_due("other", GROUPS, 100),
                           *last = add_due("default", TRANSFER, 500);

        schedule_update(schedule);
        assert_int_equal(fake_alarm_in(), 100);
        pass(99);
        assert_int_equal(n_started, 0);
        pass(1);
        assert_int_equal(n_started, 1);
        assert_true(flying[0] == first->id);
        assert_int_equal(fake_alarm_in(), 200); /* set anew at once */
        pass(200);
        assert_int_equal(n_started, 2);
        assert_true(flying[1] == second->id);
        pass(200);
        assert_true(flying[2] == last->id);
        assert_int_equal(fake_alarm_in(), -1); /* while all fly */
        assert_int_equal(n_started, 3);
}

static void test_overdue(void **state) {
        (void)add_due("default", GROUPS, 10);
        (void)add_due("default", TRANSFER, 20);
        fake_sleep(7 * 3600); /* the machine was asleep */
        schedule_update(schedule);
        assert_int_equal(n_started, 2);
        schedule_update(schedule);
        assert_int_equal(n_started, 2);
}

/* A few at a time, and none beside as many that others wait for. */
static void test_crowd(void **state) {
        char profile[] = "a";

        for (; profile[0] < 'u'; profile[0]++)
                (void)add_due(profile, GROUPS, 10);
        fake_sleep(10);
        n_others = 3;
        schedule_update(schedule);
        assert_int_equal(n_started, SCHEDULE_FLIGHTS - 3);
        assert_int_equal(fake_alarm_in(), -1); /* whatever lands says so */

        n_others = 40;
        schedule_update(schedule);
        assert_int_equal(n_started, SCHEDULE_FLIGHTS - 3);
        n_others = 0;
        schedule_update(schedule);
        assert_int_equal(n_started, SCHEDULE_FLIGHTS);
}

/* One that cannot even begin, for want of memory, say, is neither forgotten nor begun in a loop. */
static void test_cannot_start(void **state) {
        (void)add_due("default", GROUPS, 10);
        can_start = false;
        fake_sleep(10);
        schedule_update(schedule);
        assert_int_equal(n_asked, 1);
        assert_int_equal(fake_alarm_in(), 60);
        pass(59);
        assert_int_equal(n_asked, 1);
        can_start = true;
        pass(1);
        assert_int_equal(n_started, 1);
        assert_int_equal(fake_alarm_in(), -1);
}

static void test_changes(void **state) {
        struct grant *grant = add_due("default", GROUPS, 100);

        schedule_update(schedule);
        grant->token.refresh_usec = fake_boottime + 50 * USEC_PER_SEC;
        schedule_update(schedule);
        assert_int_equal(fake_alarm_in(), 50);
        grant->tries.failures = 1;
        grant->tries.retry_usec = fake_boottime + 80 * USEC_PER_SEC; /* no sooner */
        schedule_update(schedule);
        assert_int_equal(fake_alarm_in(), 80);

        assert_int_equal(vault_set_grant_state(vault, grant->id, GRANT_DEAD, "ended"), 0);
        schedule_update(schedule);
        assert_int_equal(fake_alarm_in(), -1);
        assert_int_equal(n_started, 0);
}

/* What came from the disk is due by the clock as it is now. */
static void test_clock_set(void **state) {
        struct grant *grant = add_due("default", GROUPS, 100);

        grant->restored = (struct grant_restored){fake_boottime, fake_unix, fake_unix + 100 * 3600};
        schedule_update(schedule);
        assert_int_equal(fake_alarm_in(), 100);

        fake_unix += 90 * 3600;
        clock_was_set(clock_was_set_userdata);
        assert_in_range(fake_alarm_in(), 10 * 3600 - 4500, 10 * 3600 - 3600);
        fake_unix += 20 * 3600;
        clock_was_set(clock_was_set_userdata);
        assert_int_equal(n_started, 1);
}

/* What was idle is kept fresh again from its next use on. */
static void test_use(void **state) {
        struct grant *grant = add_due("default", GROUPS, 300);

        grant->used_at = fake_unix - (GRANT_IDLE_DAYS + 1) * 24 * 3600;
        schedule_update(schedule);
        assert_true(fake_alarm_in() > 300);
        schedule_use(schedule, grant);
        assert_int_equal(grant->used_at, fake_unix);
        assert_int_equal(fake_alarm_in(), 300);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_nothing), TEST(test_the_next_one), TEST(test_use),       TEST(test_overdue),
                TEST(test_changes), TEST(test_cannot_start), TEST(test_clock_set), TEST(test_crowd),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
