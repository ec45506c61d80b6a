#include <errno.h>

#include "daemon/base/file.h"
#include "daemon/flow/disk-private.h"
#include "proto/error.h"

/* Of a store whose key is changed again and again by others. */
enum { READS_MAX = 8 };

/* Hands on what the decoder found, with the path and the other way to go on. */
static int decode_fault(struct fault *fault, const struct fault *why, struct disk_look *look,
                        const struct disk_paths *paths) {
        look->unreadable = why->r == AGENT_ERROR_STORAGE_FAILED;
        if (!look->unreadable)
                return fault_set(fault, why->r, NULL);

        return fault_set(fault, why->r, "The store %s/" STORE_FILE " %s, or " START_ANEW, paths->state_dir,
                         fault_message(why));
}

/* A key file or none is looked at each time, so that it is soon known when it is gone. A person, or a service
 * of the machine, is asked once. */
static bool may_open_with_known_key(const struct store *store, const struct store_key *key) {
        enum protector protector = protector_of(store);

        return (protector_is_locked(store) || protector == PROTECTOR_PASSPHRASE ||
                protector == PROTECTOR_SYSTEMD_CREDS) &&
               key->data_key && memcmp(key->id, store->id, sizeof(key->id)) == 0;
}

/* False: it does not open with it; another daemon may have changed it. */
static bool open_with_known_key(struct store *store, const struct store_key *key, struct bytes file) {
        _cleanup_(fault_deinit) struct fault why = {};

        if (!may_open_with_known_key(store, key))
                return false;
        if (!protector_unwrap_blob(store, key->data_key) && !store_decode_body(store, file, &why))
                return true;

        store->data_key = secret_free(store->data_key);
        return false;
}

static int decode(struct disk_look *look, const struct disk_paths *paths, struct bytes file,
                  struct fault *fault) {
        _cleanup_(fault_deinit) struct fault why = {};
        _cleanup_(store_freep) struct store *store = NULL;
        int r;

        if (store_decode_header(&store, file, &why))
                return decode_fault(fault, &why, look, paths);
        look->seen = store->version;
        if (!store_version_is_none(&look->known) && store_version_equal(&look->known, &store->version))
                return -EALREADY;

        if (!open_with_known_key(store, &look->keys.store, file)) {
                r = disk_unwrap(store, look, paths, fault);
                if (r == AGENT_ERROR_LOCKED || r == AGENT_ERROR_WRONG_PASSPHRASE)
                        look->store = TAKE(store);
                if (r)
                        return r;
                if (store_decode_body(store, file, &why))
                        return decode_fault(fault, &why, look, paths);
        }

        r = disk_open_image(&store, look, fault);
        if (r)
                return r;

        look->store = TAKE(store);
        return 0;
}

int disk_read_store(struct disk_look *look, const struct disk_paths *paths, int state_fd, struct fault *fault) {
        _cleanup_(buffer_deinit) struct buffer file = {};
        int r;

        r = file_read(&file, state_fd, STORE_FILE, STORE_FILE_MAX);
        if (r == -ENOENT)
                return 0;
        if (r) {
                look->unreadable = disk_blames_file(r);
                return disk_fault(fault, r, paths->state_dir, STORE_FILE);
        }

        return decode(look, paths, buffer_contents(&file), fault);
}

/* Without the lock, store and key file may be from before and after another daemon's change of the key: what
 * does not open is damaged only if it is still there when both are read once more. */
int disk_load(struct disk_look *look, const struct disk_paths *paths, struct fault *fault) {
        _cleanup_(disk_closep) int state_fd = -1;
        struct store_version before;
        int r;

        r = disk_open_existing_dir(&state_fd, paths->state_dir);
        if (r)
                return r == -ENOENT ? 0 : disk_fault(fault, r, paths->state_dir, NULL);

        for (unsigned i = 0; i < READS_MAX; i++) {
                before = look->seen;
                fault_deinit(fault);
                look->unreadable = false;
                r = disk_read_store(look, paths, state_fd, fault);
                if (!look->unreadable || store_version_equal(&before, &look->seen))
                        break;
        }

        return r;
}
