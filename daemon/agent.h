#pragma once

/*
 * Agent: the whole of it, put together in order and taken apart in the other.
 */

#include "proto/fault.h"
#include "proto/macro.h"

struct agent;

struct agent_options {
        const char *socket; /* NULL: passed by the service manager, else where clients look */
        const char *config_file; /* the user's; NULL: the usual one */
        int ready_fd; /* gets one byte once the agent serves; taken over; -1: none */
};

/* The fault says what is wrong. */
int agent_new(struct agent **ret, const struct agent_options *options, struct fault *fault);

/* Serves until a signal ends it, or, having bound its own socket, until that is no longer at its path. */
int agent_run(struct agent *agent);

/* Saves what is to be saved. -EIO: the disk did not take all of it. -ETIMEDOUT: it hangs, and the process must
 * end by _exit(). */
int agent_stop(struct agent *agent);
struct agent *agent_free(struct agent *agent);

DEFINE_CLEANUP(struct agent, agent_free);
