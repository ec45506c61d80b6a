#pragma once

/* Refresh, between its two files: when a grant is tried again, and what those who wait are told meanwhile. */

#include "daemon/flow/refresh.h"

/* How long after a failed try: exponential with full jitter, but never before the server wants it. */
uint64_t refresh_pause_usec(const struct grant_tries *tries, const struct fault *fault);

/* LoginNeeded for the grant's profile and server, in words. reason: dead, client, expired. */
void refresh_need_login(const struct grant *grant, const char *reason, struct fault *fault);

/* Unavailable, with what the last try came to and the time of the next. */
void refresh_unavailable(const struct grant *grant, struct fault *fault);
