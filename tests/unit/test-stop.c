/* What keeps the end waiting, and for how long. */

#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>

#include "daemon/stop.h"
#include "tests/unit/fake-alarm.h"

static sd_event *event;
static struct stop *stop;
static bool busy, vital;
static unsigned n_begun, n_ended;

static bool is_busy(void *userdata) {
        return busy;
}

static bool is_vital(void *userdata) {
        return vital;
}

static void on_begun(void *userdata) {
        n_begun++;
}

static bool has_ended(void) {
        int code;

        return sd_event_get_exit_code(event, &code) >= 0;
}

static void on_ended(void *userdata) {
        assert_false(has_ended()); /* the loop is still whole */
        n_ended++;
}

static int set_up(void **state) {
        sigset_t signals;

        sigemptyset(&signals);
        sigaddset(&signals, SIGTERM);
        sigaddset(&signals, SIGINT);
        assert_int_equal(sigprocmask(SIG_BLOCK, &signals, NULL), 0);
        assert_int_equal(sd_event_new(&event), 0);
        assert_int_equal(stop_new(&stop,
                                  &(struct stop_deps){
                                          .event = event,
                                          .is_busy = is_busy,
                                          .is_vital = is_vital,
                                          .begun = on_begun,
                                          .ended = on_ended,
                                  }),
                         0);
        busy = vital = false;
        n_begun = n_ended = 0;
        return 0;
}

static int tear_down(void **state) {
        stop = stop_free(stop);
        event = sd_event_unref(event);
        return 0;
}

static int on_event(sd_event_source *source, void *userdata) {
        return 0;
}

/* Something happens. */
static void turn(void) {
        sd_event_source *source = NULL;

        assert_true(sd_event_add_defer(event, &source, on_event, NULL) >= 0);
        assert_true(sd_event_run(event, 0) >= 0);
        sd_event_source_unref(source);
}

static void test_idle(void **state) {
        assert_false(stop_has_begun(stop));
        stop_begin(stop);
        assert_true(stop_has_begun(stop));
        assert_true(has_ended());
        stop_begin(stop);
        assert_int_equal(n_begun, 1);
        assert_int_equal(n_ended, 1);
}

static void test_signal(void **state) {
        static const int signals[] = {SIGTERM, SIGINT};

        for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
                assert_int_equal(raise(signals[i]), 0);
                assert_true(sd_event_run(event, 0) > 0);
                assert_true(has_ended());
                tear_down(state);
                set_up(state);
        }
}

static void test_busy(void **state) {
        busy = true;
        stop_begin(stop);
        turn();
        assert_false(has_ended());
        assert_int_equal(n_ended, 0);
        busy = false;
        turn();
        assert_true(has_ended());
        assert_int_equal(n_ended, 1);
}

static void test_busy_for_long(void **state) {
        busy = true;
        stop_begin(stop);
        pass(4);
        assert_false(has_ended());
        pass(1);
        assert_true(has_ended());
}

static void test_vital(void **state) {
        busy = vital = true;
        stop_begin(stop);
        pass(29);
        turn();
        assert_false(has_ended());
        vital = false; /* what is merely busy has had its time */
        turn();
        assert_true(has_ended());
}

static void test_vital_for_long(void **state) {
        busy = vital = true;
        stop_begin(stop);
        pass(29);
        assert_false(has_ended());
        pass(1);
        assert_true(has_ended());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_idle),          TEST(test_signal), TEST(test_busy),
                TEST(test_busy_for_long), TEST(test_vital),  TEST(test_vital_for_long),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
