#pragma once

/*
 * Protector: wraps and unwraps a store's data key; pure.
 *
 * keyfile: 32 random bytes in a file of the user's; the key that wraps is HKDF-SHA256 of it, salted with the
 * store's id, for this uid: a copy of store and key file is of no use to another user of the same program.
 * passphrase: the key that wraps is derived from it by scrypt (RFC 7914), which takes a while and 128 MiB.
 * systemd-creds: a service of the machine wraps; what it made is all that is kept. plaintext: nothing wraps.
 * memory: such a store holds nothing, but says that logins are not to be written to disk.
 *
 * Any of them can be locked with a password: what it wrapped is wrapped once more, as by a passphrase.
 */

#include <sys/types.h>

#include "daemon/model/store.h"

enum protector {
        PROTECTOR_SYSTEMD_CREDS,
        PROTECTOR_KEYFILE,
        PROTECTOR_PASSPHRASE,
        PROTECTOR_MEMORY,
        PROTECTOR_PLAINTEXT,
        _PROTECTOR_MAX,
        PROTECTOR_UNKNOWN = _PROTECTOR_MAX, /* a newer agent's */
};

enum { PROTECTOR_KEYFILE_SIZE = 32, PROTECTOR_PASSPHRASE_MAX = 1024 };

/* As it stands in the store, and is told to clients. */
const char *protector_name(enum protector protector);

/* PROTECTOR_UNKNOWN: none has that name. */
enum protector protector_find(const char *name);

/* Of a store that was decoded, whatever locks it. */
enum protector protector_of(const struct store *store);
bool protector_is_locked(const struct store *store);

/* What it takes to open it again, and to write it anew should it get lost, where else a person or a service of
 * the machine would have to be asked; of other stores it is nothing. */
int protector_get_key(struct store_key *ret, const struct store *store);

/* How it is protected, in words for people. *ret is owned. */
int protector_describe(char **ret, const struct store *store);

/* Names the protector in the store and wraps its data key. secret: contents of the key file, passphrase, NULL
 * for plaintext and memory. -EINVAL: it is of a size that cannot be. */
int protector_wrap(struct store *store, enum protector protector, const struct secret *secret, uid_t uid);

/* The same for systemd-creds: what its service made of the data key. */
int protector_wrap_blob(struct store *store, struct bytes blob);

/* Sets store->data_key of a store that is not locked. -EBADMSG: another secret, another uid, or a damaged
 * header. */
int protector_unwrap(struct store *store, const struct secret *secret, uid_t uid);

/* The same for systemd-creds: the service gave this for the blob, which is store->protection.wrapped_key. */
int protector_unwrap_blob(struct store *store, const struct secret *data_key);

/* Wraps once more what the protector wrapped; and undoes that. -EBADMSG: another password, or damaged. */
int protector_lock(struct store *store, const struct secret *password);
int protector_unlock(struct store *store, const struct secret *password);
