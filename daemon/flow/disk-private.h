#pragma once

/* Disk, between its files: what is wrong in words, and the lock file. */

#include <unistd.h>

#include "daemon/flow/disk.h"

#define START_ANEW "run 'globus-agentctl logout --all' to move the store aside and log in again"

static inline void disk_closep(int *fd) {
        if (*fd >= 0)
                close(*fd);
}

/* What went wrong with a file, and how to go on. name NULL: the directory itself. */
int disk_fault(struct fault *fault, int r, const char *dir, const char *name);

/* Opens a directory, but makes none. */
int disk_open_existing_dir(int *ret, const char *path);

/* The lock of a commit. *ret is a descriptor, unlocked when closed; -1 where the file system has no locks.
 * -EAGAIN: another process has it; the fault says so. */
int disk_lock(int *ret, const struct disk_paths *paths, int state_fd, uint64_t patience_usec,
              struct fault *fault);
