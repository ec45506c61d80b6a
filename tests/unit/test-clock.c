/* Instants and Unix seconds into each other, without losing one on the way. */

#include "tests/unit/unit.h"

#include <time.h>

#include "daemon/base/clock.h"
#include "proto/macro.h"

static void test_now(void **state) {
        uint64_t before_usec = clock_boottime_usec();
        time_t unix_before = time(NULL);

        assert_true(clock_boottime_usec() >= before_usec);
        assert_true(clock_realtime_usec() / USEC_PER_SEC >= (uint64_t)unix_before);
        assert_true(clock_realtime_usec() / USEC_PER_SEC <= (uint64_t)unix_before + 60);
}

static void test_same_instant(void **state) {
        int64_t seconds = clock_to_unix(clock_boottime_usec()) - (int64_t)time(NULL);

        assert_true(seconds >= -1 && seconds <= 2);
}

static void test_round_trip(void **state) {
        int64_t now = (int64_t)time(NULL);

        for (int64_t ahead = 0; ahead < 200 * 86400; ahead += 86399)
                assert_int_equal(clock_to_unix(clock_from_unix(now + ahead)), now + ahead);
}

/* Of a whole second, give or take the moment between the two clocks. */
static void test_rounding_up(void **state) {
        int64_t ahead = (int64_t)time(NULL) + 1000;
        uint64_t usec = clock_from_unix(ahead);

        assert_int_equal(clock_to_unix_up(usec - USEC_PER_SEC / 4), ahead);
        assert_int_equal(clock_to_unix_up(usec - USEC_PER_SEC * 3 / 4), ahead);
        assert_int_equal(clock_to_unix_up(usec + USEC_PER_SEC / 4), ahead + 1);
        assert_int_equal(clock_to_unix_up(USEC_INFINITY), INT64_MAX);
}

static void test_an_hour_ahead(void **state) {
        uint64_t usec = clock_from_unix((int64_t)time(NULL) + 3600);

        assert_true(usec > clock_boottime_usec() + 3590 * USEC_PER_SEC);
        assert_true(usec < clock_boottime_usec() + 3602 * USEC_PER_SEC);
}

static void test_edges(void **state) {
        assert_int_equal(clock_from_unix(0), 0);
        assert_int_equal(clock_from_unix(-5), 0);
        assert_int_equal(clock_from_unix(INT64_MIN), 0);
        assert_int_equal(clock_from_unix(1), 0); /* before boot */
        assert_true(clock_from_unix(INT64_MAX) == USEC_INFINITY);

        assert_true(clock_to_unix(0) > 0); /* the boot itself */
        assert_true(clock_to_unix(USEC_INFINITY) > (int64_t)time(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_now),        cmocka_unit_test(test_same_instant),
                cmocka_unit_test(test_round_trip), cmocka_unit_test(test_an_hour_ahead),
                cmocka_unit_test(test_edges),      cmocka_unit_test(test_rounding_up),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
