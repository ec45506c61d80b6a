#include "daemon/model/protector.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/base/credentials.h"
#include "daemon/base/crypto.h"
#include "daemon/model/pack.h"

/* The name of a store that is locked with a password. Its parameters: those of scrypt, then name and parameters
 * of the protector. */
#define LOCKED "locked"

enum { PROTECTOR_WIDTH = 1, PARAMETERS_WIDTH = 2, COST_WIDTH = 1, SALT_SIZE = 16 };

/* 128 MiB and some tenths of a second. */
enum { COST_LOG_N = 17, COST_R = 8, COST_P = 1 };

/* What is read may cost no more than this: 256 MiB, and a few times as long. And r bounds n (RFC 7914, section
 * 2), by 16 bits each. */
enum { COST_LOG_N_MAX = 20, COST_R_MAX = 32, COST_P_MAX = 4, COST_N_R_MAX = 1 << 21, COST_LOG_N_PER_R = 16 };

static const char *const names[] = {
        [PROTECTOR_SYSTEMD_CREDS] = "systemd-creds", [PROTECTOR_KEYFILE] = "keyfile",
        [PROTECTOR_PASSPHRASE] = "passphrase",       [PROTECTOR_MEMORY] = "memory",
        [PROTECTOR_PLAINTEXT] = "plaintext",         [PROTECTOR_UNKNOWN] = "unknown",
};

const char *protector_name(enum protector protector) {
        return names[protector];
}

enum protector protector_find(const char *name) {
        for (enum protector protector = 0; protector < _PROTECTOR_MAX; protector++)
                if (streq(names[protector], name))
                        return protector;

        return PROTECTOR_UNKNOWN;
}

bool protector_is_locked(const struct store *store) {
        return store->protection.name && streq(store->protection.name, LOCKED);
}

static int scrypt_of(struct crypto_scrypt *ret, struct bytes *from) {
        uint64_t log_n, r, p;

        if (unpack_integer(&log_n, from, COST_WIDTH) || unpack_integer(&r, from, COST_WIDTH) ||
            unpack_integer(&p, from, COST_WIDTH) || unpack(&ret->salt, from, SALT_SIZE))
                return -EBADMSG;
        if (log_n == 0 || log_n > COST_LOG_N_MAX || r == 0 || r > COST_R_MAX || p == 0 || p > COST_P_MAX ||
            r << log_n > COST_N_R_MAX || log_n >= r * COST_LOG_N_PER_R)
                return -EBADMSG;

        ret->n = UINT64_C(1) << log_n;
        ret->r = (uint32_t)r;
        ret->p = (uint32_t)p;
        return 0;
}

static int append_scrypt(struct buffer *out) {
        static const unsigned char cost[] = {COST_LOG_N, COST_R, COST_P};
        unsigned char salt[SALT_SIZE];
        int r;

        r = crypto_random(salt, sizeof(salt));
        if (!r)
                r = buffer_append(out, cost, sizeof(cost));

        return r ?: buffer_append(out, salt, sizeof(salt));
}

/* What is behind the cost of scrypt. */
static int unpack_locked(char **ret_name, struct bytes *ret_parameters, const struct store *store) {
        struct bytes from = buffer_contents(&store->protection.parameters);
        struct crypto_scrypt cost;
        int r;

        r = scrypt_of(&cost, &from);
        if (!r)
                r = unpack_string(ret_name, &from, PROTECTOR_WIDTH);
        if (!r)
                r = unpack_bytes(ret_parameters, &from, PARAMETERS_WIDTH);

        if (!r && (!*ret_name || from.n > 0))
                r = -EBADMSG;

        return r;
}

enum protector protector_of(const struct store *store) {
        _cleanup_(freep) char *name = NULL;
        struct bytes ignored;

        if (!store->protection.name)
                return PROTECTOR_UNKNOWN;
        if (!protector_is_locked(store))
                return protector_find(store->protection.name);

        return unpack_locked(&name, &ignored, store) ? PROTECTOR_UNKNOWN : protector_find(name);
}

static bool protector_is_lasting(const struct store *store) {
        enum protector protector = protector_of(store);

        return protector_is_locked(store) || protector == PROTECTOR_PASSPHRASE ||
               protector == PROTECTOR_SYSTEMD_CREDS;
}

int protector_get_key(struct store_key *ret, const struct store *store) {
        struct store_key key = {};
        int r = 0;

        memcpy(key.id, store->id, sizeof(key.id));
        if (protector_is_lasting(store))
                r = protection_copy(&key.protection, &store->protection);
        if (!r && protector_is_lasting(store) && store->data_key)
                r = secret_copy(&key.data_key, store->data_key);
        if (r) {
                store_key_deinit(&key);
                return r;
        }

        *ret = key;
        return 0;
}

