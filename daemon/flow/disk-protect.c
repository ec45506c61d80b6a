#include "daemon/flow/disk-private.h"

#include <errno.h>

#include "daemon/base/credentials.h"
#include "daemon/base/file.h"
#include "daemon/base/filesystem.h"
#include "proto/error.h"
#include "proto/log.h"

static bool wish_permits(const struct disk_wish *wish, enum protector protector) {
        return wish->permitted & 1U << protector;
}

static int protect_with_keyfile(struct store *store, const struct disk_paths *paths, bool is_new,
                                struct fault *fault) {
        _cleanup_(secret_freep) struct secret *key = NULL;
        _cleanup_(disk_closep) int config_fd = -1;
        int r;

        r = file_open_dir(&config_fd, paths->config_dir);
        if (r)
                return disk_fault(fault, r, paths->config_dir, NULL);
        r = is_new ? disk_read_or_make_key(&key, config_fd) : disk_make_next_key(&key, config_fd);
        if (r)
                return disk_key_fault(fault, r, paths);
        r = protector_wrap(store, PROTECTOR_KEYFILE, key, geteuid());

        return r ? fault_set(fault, r, NULL) : 0;
}

static int seal(struct store *store, struct fault *why) {
        _cleanup_(buffer_deinit) struct buffer blob = {};
        int r;

        r = credentials_encrypt(&blob, NULL, DISK_CREDENTIAL, store->data_key, why);
        if (r)
                return r;

        r = protector_wrap_blob(store, buffer_contents(&blob));
        return r ? fault_set(why, r, NULL) : 0;
}

static int protect_with_creds(struct store *store, struct fault *fault) {
        _cleanup_(fault_deinit) struct fault why = {};

        if (!seal(store, &why))
                return 0;

        return fault_set(fault, AGENT_ERROR_STORAGE_FAILED, "systemd-creds cannot protect the store: %s",
                         fault_message(&why));
}

/* A blob of this machine's is of no use on another, which may have the same home. */
static bool is_local(const struct disk_paths *paths) {
        _cleanup_(disk_closep) int fd = -1;

        return !disk_open_existing_dir(&fd, paths->state_dir) && filesystem_is_local(fd);
}

const char *disk_advise(unsigned permitted) {
        const unsigned automatic = 1U << PROTECTOR_SYSTEMD_CREDS | 1U << PROTECTOR_KEYFILE;

        if ((permitted & automatic) == automatic)
                return "auto";
        for (enum protector protector = 0; protector < PROTECTOR_PLAINTEXT; protector++)
                if (permitted & 1U << protector)
                        return protector_name(protector);

        return permitted & 1U << PROTECTOR_PLAINTEXT ? "plaintext --yes-store-tokens-unencrypted" : NULL;
}

static int refuse(struct fault *fault, const struct disk_wish *wish) {
        return fault_set(fault, AGENT_ERROR_REFUSED,
                         "The policy does not permit the protector %s: run 'globus-agentctl key %s'",
                         protector_name(wish->automatic ? PROTECTOR_KEYFILE : wish->protector),
                         disk_advise(wish->permitted) ?: "auto");
}

/* systemd-creds is permitted, but failed, and nothing else is to be chosen automatically. */
static int refuse_without_creds(struct fault *fault, const struct disk_wish *wish, const struct fault *why) {
        const char *advice = disk_advise(wish->permitted & ~(1U << PROTECTOR_SYSTEMD_CREDS));

        if (!advice)
                return fault_set(fault, AGENT_ERROR_REFUSED,
                                 "The policy permits systemd-creds only, which cannot protect the store: %s; "
                                 "mend that, or have the policy changed",
                                 fault_message(why));

        return fault_set(fault, AGENT_ERROR_REFUSED,
                         "systemd-creds cannot protect the store (%s), and the policy does not permit a key "
                         "file: run 'globus-agentctl key %s'",
                         fault_message(why), advice);
}

/* A service of later versions of systemd: that an earlier one lacks it is nothing to tell. What has been
 * protected by it is not to be protected less. */
static int protect_automatically(struct store *store, const struct disk_commit *commit,
                                 const struct disk_paths *paths, bool is_new, struct fault *fault) {
        bool has_creds = protector_of(store) == PROTECTOR_SYSTEMD_CREDS;
        _cleanup_(fault_deinit) struct fault why = {};
        int r = 0;

        if (wish_permits(&commit->wish, PROTECTOR_SYSTEMD_CREDS) && has_creds)
                return protect_with_creds(store, fault);
        if (wish_permits(&commit->wish, PROTECTOR_SYSTEMD_CREDS) && is_local(paths)) {
                r = seal(store, &why);
                if (!r)
                        return 0;
        }
        if (!wish_permits(&commit->wish, PROTECTOR_KEYFILE))
                return r ? refuse_without_creds(fault, &commit->wish, &why) : refuse(fault, &commit->wish);

        if (r && r != -ENOENT)
                log_notice("A key file protects the store, as systemd-creds cannot: %s", fault_message(&why));
        return protect_with_keyfile(store, paths, is_new, fault);
}

int disk_protect(struct store *store, const struct disk_commit *commit, const struct disk_paths *paths,
                 bool is_new, struct fault *fault) {
        enum protector protector = commit->wish.protector;
        int r;

        if (commit->wish.automatic)
                return protect_automatically(store, commit, paths, is_new, fault);
        if (!wish_permits(&commit->wish, protector))
                return refuse(fault, &commit->wish);

        switch (protector) {
        case PROTECTOR_SYSTEMD_CREDS:
                return protect_with_creds(store, fault);
        case PROTECTOR_KEYFILE:
                return protect_with_keyfile(store, paths, is_new, fault);
        case PROTECTOR_PASSPHRASE:
        case PROTECTOR_MEMORY:
        case PROTECTOR_PLAINTEXT:
        case PROTECTOR_UNKNOWN:
                break;
        }

        r = protector_wrap(store, protector, commit->passphrase, geteuid());
        return r ? fault_set(fault, r, NULL) : 0;
}

/* What a crash, or trouble with the disk, leaves behind opens nothing any more, or is put in place by the next
 * commit. */
void disk_settle_key(const struct store *store, const struct disk_paths *paths) {
        _cleanup_(disk_closep) int config_fd = -1;
        _cleanup_(fault_deinit) struct fault ignored = {};

        if (protector_of(store) == PROTECTOR_KEYFILE) {
                (void)disk_put_next_key(paths, &ignored);
                return;
        }

        if (disk_open_existing_dir(&config_fd, paths->config_dir))
                return;
        (void)file_remove(config_fd, KEY_FILE);
        (void)file_remove(config_fd, NEXT_KEY_FILE);
}
