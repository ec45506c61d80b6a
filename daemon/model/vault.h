#pragma once

/*
 * Vault: the sole holder of accounts and their grants, and of what has changed since it was last saved.
 *
 * The file is the truth and memory a cache of it: what is changed here goes out as changes (record.h), and
 * what the disk turned out to hold comes back in by vault_merge(). The vault never reads or writes files
 * itself.
 */

#include "daemon/model/account.h"
#include "daemon/model/protector.h"
#include "daemon/model/record.h"
#include "daemon/model/store.h"
#include "daemon/model/uuid.h"

enum vault_state {
        VAULT_OPENING, /* the disk has not been read yet */
        VAULT_OPEN,
        VAULT_LOCKED, /* wiped, or the store waits for its passphrase */
        VAULT_UNREADABLE, /* there is a store that cannot be read: memory only */
};

struct vault;

int vault_new(struct vault **ret);
struct vault *vault_free(struct vault *vault);

enum vault_state vault_get_state(const struct vault *vault);
void vault_set_state(struct vault *vault, enum vault_state state);

/* All accounts: account.link. Borrowed until the vault changes, as is all that is found. In the order of
 * profiles. Finding one costs the logarithm of their number. */
struct list *vault_accounts(struct vault *vault);
struct account *vault_find_account(struct vault *vault, const char *profile);
struct grant *vault_find_grant(struct vault *vault, uint64_t grant_id);

/* What a login brought. Takes tokens and identity out of the set. A grant for the same resource server is
 * replaced by one with a new id. The profile's account is made if there is none; another identity's must
 * have been removed before (-EEXIST). -EINVAL: neither account nor identity. */
struct vault_login {
        const char *profile;
        const struct origin *origin;
        char *const *requested; /* scopes asked for */
};
int vault_add_login(struct vault *vault, const struct vault_login *login, struct token_set *tokens);

/* The answer to a refresh. -ENOENT: the grant is gone, or the set has no entry for its resource server. */
int vault_update_grant(struct vault *vault, uint64_t grant_id, struct token_set *tokens);

/* Globus ended it, or will not have its client for now. What it holds stays. Error in words. -ENOENT: the
 * grant is gone. */
int vault_set_grant_state(struct vault *vault, uint64_t grant_id, enum grant_state state, const char *error);

/* The wall clock was set: see grant_redate(). */
void vault_redate(struct vault *vault);

/* -ENOENT: there is none. */
int vault_remove_account(struct vault *vault, const char *profile);

/* Changes are numbered from 1. The number of the last one, and the last one known to be on disk. */
uint64_t vault_changed(const struct vault *vault);
uint64_t vault_saved(const struct vault *vault);

/* Whether a change to this account or grant, which may be its removal, is not on disk yet. */
bool vault_is_unsaved(const struct vault *vault, const unsigned char uuid[static UUID_SIZE]);

/* Moves the pending changes to the end of a list for a save; which says in the end that they are saved,
 * with the number returned here (they are not in its order), or gives them back. */
uint64_t vault_take_changes(struct vault *vault, struct list *ret);
void vault_changes_saved(struct vault *vault, uint64_t number);
void vault_return_changes(struct vault *vault, struct list *changes);

/* Takes over what is on disk: records that are new or newer there are loaded, those that are gone there are
 * dropped, and vault_version() is the store's. What is not saved yet (pending, or carried by a save) stays as
 * it is here, so after a commit say first that it is saved. What is older there than here, from an old copy put
 * back, say, is a change once more. A record that cannot be understood, or a grant without an account, is left
 * alone on disk and passed over. What is loaded is taken out of the store, where it may have been read before:
 * see news.h. The image is dropped where the store is not kept in memory. */
int vault_merge(struct vault *vault, struct store *store);

/* Which version of the store the vault is a cache of; none before the first. Borrowed. */
const struct store_version *vault_version(const struct vault *vault);

/* What protects that store, which may not have been opened yet, and in words for people. PROTECTOR_UNKNOWN, and
 * NULL, before there is one. Borrowed. */
enum protector vault_protector(const struct vault *vault);
const char *vault_protection(const struct vault *vault);
bool vault_needs_passphrase(const struct vault *vault);
int vault_set_protection(struct vault *vault, const struct store *store);

/* What opens that store; and, where it is kept in memory, all there is of it, NULL else. Borrowed; the setters
 * take over. */
const struct store_key *vault_key(const struct vault *vault);
void vault_set_key(struct vault *vault, struct store_key *key);
const struct secret *vault_image(const struct vault *vault);
void vault_set_image(struct vault *vault, struct secret *image);

/* It is out of the way, and the next one begins anew. */
void vault_forget_store(struct vault *vault);

/* Forgets all that is held, saved or not, and what opens the store: the vault is locked then. */
void vault_wipe(struct vault *vault);

/* The store is gone from the disk, which is no logout: all that is held is a change once more. */
int vault_store_lost(struct vault *vault);

DEFINE_CLEANUP(struct vault, vault_free);
