#pragma once

/*
 * Launch: a daemon of one's own where no service manager starts it.
 *
 * Detached: a session of its own, no descriptor of ours, its log in the state directory. Two started at once
 * sort it out themselves by a lock beside the socket.
 */

#include "proto/fault.h"
#include "proto/macro.h"

/* 0: it serves at the socket's absolute path. -ENODATA: it ended instead; *ret_last_words is the last line of
 * its log, where there is one. Other failures come with a fault. */
int launch_daemon(const char *socket_path, uint64_t deadline_usec, char **ret_last_words, struct fault *fault);
