#pragma once

/*
 * Protector: wraps and unwraps a store's data key; pure.
 *
 * keyfile: 32 random bytes in a file of the user's; the key that wraps is HKDF-SHA256 of it, salted with the
 * store's id, for this uid: a copy of store and key file is of no use to another user of the same program.
 */

#include <sys/types.h>

#include "daemon/model/store.h"

#define PROTECTOR_KEYFILE "keyfile"

enum { PROTECTOR_KEYFILE_SIZE = 32 };

/* Names the protector in the store and wraps its data key. */
int protector_wrap_keyfile(struct store *store, const struct secret *keyfile, uid_t uid);

/* Sets store->data_key. -EBADMSG: another key file, another uid, or a damaged header. */
int protector_unwrap_keyfile(struct store *store, const struct secret *keyfile, uid_t uid);
