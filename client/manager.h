#pragma once

/* Manager: the user's service manager, if there is one, asked for the agent's socket. */

#include "proto/macro.h"

/* True once globus-agent.socket listens. False without a word, and at once, where no manager runs beside the
 * socket's path, and soon where the unit is not installed. */
bool manager_start_socket(const char *path, uint64_t deadline_usec);
