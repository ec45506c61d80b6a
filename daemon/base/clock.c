#include "daemon/base/clock.h"

#include <time.h>

#include "proto/macro.h"

static uint64_t read_usec(clockid_t id) {
        struct timespec ts;

        clock_gettime(id, &ts); /* cannot fail for a clock that exists */
        return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t clock_boottime_usec(void) {
        return read_usec(CLOCK_BOOTTIME);
}

uint64_t clock_asleep_usec(void) {
        uint64_t awake_usec = read_usec(CLOCK_MONOTONIC);

        return clock_boottime_usec() - awake_usec;
}

uint64_t clock_realtime_usec(void) {
        return read_usec(CLOCK_REALTIME);
}

/* USEC_INFINITY is the end of time on the wire, too. */
static int64_t rounded(uint64_t usec, uint64_t up_usec) {
        if (usec == USEC_INFINITY)
                return INT64_MAX;

        return (int64_t)(usec / USEC_PER_SEC + (usec % USEC_PER_SEC + up_usec) / USEC_PER_SEC);
}

/* Saturates. */
static uint64_t unix_usec(uint64_t boottime_usec) {
        uint64_t boot_usec = clock_boottime_usec(), now_usec = clock_realtime_usec(), usec;

        if (boottime_usec >= boot_usec) {
                if (__builtin_add_overflow(now_usec, boottime_usec - boot_usec, &usec))
                        return USEC_INFINITY;
        } else if (__builtin_sub_overflow(now_usec, boot_usec - boottime_usec, &usec))
                return 0;

        return usec;
}

int64_t clock_to_unix_up(uint64_t boottime_usec) {
        return rounded(unix_usec(boottime_usec), USEC_PER_SEC - 1);
}

int64_t clock_to_unix(uint64_t boottime_usec) {
        /* To the nearest second: the moment between reading the two clocks must not turn a whole second that
         * came through clock_from_unix() into the one before. */
        return rounded(unix_usec(boottime_usec), USEC_PER_SEC / 2);
}

uint64_t clock_from_unix(int64_t unix_seconds) {
        uint64_t boot_usec = clock_boottime_usec(), now_usec = clock_realtime_usec(), usec;

        if (unix_seconds <= 0)
                return 0;
        if (__builtin_mul_overflow((uint64_t)unix_seconds, USEC_PER_SEC, &usec))
                return USEC_INFINITY;

        if (usec < now_usec)
                return now_usec - usec < boot_usec ? boot_usec - (now_usec - usec) : 0;

        return __builtin_add_overflow(boot_usec, usec - now_usec, &usec) ? USEC_INFINITY : usec;
}
