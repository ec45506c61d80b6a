#pragma once

/*
 * Address: where the agent's socket lives.
 *
 * Client and daemon compute it alike: the first candidate whose directory exists, or can be made, and is ours
 * with mode 0700. $GLOBUS_AGENT_SOCK; $XDG_RUNTIME_DIR/globus-agent/socket; /run/user/UID/globus-agent/socket;
 * /tmp/globus-agent-UID/socket. A runtime directory that is set but gone does not count.
 */

#include "proto/fault.h"
#include "proto/macro.h"

/* The socket's path, its directory made if missing. explicit_path (of --socket; may be NULL) is the only
 * candidate when given. Fails with a fault that says which directory is wrong and how. */
int address_find(char **ret, const char *explicit_path, struct fault *fault);
