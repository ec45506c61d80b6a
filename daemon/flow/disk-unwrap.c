#include "daemon/flow/disk-private.h"

#include <errno.h>

#include "daemon/base/credentials.h"
#include "proto/error.h"

static int unwrap_fault(struct fault *fault, int r, const struct disk_paths *paths) {
        if (r != -EBADMSG)
                return fault_set(fault, r, NULL);

        return fault_set(fault, AGENT_ERROR_STORAGE_FAILED,
                         "The store %s/" STORE_FILE " does not open with the key file %s/" KEY_FILE
                         ": restore the two that belong together, or " START_ANEW,
                         paths->state_dir, paths->config_dir);
}

/* Whoever wrote the store had no time left to put its key in place, which takes the lock of a commit. */
static bool opens_with_next_key(struct store *store, struct disk_look *look, int config_fd) {
        _cleanup_(secret_freep) struct secret *key = NULL;

        look->key_is_next =
                !disk_read_key(&key, config_fd, NEXT_KEY_FILE) && !protector_unwrap(store, key, geteuid());
        return look->key_is_next;
}

static int unwrap_keyfile(struct store *store, struct disk_look *look, const struct disk_paths *paths,
                          struct fault *fault) {
        _cleanup_(secret_freep) struct secret *key = NULL;
        _cleanup_(disk_closep) int config_fd = -1;
        int r;

        r = disk_open_existing_dir(&config_fd, paths->config_dir);
        if (r && r != -ENOENT)
                return disk_fault(fault, r, paths->config_dir, NULL);
        if (!r)
                r = disk_read_key(&key, config_fd, KEY_FILE);
        if (config_fd >= 0 && (r == -ENOENT || r == -EBADMSG) && opens_with_next_key(store, look, config_fd))
                return 0;
        if (r) {
                look->unreadable = r == -ENOENT || disk_blames_file(r);
                return disk_key_fault(fault, r, paths);
        }

        r = protector_unwrap(store, key, geteuid());
        if (r == -EBADMSG && opens_with_next_key(store, look, config_fd))
                return 0;

        look->unreadable = r == -EBADMSG;
        return r ? unwrap_fault(fault, r, paths) : 0;
}

/* A service that is not there or fails may be well again. */
static int blob_fault(struct fault *fault, int r, const struct fault *why, const struct disk_paths *paths) {
        if (r == -EBADMSG)
                return fault_set(fault, AGENT_ERROR_STORAGE_FAILED,
                                 "The store %s/" STORE_FILE
                                 " was sealed by systemd-creds of another machine or for "
                                 "another user, or is damaged: restore it, or " START_ANEW,
                                 paths->state_dir);

        return fault_set(fault, AGENT_ERROR_STORAGE_FAILED,
                         "The store %s/" STORE_FILE
                         ", sealed by systemd-creds, cannot be opened: %s%s" START_ANEW,
                         paths->state_dir, fault_message(why),
                         r == -ENOKEY || r == -EKEYREJECTED ? ": restore it, or " : "; it is tried again, or ");
}

static int unwrap_blob(struct store *store, struct disk_look *look, const struct disk_paths *paths,
                       struct fault *fault) {
        _cleanup_(secret_freep) struct secret *data_key = NULL;
        _cleanup_(fault_deinit) struct fault why = {};
        int r;

        r = credentials_decrypt(&data_key, NULL, DISK_CREDENTIAL,
                                buffer_contents(&store->protection.wrapped_key), &why);
        if (!r)
                r = protector_unwrap_blob(store, data_key);
        look->unreadable = r == -EBADMSG || r == -ENOKEY || r == -EKEYREJECTED;
        look->is_stuck = r && !look->unreadable;

        return r ? blob_fault(fault, r, &why, paths) : 0;
}

/* The password that locks a store is asked for first, then what protects it. */
static int unwrap_passphrase(struct store *store, struct disk_look *look, struct fault *fault) {
        const struct secret *passphrase = look->keys.passphrase;
        bool is_locked = protector_is_locked(store);
        int r;

        if (!passphrase)
                return fault_set(fault, AGENT_ERROR_LOCKED,
                                 "The store needs its passphrase: globus-agentctl unlock");

        r = is_locked ? protector_unlock(store, passphrase) : protector_unwrap(store, passphrase, geteuid());
        if (r == -EBADMSG)
                return fault_set(fault, AGENT_ERROR_WRONG_PASSPHRASE, NULL);
        if (!r && is_locked)
                look->lock_removed = true;

        return r ? fault_set(fault, r, NULL) : 0;
}

static int unwrap_plaintext(struct store *store, struct disk_look *look, const struct disk_paths *paths,
                            struct fault *fault) {
        int r;

        r = protector_unwrap(store, NULL, geteuid());
        look->unreadable = r == -EBADMSG;
        if (r == -EBADMSG)
                return fault_set(fault, AGENT_ERROR_STORAGE_FAILED,
                                 "The store %s/" STORE_FILE " is damaged: restore it, or " START_ANEW,
                                 paths->state_dir);

        return r ? fault_set(fault, r, NULL) : 0;
}

static int unwrap_unknown(const struct store *store, struct disk_look *look, const struct disk_paths *paths,
                          struct fault *fault) {
        look->unreadable = true;
        return fault_set(fault, AGENT_ERROR_STORAGE_FAILED,
                         "The store %s/" STORE_FILE " is protected by '%s', which this globus-agent does not "
                         "know: install a newer one, or " START_ANEW,
                         paths->state_dir, store->protection.name);
}

int disk_unwrap(struct store *store, struct disk_look *look, const struct disk_paths *paths,
                struct fault *fault) {
        int r;

        if (protector_is_locked(store) && protector_of(store) != PROTECTOR_UNKNOWN) {
                r = unwrap_passphrase(store, look, fault);
                if (r)
                        return r;
        }

        switch (protector_of(store)) {
        case PROTECTOR_KEYFILE:
                return unwrap_keyfile(store, look, paths, fault);
        case PROTECTOR_PASSPHRASE:
                return unwrap_passphrase(store, look, fault);
        case PROTECTOR_SYSTEMD_CREDS:
                return unwrap_blob(store, look, paths, fault);
        case PROTECTOR_MEMORY:
        case PROTECTOR_PLAINTEXT:
                return unwrap_plaintext(store, look, paths, fault);
        case PROTECTOR_UNKNOWN:
                break;
        }

        return unwrap_unknown(store, look, paths, fault);
}
