#pragma once

/*
 * Fd store: secrets that outlive the process: sealed memory files that the service manager holds for it
 * (systemd.service(5), FileDescriptorStoreMax=). They come back at the next start, also after a crash, and end
 * when the service is stopped.
 *
 * A secret that is put again is sent before the old one is given up, so that there is always one. The newest of
 * a name counts. What is given up is emptied here: it is gone even if the manager never hears of it. A manager
 * that is slow to listen keeps nobody waiting; it is told from the loop. It does not say what it refuses.
 */

#include <systemd/sd-event.h>

#include "proto/buffer.h"
#include "proto/macro.h"
#include "proto/secret.h"

struct fd_store;

#define FD_STORE_SIZE_MAX ((size_t)64 * 1024 * 1024)

int fd_store_new(struct fd_store **ret, sd_event *event);

/* What the manager holds stays there. */
struct fd_store *fd_store_free(struct fd_store *store);

/* A descriptor that the manager passed by this name: taken over if it is what fd_store_put() of a forerunner
 * sent. -EINVAL: it is not. On failure it stays the caller's. */
int fd_store_adopt(struct fd_store *store, int fd, const char *passed_name);

/* name: lower case letters and dashes. data: 1 .. FD_STORE_SIZE_MAX bytes, else -EINVAL. -ENOENT: there is no
 * service manager. On failure nothing has changed. */
int fd_store_put(struct fd_store *store, const char *name, struct bytes data);

/* The newest of this name, read anew each time. -ENOENT: none. */
int fd_store_get(const struct fd_store *store, const char *name, struct secret **ret);

/* From now on nobody gets it. */
void fd_store_forget(struct fd_store *store, const char *name);

DEFINE_CLEANUP(struct fd_store, fd_store_free);
