#pragma once

/*
 * Disk: the store's file and its key file, read and changed. Blocks: for jobs of the worker.
 *
 * STATE/store and STATE/lock; CONFIG/key. A commit applies changes under a lock to what is on disk at that
 * moment, so a second daemon on the same home loses nothing. Nothing that cannot be read is ever written over.
 * Where the file system has no locks, files are whole all the same.
 */

#include "daemon/model/store.h"
#include "daemon/model/uuid.h"
#include "proto/fault.h"

struct disk_paths {
        char *state_dir; /* $XDG_STATE_HOME/globus-agent */
        char *config_dir; /* $XDG_CONFIG_HOME/globus-agent, which holds the key file */
};

/* From the environment and the user's home. -ENOENT: no home directory is known. */
int disk_paths_init(struct disk_paths *ret);
int disk_paths_copy(struct disk_paths *ret, const struct disk_paths *paths);
void disk_paths_deinit(struct disk_paths *paths);

/* *ret is NULL where there is no store. -EALREADY: it is of the version known, which may be NULL.
 * AGENT_ERROR_STORAGE_FAILED, the fault one sentence that says what is wrong with which file and how to go on;
 * *ret_unreadable then tells a store that is there but cannot be read (true) from a directory or disk that
 * fails (false). */
int disk_load(struct store **ret, const struct disk_paths *paths, const struct store_version *known,
              bool *ret_unreadable, struct fault *fault);

/* Changes on their way to the disk, and what came of it. */
struct disk_commit {
        struct list changes; /* change.link; stay the caller's */
        struct store_version known; /* what memory is a cache of; none: nothing has been on disk */
        struct store *store; /* what is on disk now; NULL: nothing, and if one was known, nothing was written */
        bool unlocked; /* the file system has no locks: another daemon's change may be lost */
};

/* Makes directories, key file and store at the first change. Faults as above; -EAGAIN: with one that says that
 * another process is at it. */
int disk_commit(struct disk_commit *commit, const struct disk_paths *paths, struct fault *fault);

/* Locks a grant for the length of its refresh. *ret is a descriptor that unlocks when closed; -1 where the file
 * system has no locks. -EAGAIN: another daemon has it, and there is no fault. Else a fault as above. */
int disk_claim(int *ret, const struct disk_paths *paths, const unsigned char uuid[static UUID_SIZE],
               struct fault *fault);

/* Renames a store that cannot be read; *ret is its new path, NULL if there was none. */
int disk_move_aside(char **ret, const struct disk_paths *paths, struct fault *fault);
