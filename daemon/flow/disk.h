#pragma once

/*
 * Disk: the store's file and its key file, read and changed. Blocks: for jobs of the worker.
 *
 * STATE/store and STATE/lock; CONFIG/key. A commit applies changes under the lock to what is on disk at that
 * moment, so a second daemon on the same home loses nothing. Nothing that cannot be read is ever written over.
 */

#include "daemon/model/store.h"
#include "proto/fault.h"

struct disk_paths {
        char *state_dir; /* $XDG_STATE_HOME/globus-agent */
        char *config_dir; /* $XDG_CONFIG_HOME/globus-agent, which holds the key file */
};

/* From the environment and the user's home. -ENOENT: no home directory is known. */
int disk_paths_init(struct disk_paths *ret);
int disk_paths_copy(struct disk_paths *ret, const struct disk_paths *paths);
void disk_paths_deinit(struct disk_paths *paths);

/* *ret is NULL where there is no store yet. AGENT_ERROR_STORAGE_FAILED, the fault one sentence that says what
 * is wrong with which file and how to go on; *ret_unreadable then tells a store that is there but cannot be
 * read (true) from a directory or disk that fails (false). */
int disk_load(struct store **ret, const struct disk_paths *paths, bool *ret_unreadable, struct fault *fault);

/* The same for changing it; *ret is what is on disk now. Makes directories, key file and store at the first
 * change. */
int disk_commit(struct store **ret, const struct disk_paths *paths, struct list *changes, struct fault *fault);

/* Renames a store that cannot be read; *ret is its new path, NULL if there was none. */
int disk_move_aside(char **ret, const struct disk_paths *paths, struct fault *fault);
