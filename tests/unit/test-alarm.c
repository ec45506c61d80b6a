/* A timer that is set, moved and switched off. Instants are of the past or far away, so nothing waits. */

#include "tests/unit/unit.h"

#include <stdio.h>
#include <time.h>

#include "daemon/base/clock.h"
#include "daemon/flow/alarm.h"

#define HOUR_USEC (3600 * USEC_PER_SEC)

static sd_event *event;
static struct alarm *alarm_clock;
static unsigned n_rung;

static void on_ring(void *userdata) {
        assert_ptr_equal(userdata, &n_rung);
        n_rung++;
}

static int set_up(void **state) {
        n_rung = 0;
        assert_true(sd_event_new(&event) >= 0);
        return alarm_new(&alarm_clock, event, 1, on_ring, &n_rung);
}

static int tear_down(void **state) {
        alarm_clock = alarm_free(alarm_clock);
        event = sd_event_unref(event);
        return 0;
}

/* Whatever is due now, and no more. */
static void loop(void) {
        for (unsigned i = 0; i < 10; i++)
                assert_true(sd_event_run(event, 0) >= 0);
}

static void test_off_at_first(void **state) {
        loop();
        assert_int_equal(n_rung, 0);
}

static void test_rings_once(void **state) {
        alarm_set(alarm_clock, clock_boottime_usec());
        assert_int_equal(n_rung, 0); /* from the loop */
        assert_true(sd_event_run(event, 10 * USEC_PER_SEC) > 0);
        loop();
        assert_int_equal(n_rung, 1);

        alarm_set(alarm_clock, 0); /* long past */
        assert_int_equal(n_rung, 1);
        assert_true(sd_event_run(event, 10 * USEC_PER_SEC) > 0);
        loop();
        assert_int_equal(n_rung, 2);
}

static void test_moves(void **state) {
        alarm_set(alarm_clock, 0);
        alarm_set(alarm_clock, clock_boottime_usec() + HOUR_USEC);
        loop();
        assert_int_equal(n_rung, 0);
        alarm_set(alarm_clock, 0);
        assert_true(sd_event_run(event, 10 * USEC_PER_SEC) > 0);
        assert_int_equal(n_rung, 1);
}

/* The clock of the timer that expires in an hour, as the kernel has it (proc(5)); -1: there is none. */
static int clock_of_the_timer(void) {
        for (int fd = 0; fd < 64; fd++) {
                char path[64], line[128];
                int clock = -1, seconds = 0;
                FILE *info;

                snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
                info = fopen(path, "re");
                while (info && fgets(line, sizeof(line), info)) {
                        (void)sscanf(line, "clockid: %d", &clock);
                        (void)sscanf(line, "it_value: (%d,", &seconds);
                }
                if (info)
                        fclose(info);
                if (clock >= 0 && seconds > 3000)
                        return clock;
        }

        return -1;
}

static void test_counts_sleep(void **state) {
        alarm_set(alarm_clock, clock_boottime_usec() + HOUR_USEC);
        loop();
        assert_int_equal(clock_of_the_timer(), CLOCK_BOOTTIME);
}

static void test_switched_off(void **state) {
        alarm_set(alarm_clock, 0);
        alarm_set(alarm_clock, USEC_INFINITY);
        loop();
        assert_int_equal(n_rung, 0);
}

static void test_freed(void **state) {
        alarm_set(alarm_clock, 0);
        alarm_clock = alarm_free(alarm_clock);
        loop();
        assert_int_equal(n_rung, 0);
        assert_null(alarm_free(NULL));
}

static void free_it(void *userdata) {
        n_rung++;
        alarm_clock = alarm_free(alarm_clock);
}

static void test_frees_itself(void **state) {
        alarm_free(alarm_clock);
        assert_int_equal(alarm_new(&alarm_clock, event, 1, free_it, NULL), 0);
        alarm_set(alarm_clock, 0);
        assert_true(sd_event_run(event, 10 * USEC_PER_SEC) > 0);
        loop();
        assert_int_equal(n_rung, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_off_at_first), TEST(test_rings_once), TEST(test_moves),
                TEST(test_switched_off), TEST(test_freed),      TEST(test_frees_itself),
                TEST(test_counts_sleep),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
