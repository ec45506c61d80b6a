#pragma once

/* A clock that stands still, unless looking at it takes time: it takes the place of daemon/base/clock. Include
 * it in one file of a program. */

#include "daemon/base/clock.h"
#include "proto/macro.h"

static uint64_t fake_boottime = 1000 * USEC_PER_SEC;
static int64_t fake_unix = 1700000000;
static uint64_t fake_look_usec;

uint64_t clock_boottime_usec(void) {
        return fake_boottime += fake_look_usec;
}

uint64_t clock_asleep_usec(void) {
        return 0;
}

uint64_t clock_realtime_usec(void) {
        return (uint64_t)fake_unix * USEC_PER_SEC;
}

int64_t clock_to_unix(uint64_t boottime_usec) {
        return fake_unix + ((int64_t)(boottime_usec / USEC_PER_SEC) - (int64_t)(fake_boottime / USEC_PER_SEC));
}

int64_t clock_to_unix_up(uint64_t boottime_usec) {
        return clock_to_unix(boottime_usec + USEC_PER_SEC - 1);
}

uint64_t clock_from_unix(int64_t unix_seconds) {
        int64_t seconds = unix_seconds - fake_unix + (int64_t)(fake_boottime / USEC_PER_SEC);

        return seconds > 0 ? (uint64_t)seconds * USEC_PER_SEC : 0;
}

static inline void fake_sleep(int64_t seconds) {
        fake_boottime += (uint64_t)seconds * USEC_PER_SEC;
        fake_unix += seconds;
}
