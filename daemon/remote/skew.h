#pragma once

/*
 * Skew: how far our wall clock is from that of Globus, by the Date header (RFC 9110 section 6.6.1) of its
 * latest answer. What is kept is when Globus's clock began at our boot, so that setting ours right shows at
 * once.
 */

#include <stdbool.h>
#include <stdint.h>

enum { SKEW_SECONDS_MIN = 300 }; /* less is the network's, or no trouble */

struct skew {
        bool known;
        int64_t boot_usec; /* when CLOCK_BOOTTIME was 0, by the clock of Globus: Unix time */
};

/* date: the header's value; what is no date changes nothing. */
void skew_note(struct skew *skew, const char *date);

/* Seconds that Globus is ahead of us, negative: behind us. 0: unknown, or not beyond SKEW_SECONDS_MIN. */
int64_t skew_seconds(const struct skew *skew);
