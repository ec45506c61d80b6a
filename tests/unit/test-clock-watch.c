/* The wall clock was set: noticed, ahead of all else, again and again. Setting it here would harm the machine:
 * where it is not just looked at how the timer was set, one that soon expires stands for one that is
 * cancelled. */

#include "tests/unit/unit.h"

#include <poll.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/clock-watch.h"

static bool soon; /* the timers that are set expire */
static unsigned n_armed, n_set, n_other;
static int armed_flags, armed_fd;

int timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old) {
        const struct itimerspec a_moment = {.it_value.tv_nsec = 1};

        if (fd == armed_fd || armed_fd < 0) {
                armed_fd = fd;
                armed_flags = flags;
                n_armed++;
        }

        return (int)syscall(SYS_timerfd_settime, fd, soon ? 0 : flags, soon ? &a_moment : new, old);
}

static sd_event *event;
static struct clock_watch *watch;

static void on_set(void *userdata) {
        assert_ptr_equal(userdata, &n_set);
        assert_int_equal(n_other, 0);
        n_set++;
}

static int on_other(sd_event_source *source, void *userdata) {
        n_other++;
        return 0;
}

static int set_up(void **state) {
        soon = false;
        n_armed = n_set = n_other = 0;
        armed_fd = -1;
        return sd_event_new(&event) < 0;
}

static int tear_down(void **state) {
        watch = clock_watch_free(watch);
        event = sd_event_unref(event);
        return 0;
}

static void test_timer_is_cancelled_by_a_step(void **state) {
        char path[64], line[128];
        bool realtime = false, flags = false;
        FILE *info;

        assert_int_equal(clock_watch_new(&watch, event, on_set, &n_set), 0);
        assert_int_equal(n_armed, 1);
        assert_int_equal(armed_flags, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);

        snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", armed_fd);
        info = fopen(path, "re");
        assert_non_null(info);
        while (fgets(line, sizeof(line), info)) {
                realtime = realtime || streq(line, "clockid: 0\n");
                flags = flags || streq(line, "settime flags: 03\n");
        }
        fclose(info);
        assert_true(realtime && flags);

        for (unsigned i = 0; i < 10; i++)
                assert_true(sd_event_run(event, 0) >= 0);
        assert_int_equal(n_set, 0); /* nobody sets the clock */
}

static void test_told_each_time(void **state) {
        soon = true;
        assert_int_equal(clock_watch_new(&watch, event, on_set, &n_set), 0);
        for (unsigned i = 1; i <= 3; i++) {
                assert_true(sd_event_run(event, 10 * USEC_PER_SEC) > 0);
                assert_int_equal(n_set, i);
                assert_int_equal(n_armed, i + 1);
        }
}

static void test_told_first(void **state) {
        struct pollfd pollfd = {.events = POLLIN};
        sd_event_source *other;

        assert_true(sd_event_add_defer(event, &other, on_other, NULL) >= 0);
        soon = true;
        assert_int_equal(clock_watch_new(&watch, event, on_set, &n_set), 0);
        soon = false;
        pollfd.fd = armed_fd;
        assert_int_equal(poll(&pollfd, 1, 10000), 1); /* both are ready */
        while (n_other == 0)
                assert_true(sd_event_run(event, 10 * USEC_PER_SEC) > 0);
        assert_int_equal(n_set, 1);
        sd_event_source_unref(other);
}

static void test_ended(void **state) {
        soon = true;
        assert_int_equal(clock_watch_new(&watch, event, on_set, &n_set), 0);
        watch = clock_watch_free(watch);
        assert_int_equal(sd_event_run(event, 10 * USEC_PER_MSEC), 0);
        assert_int_equal(n_set, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_timer_is_cancelled_by_a_step),
                TEST(test_told_each_time),
                TEST(test_told_first),
                TEST(test_ended),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
