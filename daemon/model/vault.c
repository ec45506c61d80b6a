#include "daemon/model/vault.h"

#include <errno.h>

#include "daemon/base/clock.h"
#include "daemon/model/resource.h"
#include "daemon/model/vault-private.h"
#include "proto/strv.h"

int vault_new(struct vault **ret) {
        struct vault *vault;

        vault = calloc(1, sizeof(*vault));
        if (!vault)
                return -ENOMEM;

        list_init(&vault->accounts);
        pending_init(&vault->pending);
        vault->protector = PROTECTOR_UNKNOWN;
        *ret = vault;
        return 0;
}

struct vault *vault_free(struct vault *vault) {
        if (!vault)
                return NULL;

        vault_wipe(vault);
        free(vault->profiles.items);
        free(vault->grants.items);
        free(vault->protection);
        free(vault);
        return NULL;
}

enum vault_state vault_get_state(const struct vault *vault) {
        return vault->state;
}

void vault_set_state(struct vault *vault, enum vault_state state) {
        vault->state = state;
}

struct list *vault_accounts(struct vault *vault) {
        return &vault->accounts;
}

static int64_t now_unix(void) {
        return (int64_t)(clock_realtime_usec() / USEC_PER_SEC);
}

static int add_account(struct account **ret, struct vault *vault, const struct vault_login *login,
                       struct token_set *tokens) {
        _cleanup_(account_freep) struct account *account = NULL;
        int r;

        if (!tokens->identity)
                return -EINVAL;

        r = account_new(&account, login->profile);
        if (r)
                return r;

        r = origin_copy(&account->origin, login->origin);
        if (r)
                return r;

        account->identity = TAKE(tokens->identity);
        r = vault_insert_account(vault, account);
        if (r)
                return r;

        *ret = TAKE(account);
        return 0;
}

/* Also where nothing about it changes: another daemon may have removed it meanwhile, and the grants need it. */
static int renew_account(struct account *account, struct token_set *tokens) {
        struct identity *identity = tokens->identity;

        if (identity && !streq(account->identity->sub, identity->sub))
                return -EEXIST;

        if (identity && !identity_equal(account->identity, identity)) {
                tokens->identity = account->identity;
                account->identity = identity;
        }

        account->generation++;
        return 0;
}

/* The scopes asked for that are of this resource server. */
static int select_scopes(char ***ret, char *const *scopes, const char *resource_server) {
        _cleanup_(strv_freep) char **selected = NULL;
        int r;

        for (; scopes && *scopes; scopes++) {
                _cleanup_(freep) char *server = NULL;

                r = resource_of_scope(&server, *scopes);
                if (r == -EINVAL)
                        continue;
                if (!r && streq(server, resource_server))
                        r = strv_append(&selected, *scopes);
                if (r)
                        return r;
        }

        strv_sort(selected);
        *ret = TAKE(selected);
        return 0;
}

static int make_grant(struct grant **ret, const struct vault_login *login, struct token_set_entry *entry,
                      uint64_t received_usec) {
        _cleanup_(grant_freep) struct grant *grant = NULL;
        int r;

        r = grant_new(&grant, entry->resource_server);
        if (r)
                return r;

        r = origin_copy(&grant->origin, login->origin);
        if (r)
                return r;

        r = select_scopes(&grant->requested, login->requested, entry->resource_server);
        if (r)
                return r;

        r = grant_take_tokens(grant, entry, received_usec);
        if (r)
                return r;

        grant->refreshed_at = grant->used_at = now_unix();
        *ret = TAKE(grant);
        return 0;
}

/* The old one is removed by name: its successor may itself be gone before it is saved. */
static int replace_grant(struct vault *vault, struct account *account, struct grant *grant) {
        _cleanup_(grant_freep) struct grant *taken = grant;
        struct grant *old = account_find(account, grant->resource_server);
        int r;

        if (old) {
                r = pending_add_grant(&vault->pending, CHANGE_REMOVE, old);
                if (r)
                        return r;

                vault_drop_grant(vault, old);
        }

        r = vault_insert_grant(vault, account, taken);
        if (r)
                return r;

        return pending_add_grant(&vault->pending, CHANGE_ADD, TAKE(taken));
}

