#pragma once

/* Retry-After: when a server wants to be asked again (RFC 9110 section 10.2.3), in seconds or as a date. */

#include <stdint.h>

/* Seconds from now, at most INT32_MAX; 0: at once, or it makes no sense. A date is reckoned from that of the
 * same answer, whatever our clock says; where date is NULL or senseless, from our clock. */
int64_t retry_after_seconds(const char *value, const char *date);
