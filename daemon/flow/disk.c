#include "daemon/flow/disk.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/base/crypto.h"
#include "daemon/base/file.h"
#include "daemon/flow/disk-private.h"
#include "daemon/model/protector.h"
#include "proto/error.h"

#define STORE_FILE "store"
#define KEY_FILE "key"

/* How long another process's commit is waited for: not for long at a time, as others want the worker, too; but
 * for as long as a person has patience. */
#define COMMIT_PATIENCE_USEC (USEC_PER_SEC / 4)
#define MOVE_PATIENCE_USEC (10 * USEC_PER_SEC)

/* A look at the store: for what, and what is wrong with it. */
struct look {
        const struct disk_paths *paths; /* borrowed */
        const struct store_version *known; /* borrowed: this one is no news; may be NULL */
        bool unreadable;
};

static struct bytes contents(const struct buffer *buffer) {
        return (struct bytes){buffer_bytes(buffer), buffer_size(buffer)};
}

/* Whether the file itself is at fault, rather than the disk or the machine. */
static bool blames_file(int r) {
        return r == -EPERM || r == -EACCES || r == -ELOOP || r == -EFBIG || r == -EBADMSG;
}

/* -ENOENT: no key file. -EBADMSG: no key in it. */
static int read_key(struct secret **ret, int config_fd) {
        _cleanup_(buffer_deinit) struct buffer file = {0};
        int r;

        r = file_read(&file, config_fd, KEY_FILE, PROTECTOR_KEYFILE_SIZE);
        if (r)
                return r == -EFBIG ? -EBADMSG : r;
        if (buffer_size(&file) != PROTECTOR_KEYFILE_SIZE)
                return -EBADMSG;

        return secret_new(ret, buffer_bytes(&file), buffer_size(&file));
}

/* Two daemons may begin at once: the first one's key is everybody's. */
static int read_or_make_key(struct secret **ret, int config_fd) {
        _cleanup_(secret_freep) struct secret *key = NULL;
        int r;

        r = read_key(ret, config_fd);
        if (r != -ENOENT)
                return r;

        r = crypto_random_secret(&key, PROTECTOR_KEYFILE_SIZE);
        if (r)
                return r;
        r = file_write_new(config_fd, KEY_FILE, (struct bytes){secret_bytes(key), secret_size(key)});
        if (r == -EEXIST)
                return read_key(ret, config_fd);
        if (r)
                return r;

        *ret = TAKE(key);
        return 0;
}

static int key_fault(struct fault *fault, int r, const struct disk_paths *paths) {
        if (r == -ENOENT)
                return fault_set(fault, AGENT_ERROR_STORAGE_FAILED,
                                 "The key file %s/" KEY_FILE
                                 " is missing, so the stored logins cannot be read: restore it, or " START_ANEW,
                                 paths->config_dir);
        if (r == -EBADMSG)
                return fault_set(fault, AGENT_ERROR_STORAGE_FAILED,
                                 "The key file %s/" KEY_FILE
                                 " is damaged: restore it, or remove it and " START_ANEW,
                                 paths->config_dir);

        return disk_fault(fault, r, paths->config_dir, KEY_FILE);
}

static int unwrap(struct store *store, struct look *look, struct fault *fault) {
        const struct disk_paths *paths = look->paths;
        _cleanup_(secret_freep) struct secret *key = NULL;
        _cleanup_(disk_closep) int config_fd = -1;
        int r;

        r = disk_open_existing_dir(&config_fd, paths->config_dir);
        if (r && r != -ENOENT) {
                look->unreadable = false;
                return disk_fault(fault, r, paths->config_dir, NULL);
        }
        if (!r)
                r = read_key(&key, config_fd);
        if (r) {
                look->unreadable = r == -ENOENT || blames_file(r);
                return key_fault(fault, r, paths);
        }

        r = protector_unwrap_keyfile(store, key, geteuid());
        look->unreadable = r == -EBADMSG;
        if (r == -EBADMSG)
                return fault_set(fault, AGENT_ERROR_STORAGE_FAILED,
                                 "The store %s/" STORE_FILE " does not open with the key file %s/" KEY_FILE
                                 ": restore the two that belong together, or " START_ANEW,
                                 paths->state_dir, paths->config_dir);

        return r ? fault_set(fault, r, NULL) : 0;
}

/* Hands on what the decoder found, with the path and the other way to go on. */
static int decode_fault(struct fault *fault, const struct fault *why, struct look *look) {
        look->unreadable = why->r == AGENT_ERROR_STORAGE_FAILED;
        if (!look->unreadable)
                return fault_set(fault, why->r, NULL);

        return fault_set(fault, why->r, "The store %s/" STORE_FILE " %s, or " START_ANEW,
                         look->paths->state_dir, fault_message(why));
}