int protector_describe(char **ret, const struct store *store) {
        static const char *const words[] = {
                [PROTECTOR_SYSTEMD_CREDS] = "encrypted (AES-256-GCM), its key sealed by systemd-creds with ",
                [PROTECTOR_KEYFILE] = "encrypted (AES-256-GCM) with a key file in the configuration directory",
                [PROTECTOR_PASSPHRASE] = "encrypted (AES-256-GCM) with a passphrase (scrypt)",
                [PROTECTOR_MEMORY] = "nothing of the logins is on disk",
                [PROTECTOR_PLAINTEXT] = "not protected: whoever reads the file has the logins",
                [PROTECTOR_UNKNOWN] = "protected in a way that this agent does not know",
        };
        enum protector protector = protector_of(store);
        const char *key = "";

        if (protector == PROTECTOR_SYSTEMD_CREDS && protector_is_locked(store))
                key = "a key of this machine";
        else if (protector == PROTECTOR_SYSTEMD_CREDS)
                key = credentials_key(buffer_contents(&store->protection.wrapped_key)) ?: "an unknown key";

        return asprintf(ret, "%s%s%s", words[protector], key,
                        protector_is_locked(store) ? ", and locked with a password" : "") < 0
                       ? -ENOMEM
                       : 0;
}

static int key_of_keyfile(struct secret **ret, const struct store *store, const struct secret *keyfile,
                          uid_t uid) {
        char info[64];
        int n;

        n = snprintf(info, sizeof(info), "globus-agent keyfile uid=%lu", (unsigned long)uid);

        return crypto_hkdf_sha256(ret, CRYPTO_KEY_SIZE, keyfile, (struct bytes){store->id, sizeof(store->id)},
                                  (struct bytes){info, (size_t)n});
}

/* By the parameters that the store has now. */
static int key_of_passphrase(struct secret **ret, const struct store *store, const struct secret *passphrase) {
        struct bytes from = buffer_contents(&store->protection.parameters);
        struct crypto_scrypt cost;
        int r;

        r = scrypt_of(&cost, &from);
        return r ?: crypto_scrypt(ret, CRYPTO_KEY_SIZE, passphrase, &cost);
}

static bool secret_is_passphrase(const struct secret *secret) {
        return secret && secret_size(secret) > 0 && secret_size(secret) <= PROTECTOR_PASSPHRASE_MAX;
}

/* Seals what is to be wrapped, under a header that has all else. */
static int wrap(struct store *store, const struct secret *key, struct bytes plain) {
        _cleanup_(buffer_deinit) struct buffer context = {0}, wrapped = {0};
        int r;

        r = store_key_context(&context, store);
        if (!r)
                r = crypto_seal(&wrapped, key, buffer_contents(&context), plain);
        if (r)
                return r;

        buffer_swap(&store->protection.wrapped_key, &wrapped);
        return 0;
}

static int unwrap(struct secret **ret, const struct store *store, const struct secret *key) {
        _cleanup_(buffer_deinit) struct buffer context = {0};
        int r;

        r = store_key_context(&context, store);
        return r
                       ?: crypto_open(ret, key, buffer_contents(&context),
                                      buffer_contents(&store->protection.wrapped_key));
}

/* Begins a new protection: named, without parameters, and nothing wrapped. */
static int rename_protection(struct store *store, const char *name) {
        struct protection *protection = &store->protection;
        char *copy = strdup(name);

        if (!copy)
                return -ENOMEM;

        protection_deinit(protection);
        protection->name = copy;
        return 0;
}

static struct bytes data_key_of(const struct store *store) {
        return (struct bytes){secret_bytes(store->data_key), secret_size(store->data_key)};
}

static int wrap_keyfile(struct store *store, const struct secret *keyfile, uid_t uid) {
        _cleanup_(secret_freep) struct secret *key = NULL;
        int r;

        if (!keyfile || secret_size(keyfile) != PROTECTOR_KEYFILE_SIZE)
                return -EINVAL;

        r = key_of_keyfile(&key, store, keyfile, uid);
        return r ?: wrap(store, key, data_key_of(store));
}

static int wrap_passphrase(struct store *store, const struct secret *passphrase) {
        _cleanup_(secret_freep) struct secret *key = NULL;
        int r;

        if (!secret_is_passphrase(passphrase))
                return -EINVAL;

        r = append_scrypt(&store->protection.parameters);
        if (!r)
                r = key_of_passphrase(&key, store, passphrase);
        return r ?: wrap(store, key, data_key_of(store));
}

int protector_wrap(struct store *store, enum protector protector, const struct secret *secret, uid_t uid) {
        struct bytes data_key = data_key_of(store);
        int r;

        r = rename_protection(store, names[protector]);
        if (r)
                return r;

        switch (protector) {
        case PROTECTOR_KEYFILE:
                return wrap_keyfile(store, secret, uid);
        case PROTECTOR_PASSPHRASE:
                return wrap_passphrase(store, secret);
        case PROTECTOR_MEMORY:
        case PROTECTOR_PLAINTEXT:
                return buffer_append(&store->protection.wrapped_key, data_key.data, data_key.n);
        case PROTECTOR_SYSTEMD_CREDS:
        case PROTECTOR_UNKNOWN:
                break;
        }

        return -EINVAL;
}

