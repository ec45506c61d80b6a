#pragma once

/* Disk, between its files: what is wrong in words, the lock file, keys. */

#include <errno.h>
#include <unistd.h>

#include "daemon/flow/disk.h"

#define STORE_FILE "store"
#define KEY_FILE "key"
#define NEXT_KEY_FILE "key.new" /* of a store that is about to be written, or just was */

/* What systemd-creds knows a data key by. */
#define DISK_CREDENTIAL "globus-agent"

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

/* Of all grants, by the descriptor of a commit's: until it is closed, nobody refreshes one. -EAGAIN: somebody
 * does, this agent or another. */
int disk_lock_grants(int lock_fd, const struct disk_paths *paths, uint64_t patience_usec, struct fault *fault);

/* Whether the file itself is at fault, rather than the disk or the machine. */
static inline bool disk_blames_file(int r) {
        return r == -EPERM || r == -EACCES || r == -ELOOP || r == -EFBIG || r == -EBADMSG;
}

/* -ENOENT: no key file. -EBADMSG: no key in it. */
int disk_read_key(struct secret **ret, int config_fd, const char *name);

/* Two daemons may begin at once: the first one's key is everybody's. */
int disk_read_or_make_key(struct secret **ret, int config_fd);

/* Beside the one of now, which opens the store until a new one is written; and puts it in the place of that. */
int disk_make_next_key(struct secret **ret, int config_fd);
int disk_put_next_key(const struct disk_paths *paths, struct fault *fault);

int disk_key_fault(struct fault *fault, int r, const struct disk_paths *paths);

/* As disk_load(), once: under the lock there is no need for more. */
int disk_read_store(struct disk_look *look, const struct disk_paths *paths, int state_fd, struct fault *fault);

/* Sets store->data_key. Faults as disk_load(). */
int disk_unwrap(struct store *store, struct disk_look *look, const struct disk_paths *paths,
                struct fault *fault);

/* Of a store that is kept in memory the file holds nothing: the contents are those of the image, if that
 * belongs to it. */
int disk_open_image(struct store **store, struct disk_look *look, struct fault *fault);

/* Wraps store->data_key as the commit wishes. is_new: there is no store yet, so that a key file that is there
 * already may be as well another daemon's; else the one of now still opens what is on disk. */
int disk_protect(struct store *store, const struct disk_commit *commit, const struct disk_paths *paths,
                 bool is_new, struct fault *fault);

/* After the store was written with a new protection: the key file is the one that it needs, or is gone. */
void disk_settle_key(const struct store *store, const struct disk_paths *paths);
