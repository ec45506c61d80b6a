#pragma once

/*
 * Retain: what opens a store that a person would else have to open, kept by the service manager over a restart,
 * a crash and an upgrade (fd-store.h): the data key of a passphrase, and all that is kept in memory only.
 */

#include "daemon/base/fd-store.h"
#include "daemon/model/vault.h"

/* What was kept goes into the vault, before the store is read. keep_unlocked as below: a key that should not
 * have been kept opens nothing. */
void retain_restore(struct fd_store *store, struct vault *vault, bool keep_unlocked);

/* All there is of a store that is about to leave the disk, or that was saved at the very end. */
void retain_image(struct fd_store *store, const struct secret *image);

/* To be called when the vault was opened, saved or locked. keep_unlocked: false: a passphrase's key is not
 * kept. */
void retain_update(struct fd_store *store, const struct vault *vault, bool keep_unlocked);
