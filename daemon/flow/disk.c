#include "daemon/flow/disk.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/base/crypto.h"
#include "daemon/base/file.h"
#include "daemon/flow/disk-private.h"
#include "proto/error.h"

/* How long another process's commit is waited for: not for long at a time, as others want the worker, too; but
 * for as long as a person has patience. */
#define COMMIT_PATIENCE_USEC (USEC_PER_SEC / 4)
#define PERSON_PATIENCE_USEC (10 * USEC_PER_SEC)

static int encode(struct buffer *out, struct store *store, const struct disk_paths *paths,
                  struct fault *fault) {
        int r;

        r = store_encode(out, store);
        return r ? disk_fault(fault, r, paths->state_dir, STORE_FILE) : 0;
}

static int write_file(struct store *store, const struct disk_paths *paths, int state_fd, struct fault *fault) {
        _cleanup_(buffer_deinit) struct buffer file = {};
        int r;

        r = encode(&file, store, paths, fault);
        if (r)
                return r;

        r = file_write(state_fd, STORE_FILE, buffer_contents(&file));
        return r ? disk_fault(fault, r, paths->state_dir, STORE_FILE) : 0;
}

int disk_unlock(struct disk_look *look, const struct disk_paths *paths, struct fault *fault) {
        _cleanup_(disk_closep) int state_fd = -1, lock_fd = -1;
        _cleanup_(fault_deinit) struct fault why = {};
        int r;

        r = disk_open_existing_dir(&state_fd, paths->state_dir);
        if (r)
                return r == -ENOENT ? 0 : disk_fault(fault, r, paths->state_dir, NULL);
        r = disk_lock(&lock_fd, paths, state_fd, PERSON_PATIENCE_USEC, fault);
        if (r)
                return fault->r;
        r = disk_read_store(look, paths, state_fd, fault);
        if (r || !look->store || !look->lock_removed)
                return r;

        look->stays_locked = write_file(look->store, paths, state_fd, &why) != 0;
        return 0;
}

static enum disk_action action_of(const struct disk_commit *commit) {
        return commit->postponed.r ? DISK_SAVE : commit->action;
}

static int make_image(struct store *store, struct disk_commit *commit, const struct disk_paths *paths,
                      struct fault *fault) {
        _cleanup_(buffer_deinit) struct buffer image = {};
        struct store_version version = store->version;
        int r;

        r = encode(&image, store, paths, fault);
        if (r)
                return r;

        r = secret_new(&commit->image, buffer_bytes(&image), buffer_size(&image));
        store->version = version; /* of what is on disk */
        return r ? fault_set(fault, r, NULL) : 0;
}

/* The file says only that there is nothing in it, which need not be said again. */
static int write_image(struct store *store, struct disk_commit *commit, const struct disk_paths *paths,
                       int state_fd, struct fault *fault) {
        struct list held = LIST_INIT(held);
        int r;

        r = make_image(store, commit, paths, fault);
        if (r || (!store_version_is_none(&store->version) && action_of(commit) == DISK_SAVE))
                return r;

        list_move_all(&held, &store->records);
        r = write_file(store, paths, state_fd, fault);
        list_move_all(&store->records, &held);
        return r;
}

static int protect_anew(struct store *store, struct disk_commit *commit, const struct disk_paths *paths,
                        bool is_new, struct fault *fault) {
        _cleanup_(secret_freep) struct secret *data_key = NULL;
        int r;

        r = crypto_random_secret(&data_key, CRYPTO_KEY_SIZE);
        if (r)
                return fault_set(fault, r, NULL);

        secret_free(store->data_key);
        store->data_key = TAKE(data_key);
        return disk_protect(store, commit, paths, is_new, fault);
}

/* Where one got lost, the new one is protected as that was; else nothing protects it yet. */
static int begin(struct store **ret, const struct disk_commit *commit) {
        const struct store_key *key = &commit->keys.store;

        return key->data_key && key->protection.name ? store_new_with_key(ret, key) : store_new(ret);
}

static int protect_and_lock(struct store *store, struct disk_commit *commit, const struct disk_paths *paths,
                            bool is_new, struct fault *fault) {
        int r = 0;

        if (action_of(commit) == DISK_PROTECT)
                r = protect_anew(store, commit, paths, is_new, fault);
        else if (!store->protection.name)
                r = disk_protect(store, commit, paths, is_new, fault);
        if (r || action_of(commit) != DISK_LOCK)
                return r;
        if (protector_is_locked(store))
                return fault_set(fault, AGENT_ERROR_STORAGE_FAILED,
                                 "The store %s/" STORE_FILE
                                 " is locked with a password already: lock without one, and unlock with that",
                                 paths->state_dir);

        r = protector_lock(store, commit->passphrase);
        return r ? fault_set(fault, r, NULL) : 0;
}

/* Whether the contents would leave the disk before they are safe elsewhere. */
static bool has_to_prepare(const struct store *store, const struct disk_commit *commit) {
        return store && action_of(commit) == DISK_PROTECT && disk_wish_is_memory(&commit->wish) &&
               protector_of(store) != PROTECTOR_MEMORY &&
               !store_version_equal(&commit->prepared, &store->version);
}

static int prepare(struct store **store, struct disk_commit *commit, const struct disk_paths *paths,
                   struct fault *fault) {
        int r;

        commit->prepared = (*store)->version;
        r = make_image(*store, commit, paths, fault);
        *store = store_free(*store);
        return r;
}

/* Under the lock. *store: what is on disk, NULL for nothing; then what is on disk after it, or NULL where that
 * was only prepared. */
