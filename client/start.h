#pragma once

/*
 * Start: a connection to the agent, starting one if there is none.
 *
 * Connect; else have the user's service manager start the socket unit; else start a daemon ourselves.
 */

#include "client/command.h"
#include "proto/client.h"
#include "proto/fault.h"

/* On failure the fault says why and what to do. -ENOTCONN: nobody listens, and none was to be started. */
int start_connect(struct client **ret, const struct globals *globals, uint64_t deadline_usec,
                  struct fault *fault);
