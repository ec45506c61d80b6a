#pragma once

/* Clock: the only way time enters the daemon; tests bring their own. */

#include <stdint.h>

/* CLOCK_BOOTTIME in microseconds: counts suspend, ignores steps of the wall clock. All deadlines inside are of
 * it. */
uint64_t clock_boottime_usec(void);

/* How long the machine has been suspended since boot, in all. */
uint64_t clock_asleep_usec(void);

/* Unix time in microseconds, for disk and wire only. */
uint64_t clock_realtime_usec(void);

/* The first Unix second that is not before a CLOCK_BOOTTIME instant: who comes then is not too early. */
int64_t clock_to_unix_up(uint64_t boottime_usec);

/* Unix seconds (the nearest) of a CLOCK_BOOTTIME instant, and back; the same wall clock and instant in one
 * call. */
int64_t clock_to_unix(uint64_t boottime_usec);
uint64_t clock_from_unix(int64_t unix_seconds); /* 0 for an instant before boot; saturates */