static int change(struct store **store, struct disk_commit *commit, const struct disk_paths *paths,
                  int state_fd, struct fault *fault) {
        _cleanup_(store_freep) struct store *fresh = NULL;
        bool prepares = has_to_prepare(*store, commit), changed;
        struct store *changing = *store;
        int r;

        if (!changing) {
                r = begin(&fresh, commit);
                if (r)
                        return fault_set(fault, r, NULL);
                changing = fresh;
        }

        r = store_apply(changing, &commit->changes, &changed);
        if (r)
                return fault_set(fault, r, NULL);
        if (!changed && action_of(commit) == DISK_SAVE)
                return 0;

        r = protect_and_lock(changing, commit, paths, fresh, fault);
        if (!r && prepares)
                return prepare(store, commit, paths, fault);
        if (!r && protector_of(changing) == PROTECTOR_MEMORY)
                r = write_image(changing, commit, paths, state_fd, fault);
        else if (!r)
                r = write_file(changing, paths, state_fd, fault);
        if (r)
                return r;

        if (action_of(commit) == DISK_PROTECT && !fresh)
                disk_settle_key(changing, paths);
        if (fresh)
                *store = TAKE(fresh);
        return 0;
}

/* What is to be written may make another next key, and the one of now is not to be lost to that. */
static int settle_next_key(const struct disk_look *look, const struct disk_commit *commit,
                           const struct disk_paths *paths, struct fault *fault) {
        _cleanup_(fault_deinit) struct fault ignored = {};

        if (!look->key_is_next)
                return 0;
        if (commit->action != DISK_SAVE)
                return disk_put_next_key(paths, fault);

        (void)disk_put_next_key(paths, &ignored);
        return 0;
}

/* Of two that change the key at once, one could remove the key file of the other's store. */
static int check_unlocked(const struct store *store, const struct disk_commit *commit,
                          const struct disk_paths *paths, struct fault *fault) {
        if (!store || commit->action != DISK_PROTECT)
                return 0;

        return fault_set(
                fault, AGENT_ERROR_STORAGE_FAILED,
                "The file system of %s has no locks, without which a change of what protects the store "
                "could lose its key: log out, remove the store, and choose before you log in again",
                paths->state_dir);
}

static bool shuts_others_out(const struct disk_commit *commit) {
        enum protector protector = commit->wish.protector;

        return commit->action == DISK_LOCK ||
               (commit->action == DISK_PROTECT && !commit->wish.automatic &&
                (protector == PROTECTOR_PASSPHRASE || protector == PROTECTOR_MEMORY));
}

/* Another daemon does not get at a store with a new passphrase, or at our memory: it must have no token in hand
 * that is newer than the one here, nor get one until all is written. */
static int shut_others_out(struct disk_commit *commit, const struct disk_paths *paths, int lock_fd,
                           struct fault *fault) {
        _cleanup_(fault_deinit) struct fault why = {};
        int r;

        if (!shuts_others_out(commit))
                return 0;

        r = disk_lock_grants(lock_fd, paths, COMMIT_PATIENCE_USEC, &why);
        if (r != -EAGAIN)
                return r ? fault_copy(fault, &why) ?: r : 0;

        (void)fault_set(
                &commit->postponed, AGENT_ERROR_BUSY,
                "A token is being refreshed, by this agent or another one with the same home: try again "
                "when Globus has answered");
        return 0;
}

int disk_commit(struct disk_commit *commit, const struct disk_paths *paths, struct fault *fault) {
        struct disk_look look = {.keys = commit->keys}; /* borrowed */
        _cleanup_(disk_closep) int state_fd = -1, lock_fd = -1;
        _cleanup_(store_freep) struct store *store = NULL;
        int r;

        r = file_open_dir(&state_fd, paths->state_dir);
        if (r)
                return disk_fault(fault, r, paths->state_dir, NULL);
        r = disk_lock(&lock_fd, paths, state_fd, COMMIT_PATIENCE_USEC, fault);
        if (r)
                return r;
        r = disk_read_store(&look, paths, state_fd, fault);
        store = look.store;
        if (r)
                return r;
        if (!store && !store_version_is_none(&commit->known))
                return 0;
        r = lock_fd < 0 ? check_unlocked(store, commit, paths, fault)
                        : settle_next_key(&look, commit, paths, fault);
        if (!r)
                r = shut_others_out(commit, paths, lock_fd, fault);
        if (!r)
                r = change(&store, commit, paths, state_fd, fault);
        if (r)
                return r;

        commit->store = TAKE(store);
        commit->unlocked = lock_fd < 0;
        return 0;
}

int disk_move_aside(char **ret, const struct disk_paths *paths, struct fault *fault) {
        _cleanup_(disk_closep) int state_fd = -1, lock_fd = -1;
        _cleanup_(freep) char *name = NULL;
        char *path = NULL;
        int r;

        r = disk_open_existing_dir(&state_fd, paths->state_dir);
        if (r && r != -ENOENT)
                return disk_fault(fault, r, paths->state_dir, NULL);
        if (!r) {
                r = disk_lock(&lock_fd, paths, state_fd, PERSON_PATIENCE_USEC, fault);
                if (r)
                        return r;
                r = file_move_aside(&name, state_fd, STORE_FILE);
        }
        if (r && r != -ENOENT)
                return disk_fault(fault, r, paths->state_dir, STORE_FILE);

        if (name && asprintf(&path, "%s/%s", paths->state_dir, name) < 0)
                return fault_set(fault, -ENOMEM, NULL);

        *ret = path;
        return 0;
}