static int decode(struct store **ret, struct bytes file, struct look *look, struct fault *fault) {
        _cleanup_(store_freep) struct store *store = NULL;
        _cleanup_(fault_deinit) struct fault why = {0};
        int r;

        if (store_decode_header(&store, file, &why))
                return decode_fault(fault, &why, look);
        if (look->known && store_version_equal(look->known, &store->version))
                return -EALREADY;

        if (!streq(store->protector, PROTECTOR_KEYFILE)) {
                look->unreadable = true;
                return fault_set(fault, AGENT_ERROR_STORAGE_FAILED,
                                 "The store %s/" STORE_FILE
                                 " is protected by '%s', which this globus-agent does not "
                                 "know: install a newer one, or " START_ANEW,
                                 look->paths->state_dir, store->protector);
        }

        r = unwrap(store, look, fault);
        if (r)
                return r;

        if (store_decode_body(store, file, &why))
                return decode_fault(fault, &why, look);

        *ret = TAKE(store);
        return 0;
}

static int read_store(struct store **ret, int state_fd, struct look *look, struct fault *fault) {
        _cleanup_(buffer_deinit) struct buffer file = {0};
        int r;

        r = file_read(&file, state_fd, STORE_FILE, STORE_FILE_MAX);
        if (r == -ENOENT) {
                *ret = NULL;
                return 0;
        }
        if (r) {
                look->unreadable = blames_file(r);
                return disk_fault(fault, r, look->paths->state_dir, STORE_FILE);
        }

        return decode(ret, contents(&file), look, fault);
}

int disk_load(struct store **ret, const struct disk_paths *paths, const struct store_version *known,
              bool *ret_unreadable, struct fault *fault) {
        _cleanup_(disk_closep) int state_fd = -1;
        struct look look = {.paths = paths, .known = known};
        int r;

        *ret_unreadable = false;

        r = disk_open_existing_dir(&state_fd, paths->state_dir);
        if (r == -ENOENT) {
                *ret = NULL;
                return 0;
        }
        if (r)
                return disk_fault(fault, r, paths->state_dir, NULL);

        r = read_store(ret, state_fd, &look, fault);
        *ret_unreadable = look.unreadable;
        return r;
}

/* Only where there is no store yet: one without its key file is not to get another. */
static int protect(struct store *store, const struct disk_paths *paths, struct fault *fault) {
        _cleanup_(secret_freep) struct secret *key = NULL;
        _cleanup_(disk_closep) int config_fd = -1;
        int r;

        r = file_open_dir(&config_fd, paths->config_dir);
        if (r)
                return disk_fault(fault, r, paths->config_dir, NULL);
        r = read_or_make_key(&key, config_fd);
        if (r)
                return key_fault(fault, r, paths);
        r = protector_wrap_keyfile(store, key, geteuid());

        return r ? fault_set(fault, r, NULL) : 0;
}

static int write_store(struct store *store, const struct disk_paths *paths, int state_fd, struct fault *fault) {
        _cleanup_(buffer_deinit) struct buffer file = {0};
        int r;

        r = store_encode(&file, store);
        if (!r)
                r = file_write(state_fd, STORE_FILE, contents(&file));

        return r ? disk_fault(fault, r, paths->state_dir, STORE_FILE) : 0;
}

/* Under the lock. *store: what is on disk, NULL for nothing; then what is on disk after it. */
static int change(struct store **store, struct list *changes, const struct disk_paths *paths, int state_fd,
                  struct fault *fault) {
        _cleanup_(store_freep) struct store *fresh = NULL;
        bool changed;
        int r;

        if (!*store) {
                r = store_new(&fresh);
                if (r)
                        return fault_set(fault, r, NULL);
        }

        r = store_apply(*store ?: fresh, changes, &changed);
        if (r)
                return fault_set(fault, r, NULL);
        if (!changed)
                return 0;

        if (fresh) {
                r = protect(fresh, paths, fault);
                if (r)
                        return r;
        }

        r = write_store(*store ?: fresh, paths, state_fd, fault);
        if (r)
                return r;

        if (fresh)
                *store = TAKE(fresh);
        return 0;
}

int disk_commit(struct disk_commit *commit, const struct disk_paths *paths, struct fault *fault) {
        _cleanup_(store_freep) struct store *store = NULL;
        _cleanup_(disk_closep) int state_fd = -1, lock_fd = -1;
        struct look look = {.paths = paths};
        int r;

        r = file_open_dir(&state_fd, paths->state_dir);
        if (r)
                return disk_fault(fault, r, paths->state_dir, NULL);
        r = disk_lock(&lock_fd, paths, state_fd, COMMIT_PATIENCE_USEC, fault);
        if (r)
                return r;
        r = read_store(&store, state_fd, &look, fault);
        if (r)
                return r;
        if (!store && !store_version_is_none(&commit->known))
                return 0;
        r = change(&store, &commit->changes, paths, state_fd, fault);
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
                r = disk_lock(&lock_fd, paths, state_fd, MOVE_PATIENCE_USEC, fault);
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
