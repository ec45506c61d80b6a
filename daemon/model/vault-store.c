/* The vault and the store that it is a cache of. */

#include "daemon/model/vault-private.h"

const struct store_version *vault_version(const struct vault *vault) {
        return &vault->version;
}

int vault_store_lost(struct vault *vault) {
        int r = 0;

        vault->version = (struct store_version){};
        for (struct list *l = vault->accounts.next; !r && l != &vault->accounts; l = l->next) {
                struct account *account = CONTAINER(l, struct account, link);

                r = pending_add_account(&vault->pending, CHANGE_ADD, account);
                for (struct list *g = account->grants.next; !r && g != &account->grants; g = g->next)
                        r = pending_add_grant(&vault->pending, CHANGE_ADD, CONTAINER(g, struct grant, link));
        }

        return r;
}

enum protector vault_protector(const struct vault *vault) {
        return vault->protector;
}

const char *vault_protection(const struct vault *vault) {
        return vault->protection;
}

bool vault_needs_passphrase(const struct vault *vault) {
        return vault->state == VAULT_LOCKED && (vault->is_locked || vault->protector == PROTECTOR_PASSPHRASE);
}

int vault_set_protection(struct vault *vault, const struct store *store) {
        char *protection;
        int r;

        r = protector_describe(&protection, store);
        if (r)
                return r;

        free(vault->protection);
        vault->protection = protection;
        vault->protector = protector_of(store);
        vault->is_locked = protector_is_locked(store);
        return 0;
}

const struct store_key *vault_key(const struct vault *vault) {
        return &vault->key;
}

void vault_set_key(struct vault *vault, struct store_key *key) {
        store_key_deinit(&vault->key);
        vault->key = *key;
        *key = (struct store_key){};
}

const struct secret *vault_image(const struct vault *vault) {
        return vault->image;
}

void vault_set_image(struct vault *vault, struct secret *image) {
        secret_free(vault->image);
        vault->image = image;
}

void vault_forget_store(struct vault *vault) {
        store_key_deinit(&vault->key);
        vault_set_image(vault, NULL);
        vault->version = (struct store_version){};
        vault->protector = PROTECTOR_UNKNOWN;
        vault->is_locked = false;
        free(vault->protection);
        vault->protection = NULL;
}

void vault_wipe(struct vault *vault) {
        struct list *first;

        while ((first = list_first(&vault->accounts)))
                account_free(CONTAINER(first, struct account, link));

        vault->profiles.n = vault->grants.n = 0;
        pending_forget(&vault->pending);
        store_key_deinit(&vault->key);
        vault_set_image(vault, NULL);
        vault->version = (struct store_version){};
        vault->state = VAULT_LOCKED;
}
