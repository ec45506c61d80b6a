#pragma once

/*
 * Notify: messages to the service manager (sd_notify(3)) that do not wait, and may carry a descriptor.
 *
 * libsystemd's wait for a manager that is slow to listen.
 */

#include "proto/macro.h"

/* Whether there is a manager that wants to hear. */
bool notify_is_wanted(void);

/* A socket to it; -ENOENT: there is none. One for each occasion: the manager may listen elsewhere after it was
 * updated. Writable when there is room for another message. */
int notify_connect(int *ret);

/* Lines NAME=VALUE. fd goes along; -1: none. -EAGAIN: no room. */
int notify_send(int socket_fd, const char *text, int fd);
