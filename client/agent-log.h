#pragma once

/* Agent-log: the file that a daemon started by a client writes to, for want of a journal. */

#include <sys/types.h>

#include "proto/macro.h"

/* $XDG_STATE_HOME/globus-agent/agent.log, opened to append to, close-on-exec; begun anew when it is larger than
 * 1 MiB. -errno if the home is read-only, or the file is not ours. */
int agent_log_open(int *ret_fd);

/* The last line written behind the offset, without the time at its front; *ret is untouched if there is none.
 * */
int agent_log_last_line(char **ret, int fd, off_t offset);
