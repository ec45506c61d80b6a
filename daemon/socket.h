#pragma once

/*
 * Socket: the one the agent listens on: passed by the service manager, or bound at its own path and watched
 * there.
 */

#include <systemd/sd-event.h>

#include "daemon/base/fd-store.h"
#include "proto/fault.h"
#include "proto/macro.h"

struct own_socket;

typedef void (*own_socket_fn)(void *userdata);

struct own_socket_options {
        const char *path; /* NULL: the socket that was passed, else where clients look */
        struct fd_store *store; /* gets what else was passed */
}; /* all borrowed */

/* *ret_fd is the caller's. *ret is NULL for a socket that was passed. */
int own_socket_open(struct own_socket **ret, int *ret_fd, char **ret_path,
                    const struct own_socket_options *options, struct fault *fault);

/* lost is called from the loop when the path leads to another socket, or nowhere. */
int own_socket_watch(struct own_socket *own, sd_event *event, own_socket_fn lost, void *userdata);

/* Removes the socket, if it is still ours, and lets another agent have its place. */
struct own_socket *own_socket_free(struct own_socket *own);

DEFINE_CLEANUP(struct own_socket, own_socket_free);
