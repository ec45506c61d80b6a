/* When a service that failed is asked again, and that callers are told the very second. */

#include "tests/unit/unit.h"

#include <time.h>

#include "daemon/flow/outage.h"
#include "proto/macro.h"

#define UNIX_AT_BOOT UINT64_C(1700000000250000) /* microseconds */

static uint64_t now_usec; /* since boot */

/* Takes the place of the C library's. */
int clock_gettime(clockid_t clock, struct timespec *ts) {
        uint64_t usec = clock == CLOCK_REALTIME ? UNIX_AT_BOOT + now_usec : now_usec;

        *ts = (struct timespec){.tv_sec = (time_t)(usec / USEC_PER_SEC),
                                .tv_nsec = (long)(usec % USEC_PER_SEC) * 1000};
        return 0;
}

static struct list outages = LIST_INIT(outages);

static int tear_down(void **state) {
        outage_end(&outages, NULL);
        return 0;
}

static void note(const char *profile, uint64_t grant_id, struct fault *fault) {
        fault_deinit(fault);
        (void)fault_set(fault, AGENT_ERROR_UNAVAILABLE, "down for maintenance");
        outage_note(&outages, profile, grant_id, fault);
}

static void test_left_alone(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};

        now_usec = 1000 * USEC_PER_SEC;
        assert_null(outage_find(&outages, "default", 1));
        note("default", 1, &fault);
        assert_string_equal(fault_message(outage_find(&outages, "default", 1)), "down for maintenance");
        assert_null(outage_find(&outages, "default", 2)); /* another login */
        assert_null(outage_find(&outages, "other", 1));
        outage_end(&outages, "default");
        assert_null(outage_find(&outages, "default", 1));
}

/* Who comes in the second that was named is not too early, and one before would have been. */
static void test_time_of_the_next_try(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};

        for (unsigned i = 0; i < 1000; i++) {
                uint64_t retry_usec;

                note("default", 1, &fault);
                retry_usec = (uint64_t)fault.retry_at * USEC_PER_SEC - UNIX_AT_BOOT;
                now_usec = retry_usec - USEC_PER_SEC;
                assert_non_null(outage_find(&outages, "default", 1));
                now_usec = retry_usec;
                assert_null(outage_find(&outages, "default", 1));
                now_usec += i * 1001;
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_left_alone, tear_down),
                cmocka_unit_test_teardown(test_time_of_the_next_try, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
