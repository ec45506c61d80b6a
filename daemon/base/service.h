#pragma once

/*
 * Service: what the daemon and its service manager tell each other (sd_listen_fds(3), sd_notify(3)).
 *
 * Without a manager every call does nothing and says so by its result.
 */

#include <systemd/sd-event.h>

#include "daemon/base/fd-store.h"
#include "proto/macro.h"

/* The listening socket that was passed by the name "varlink": a descriptor, or -ENOENT for none, or -EINVAL for
 * one that is no listening AF_UNIX stream socket. The store gets what is its; other descriptors that were
 * passed are closed. */
int service_take_passed(struct fd_store *store);

/* Binds and listens at path, mode 0600, holding a lock beside it (path.lock) for as long as the returned lock
 * descriptor lives, so that of two daemons one ends with -EADDRINUSE. A left-over socket nobody serves is
 * replaced; anything else of that name is -EEXIST. Both are non-blocking and closed on exec. */
int service_listen(int *ret_listener, int *ret_lock, const char *path);

/* Ready, reloading, stopping; status is one line for `systemctl status`, may be NULL. */
void service_notify_ready(const char *status);
void service_notify_stopping(void);

/* Pets the manager's watchdog from the loop, if it asked for that; a manager that does not listen keeps nobody
 * waiting. */
int service_watch(sd_event *event);
