#pragma once

/*
 * Harden: what the process gives up before it touches a secret.
 *
 * The unit asks systemd for the same and more; a daemon started by a client has only this.
 */

#include "proto/macro.h"

/* Keeps only the listed variables of the environment, before any library looks at it (SSLKEYLOGFILE would write
 * TLS keys to a file, MALLOC_TRACE secrets). -ENOMEM. */
int harden_environment(void);

/* Not dumpable, no core file, no new privileges, umask 077, SIGPIPE ignored. Best effort where the kernel
 * refuses. */
void harden_process(void);

/* Raises the soft descriptor limit to the hard one; the limit in force. */
uint64_t harden_descriptor_limit(void);
