#pragma once

/*
 * Disk: the store's file and its key file, read and changed. Blocks: for jobs of the worker.
 *
 * STATE/store and STATE/lock; CONFIG/key. A commit applies changes under a lock to what is on disk at that
 * moment, so a second daemon on the same home loses nothing. Nothing that cannot be read is ever written over.
 * Where the file system has no locks, files are whole all the same.
 */

#include "daemon/base/byte-lock.h"
#include "daemon/model/protector.h"
#include "daemon/model/store.h"
#include "daemon/model/uuid.h"
#include "daemon/model/vault.h"
#include "proto/fault.h"

struct disk_paths {
        char *state_dir; /* $XDG_STATE_HOME/globus-agent */
        char *config_dir; /* $XDG_CONFIG_HOME/globus-agent, which holds the key file */
};

/* From the environment and the user's home. -ENOENT: no home directory is known. */
int disk_paths_init(struct disk_paths *ret);
int disk_paths_copy(struct disk_paths *ret, const struct disk_paths *paths);
void disk_paths_deinit(struct disk_paths *paths);

/* What opens a store, as far as it is known. */
struct disk_keys {
        struct store_key store; /* of the one that was read last */
        struct secret *passphrase; /* that a person gave; may be NULL */
        struct secret *image; /* all there is of a store that is kept in memory; may be NULL */
};

/* What the vault knows. */
int disk_keys_of(struct disk_keys *ret, const struct vault *vault);
void disk_keys_deinit(struct disk_keys *keys);

/* What is to protect a store. */
struct disk_wish {
        bool automatic; /* systemd-creds where it answers and the disk is this machine's, else keyfile */
        enum protector protector; /* unless automatic */
        unsigned permitted; /* by the policy: 1 << protector, each */
};

static inline bool disk_wish_is_memory(const struct disk_wish *wish) {
        return !wish->automatic && wish->protector == PROTECTOR_MEMORY;
}

/* What to run 'globus-agentctl key' with where only these are permitted, which may be none: then NULL. */
const char *disk_advise(unsigned permitted);

/* A look at the store: at what, with what, and what came of it. */
struct disk_look {
        struct store_version known; /* no news; none: every version is */
        struct store_version seen; /* that was read last, whether it opened or not */
        struct disk_keys keys;
        struct store
                *store; /* NULL: there is none. Without a passphrase that it needs: only what protects it */
        bool key_is_next; /* the key file that opened it is not in its place yet */
        bool unreadable; /* it is there, but cannot be read, rather than that a directory or disk fails */
        bool is_stuck; /* neither, but what is to open it does not work, for now */
        bool lock_removed; /* a password that locked it was right: that is off */
        bool stays_locked; /* but not on disk, which refused */
};

void disk_look_deinit(struct disk_look *look);

/* -EALREADY: it is the version known. AGENT_ERROR_STORAGE_FAILED, the fault one sentence that says what is
 * wrong with which file and how to go on. AGENT_ERROR_LOCKED: it needs a passphrase;
 * AGENT_ERROR_WRONG_PASSPHRASE: another one. */
int disk_load(struct disk_look *look, const struct disk_paths *paths, struct fault *fault);

/* The same, but a password that the store was locked with, if this is it, is taken off for good. */
int disk_unlock(struct disk_look *look, const struct disk_paths *paths, struct fault *fault);

enum disk_action {
        DISK_SAVE,
        DISK_PROTECT, /* with a new data key: what it was before opens the store no more */
        DISK_LOCK, /* with a password, until disk_unlock() */
};

/* Changes on their way to the disk, and what came of it. */
struct disk_commit {
        struct list changes; /* change.link; stay the caller's */
        struct store_version known; /* what memory is a cache of; none: nothing has been on disk */
        struct disk_keys keys;
        struct disk_wish wish; /* for a new store, or to DISK_PROTECT it */
        enum disk_action action;
        struct secret *passphrase; /* the new one; may be NULL */
        struct store *store; /* what is on disk now; NULL: nothing, and if one was known, nothing was written */
        struct secret *image; /* where the store is kept in memory: all there is of it now */
        struct store_version prepared; /* that the image was made of; none: none was */
        bool unlocked; /* the file system has no locks: another daemon's change may be lost */
        struct fault
                postponed; /* the changes are on disk, but not what protects them: why; r 0: it is not so */
};

void disk_commit_deinit(struct disk_commit *commit);

/* To DISK_PROTECT in memory what is on disk takes two commits, lest a crash lose it: the first makes the image,
 * and leaves the disk as it is. The second, with the same changes and told what was prepared, empties the file;
 * if the store has another version by then, it prepares once more. */
static inline bool disk_commit_only_prepared(const struct disk_commit *commit) {
        return commit->image && !commit->store;
}

/* Makes directories, key file and store at the first change. What shuts other daemons out is postponed while
 * any refreshes: what that brings would have no place to go. Faults as above; -EAGAIN: with one that says that
 * another process is at it; AGENT_ERROR_REFUSED: the policy permits no protector that could be had. */
int disk_commit(struct disk_commit *commit, const struct disk_paths *paths, struct fault *fault);

/* Locks a grant for the length of its refresh. *ret is NULL where the file system has no locks. -EAGAIN:
 * another daemon has it, and there is no fault. Else a fault as above. */
int disk_claim(struct byte_lock **ret, const struct disk_paths *paths,
               const unsigned char uuid[static UUID_SIZE], struct fault *fault);

/* Renames a store that cannot be read; *ret is its new path, NULL if there was none. */
int disk_move_aside(char **ret, const struct disk_paths *paths, struct fault *fault);