int vault_add_login(struct vault *vault, const struct vault_login *login, struct token_set *tokens) {
        struct account *account = vault_find_account(vault, login->profile);
        struct grant *grant;
        int r;

        r = account ? renew_account(account, tokens) : add_account(&account, vault, login, tokens);
        if (r)
                return r;

        r = pending_add_account(&vault->pending, CHANGE_ADD, account);
        if (r)
                return r;

        for (size_t i = 0; i < tokens->n_entries; i++) {
                r = make_grant(&grant, login, &tokens->entries[i], tokens->received_usec);
                if (r)
                        return r;

                r = replace_grant(vault, account, grant);
                if (r)
                        return r;
        }

        return 0;
}

static int grant_changed(struct vault *vault, struct grant *grant) {
        grant->generation++;
        return pending_add_grant(&vault->pending, CHANGE_REPLACE, grant);
}

int vault_update_grant(struct vault *vault, uint64_t grant_id, struct token_set *tokens) {
        struct grant *grant = vault_find_grant(vault, grant_id);
        struct token_set_entry *entry;
        int r;

        entry = grant ? token_set_find(tokens, grant->resource_server) : NULL;
        if (!entry)
                return -ENOENT;

        r = grant_take_tokens(grant, entry, tokens->received_usec);
        if (r)
                return r;

        grant->refreshed_at = now_unix();
        grant->state = GRANT_ALIVE;
        grant_reset_tries(grant);
        grant->tries.tried_usec = MAX(grant->tries.tried_usec, tokens->received_usec);
        return grant_changed(vault, grant);
}

int vault_set_grant_state(struct vault *vault, uint64_t grant_id, enum grant_state state, const char *error) {
        struct grant *grant = vault_find_grant(vault, grant_id);
        int r;

        if (!grant)
                return -ENOENT;

        r = grant_set_error(grant, error);
        if (r)
                return r;
        if (grant->state == state)
                return 0;

        grant->state = state;
        return grant_changed(vault, grant);
}

void vault_redate(struct vault *vault) {
        vault->redated_usec = clock_boottime_usec();
        for (struct list *l = vault->accounts.next; l != &vault->accounts; l = l->next) {
                struct account *account = CONTAINER(l, struct account, link);

                for (struct list *g = account->grants.next; g != &account->grants; g = g->next)
                        grant_redate(CONTAINER(g, struct grant, link));
        }
}

int vault_remove_account(struct vault *vault, const char *profile) {
        struct account *account = vault_find_account(vault, profile);
        int r;

        if (!account)
                return -ENOENT;

        r = pending_add_account(&vault->pending, CHANGE_REMOVE, account);
        if (r)
                return r;

        for (struct list *l = account->grants.next; l != &account->grants; l = l->next) {
                r = pending_add_grant(&vault->pending, CHANGE_REMOVE, CONTAINER(l, struct grant, link));
                if (r)
                        return r;
        }

        vault_drop_account(vault, account);
        return 0;
}

uint64_t vault_changed(const struct vault *vault) {
        return vault->pending.changed;
}

uint64_t vault_saved(const struct vault *vault) {
        return vault->pending.saved;
}

bool vault_is_unsaved(const struct vault *vault, const unsigned char uuid[static UUID_SIZE]) {
        return pending_is_unsaved(&vault->pending, uuid);
}

uint64_t vault_take_changes(struct vault *vault, struct list *ret) {
        return pending_take(&vault->pending, ret);
}

void vault_changes_saved(struct vault *vault, uint64_t number) {
        pending_saved(&vault->pending, number);
}

void vault_return_changes(struct vault *vault, struct list *changes) {
        pending_return(&vault->pending, changes);
}
