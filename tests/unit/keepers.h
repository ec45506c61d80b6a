#pragma once

/* A home whose store is protected in one way and another, where systemd-creds answers, or not. */

#include <errno.h>

#include "daemon/base/credentials.h"
#include "daemon/base/filesystem.h"
#include "tests/unit/homes.h"

/* It seals by a mask, and counts. */
static struct {
        int r; /* what it answers; 0: it does as asked */
        unsigned n_sealed, n_opened;
        bool disk_is_elsewhere;
} service;

#define SEALED "sealed:"

static void mask(unsigned char *bytes, size_t n) {
        for (size_t i = 0; i < n; i++)
                bytes[i] ^= 0x55;
}

int credentials_encrypt(struct buffer *out, const struct credentials_service *where, const char *name,
                        const struct secret *data, struct fault *fault) {
        unsigned char bytes[CRYPTO_KEY_SIZE];

        service.n_sealed++;
        assert_string_equal(name, "globus-agent");
        if (service.r)
                return fault_set(fault, service.r, "the service is in trouble");

        memcpy(bytes, secret_bytes(data), sizeof(bytes));
        mask(bytes, sizeof(bytes));
        assert_int_equal(buffer_append(out, SEALED, strlen(SEALED)), 0);
        return buffer_append(out, bytes, sizeof(bytes));
}

int credentials_decrypt(struct secret **ret, const struct credentials_service *where, const char *name,
                        struct bytes encrypted, struct fault *fault) {
        struct secret *key;

        service.n_opened++;
        if (service.r)
                return fault_set(fault, service.r, "the service is in trouble");
        if (encrypted.n != strlen(SEALED) + CRYPTO_KEY_SIZE ||
            memcmp(encrypted.data, SEALED, strlen(SEALED)) != 0)
                return fault_set(fault, -EBADMSG, "this is none of ours");

        assert_int_equal(
                secret_new(&key, (const char *)encrypted.data + strlen(SEALED), encrypted.n - strlen(SEALED)),
                0);
        mask(secret_data(key), secret_size(key));
        *ret = key;
        return 0;
}

const char *credentials_key(struct bytes encrypted) {
        return "a key of the test's";
}

bool filesystem_is_local(int fd) {
        return !service.disk_is_elsewhere;
}

static inline int setup_keepers(void **state) {
        memset(&service, 0, sizeof(service));
        service.r = -ENOENT;
        return setup_home(state);
}

/* What a daemon does to the home, with what it knows from the last time. */
struct daemon {
        struct store_version known;
        struct disk_keys keys;
};

static inline void daemon_forget(struct daemon *daemon) {
        disk_keys_deinit(&daemon->keys);
        *daemon = (struct daemon){};
}

static inline void daemon_take(struct daemon *daemon, const struct store *store, struct secret *image) {
        store_key_deinit(&daemon->keys.store);
        assert_int_equal(protector_get_key(&daemon->keys.store, store), 0);
        secret_free(daemon->keys.image);
        daemon->keys.image = image;
        daemon->known = store->version;
}

static inline int try_act(struct daemon *daemon, const struct home *home, struct disk_commit *commit,
                          struct fault *fault) {
        struct disk_keys keys = daemon->keys;
        int r;

        commit->known = daemon->known;
        commit->keys = keys; /* lent */
        r = disk_commit(commit, &home->paths, fault);
        if (!r && disk_commit_only_prepared(commit)) {
                commit->image = secret_free(commit->image);
                r = disk_commit(commit, &home->paths, fault);
        }
        commit->keys = (struct disk_keys){};
        if (!r && commit->store)
                daemon_take(daemon, commit->store, TAKE(commit->image));
        return r;
}

/* Logs the profile in. */
static inline void save(struct daemon *daemon, const struct home *home, unsigned char id, const char *profile,
                        enum protector protector) {
        _cleanup_(fault_deinit) struct fault fault = {};
        struct disk_commit commit = COMMIT_INIT(commit);

        commit.wish.protector = protector;
        add_change(&commit.changes, CHANGE_ADD, make_record(id, 1, profile, NULL));
        assert_int_equal(try_act(daemon, home, &commit, &fault), 0);
        disk_commit_deinit(&commit);
}

static inline struct secret *passphrase_of(const char *text) {
        struct secret *secret = NULL;

        if (text)
                assert_int_equal(secret_new(&secret, text, strlen(text)), 0);
        return secret;
}

static inline int try_protect(struct daemon *daemon, const struct home *home, struct disk_wish wish,
                              const char *passphrase, struct fault *fault) {
        struct disk_commit commit = {.changes = LIST_INIT(commit.changes),
                                     .wish = wish,
                                     .action = DISK_PROTECT,
                                     .passphrase = passphrase_of(passphrase)};
        int r;

        r = try_act(daemon, home, &commit, fault);
        disk_commit_deinit(&commit);
        return r;
}

static inline void protect(struct daemon *daemon, const struct home *home, enum protector protector,
                           const char *passphrase) {
        struct disk_wish wish = {.protector = protector, .permitted = ~0U};
        _cleanup_(fault_deinit) struct fault fault = {};

        assert_int_equal(try_protect(daemon, home, wish, passphrase, &fault), 0);
}

static inline int try_lock(struct daemon *daemon, const struct home *home, const char *password) {
        _cleanup_(fault_deinit) struct fault fault = {};
        struct disk_commit commit = COMMIT_INIT(commit);
        int r;

        commit.action = DISK_LOCK;
        commit.passphrase = passphrase_of(password);
        r = try_act(daemon, home, &commit, &fault);
        disk_commit_deinit(&commit);
        return r;
}

/* As a daemon does that was just started, and knows nothing. */
static inline int look(struct disk_look *look, const struct home *home, const char *passphrase,
                       struct fault *fault) {
        *look = (struct disk_look){.keys.passphrase = passphrase_of(passphrase)};
        return disk_load(look, &home->paths, fault);
}

static inline bool exists(const struct home *home, const char *name) {
        char path[128];

        snprintf(path, sizeof(path), "%s/%s", home->dir, name);
        return access(path, F_OK) == 0;
}

/* As one reads it who may. */
static inline struct secret *read_data_key(const struct home *home) {
        _cleanup_(fault_deinit) struct fault fault = {};
        _cleanup_(disk_look_deinit) struct disk_look seen = {};

        assert_int_equal(look(&seen, home, NULL, &fault), 0);
        return TAKE(seen.store->data_key);
}

/* So many logins, and protected so. */
static inline void assert_opens(const struct home *home, const char *passphrase, enum protector protector,
                                size_t n) {
        _cleanup_(fault_deinit) struct fault fault = {};
        _cleanup_(disk_look_deinit) struct disk_look seen = {};

        assert_int_equal(look(&seen, home, passphrase, &fault), 0);
        assert_int_equal(protector_of(seen.store), protector);
        assert_int_equal(count_records(seen.store), n);
}