int protector_wrap_blob(struct store *store, struct bytes blob) {
        int r;

        r = rename_protection(store, names[PROTECTOR_SYSTEMD_CREDS]);
        return r ?: buffer_append(&store->protection.wrapped_key, blob.data, blob.n);
}

int protector_unwrap_blob(struct store *store, const struct secret *data_key) {
        struct secret *copy;
        int r;

        if (secret_size(data_key) != CRYPTO_KEY_SIZE)
                return -EBADMSG;

        r = secret_copy(&copy, data_key);
        if (r)
                return r;

        secret_free(store->data_key);
        store->data_key = copy;
        return 0;
}

static int unwrap_with(struct store *store, const struct secret *key) {
        _cleanup_(secret_freep) struct secret *data_key = NULL;
        int r;

        r = unwrap(&data_key, store, key);
        return r ?: protector_unwrap_blob(store, data_key);
}

static int unwrap_plaintext(struct store *store) {
        _cleanup_(secret_freep) struct secret *data_key = NULL;
        struct bytes wrapped = buffer_contents(&store->protection.wrapped_key);
        int r;

        if (buffer_size(&store->protection.parameters) > 0)
                return -EBADMSG;

        r = secret_new(&data_key, wrapped.data, wrapped.n);
        return r ?: protector_unwrap_blob(store, data_key);
}

static int unwrap_keyfile(struct store *store, const struct secret *keyfile, uid_t uid) {
        _cleanup_(secret_freep) struct secret *key = NULL;
        int r;

        if (!keyfile || secret_size(keyfile) != PROTECTOR_KEYFILE_SIZE ||
            buffer_size(&store->protection.parameters) > 0)
                return -EBADMSG;

        r = key_of_keyfile(&key, store, keyfile, uid);
        return r ?: unwrap_with(store, key);
}

static int unwrap_passphrase(struct store *store, const struct secret *passphrase) {
        _cleanup_(secret_freep) struct secret *key = NULL;
        int r;

        if (!secret_is_passphrase(passphrase))
                return -EBADMSG;

        r = key_of_passphrase(&key, store, passphrase);
        return r ?: unwrap_with(store, key);
}

int protector_unwrap(struct store *store, const struct secret *secret, uid_t uid) {
        if (protector_is_locked(store))
                return -EBADMSG;

        switch (protector_of(store)) {
        case PROTECTOR_KEYFILE:
                return unwrap_keyfile(store, secret, uid);
        case PROTECTOR_PASSPHRASE:
                return unwrap_passphrase(store, secret);
        case PROTECTOR_MEMORY:
        case PROTECTOR_PLAINTEXT:
                return unwrap_plaintext(store);
        case PROTECTOR_SYSTEMD_CREDS:
        case PROTECTOR_UNKNOWN:
                break;
        }

        return -EBADMSG;
}

int protector_lock(struct store *store, const struct secret *password) {
        _cleanup_(protection_deinit) struct protection inner = {};
        _cleanup_(secret_freep) struct secret *key = NULL;
        struct buffer *parameters = &store->protection.parameters;
        int r;

        if (!secret_is_passphrase(password) || protector_is_locked(store))
                return -EINVAL;

        protection_swap(&inner, &store->protection);
        r = rename_protection(store, LOCKED);
        if (!r)
                r = append_scrypt(parameters);
        if (!r)
                r = pack_string(parameters, PROTECTOR_WIDTH, inner.name);
        if (!r)
                r = pack_bytes(parameters, PARAMETERS_WIDTH, buffer_contents(&inner.parameters));
        if (!r)
                r = key_of_passphrase(&key, store, password);

        return r ?: wrap(store, key, buffer_contents(&inner.wrapped_key));
}

int protector_unlock(struct store *store, const struct secret *password) {
        _cleanup_(protection_deinit) struct protection inner = {};
        _cleanup_(secret_freep) struct secret *key = NULL, *wrapped = NULL;
        struct bytes parameters;
        int r;

        if (!secret_is_passphrase(password) || !protector_is_locked(store))
                return -EBADMSG;

        r = unpack_locked(&inner.name, &parameters, store);
        if (!r)
                r = key_of_passphrase(&key, store, password);
        if (!r)
                r = unwrap(&wrapped, store, key);
        if (!r)
                r = buffer_append(&inner.parameters, parameters.data, parameters.n);
        if (!r)
                r = buffer_append(&inner.wrapped_key, secret_bytes(wrapped), secret_size(wrapped));
        if (r)
                return r;

        protection_swap(&inner, &store->protection);
        return 0;
}
