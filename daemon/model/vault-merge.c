#include "daemon/model/vault-private.h"

#include <errno.h>

struct entry {
        unsigned char uuid[UUID_SIZE];
        struct record *record; /* borrowed */
};

/* The records of a store in the order of their UUIDs. */
struct catalog {
        struct entry *entries;
        size_t n;
};

static void catalog_deinit(struct catalog *catalog) {
        free(catalog->entries);
}

static int compare(const void *a, const void *b) {
        const struct entry *x = a, *y = b;

        return memcmp(x->uuid, y->uuid, UUID_SIZE);
}

static int catalog_init(struct catalog *ret, const struct store *store) {
        size_t n = 0;

        for (const struct list *l = store->records.next; l != &store->records; l = l->next)
                n++;

        ret->entries = calloc(MAX(n, (size_t)1), sizeof(*ret->entries));
        if (!ret->entries)
                return -ENOMEM;

        for (const struct list *l = store->records.next; l != &store->records; l = l->next) {
                struct entry *entry = &ret->entries[ret->n++];

                entry->record = CONTAINER(l, struct record, link);
                memcpy(entry->uuid, entry->record->uuid, UUID_SIZE);
        }

        qsort(ret->entries, ret->n, sizeof(*ret->entries), compare);
        return 0;
}

static bool catalog_has(const struct catalog *catalog, const unsigned char uuid[static UUID_SIZE]) {
        struct entry key;

        memcpy(key.uuid, uuid, UUID_SIZE);
        return bsearch(&key, catalog->entries, catalog->n, sizeof(*catalog->entries), compare);
}

/* Its grants stay: each has a record of its own, by which it is judged. */
static void update_account(struct account *account, struct account *newer) {
        struct identity *identity = account->identity;
        struct origin origin = account->origin;

        memcpy(account->uuid, newer->uuid, UUID_SIZE);
        account->generation = newer->generation;
        account->identity = newer->identity;
        account->origin = newer->origin;
        newer->identity = identity;
        newer->origin = origin;
}

static int merge_account(struct vault *vault, const struct catalog *catalog, struct record *record) {
        _cleanup_(account_freep) struct account *newer = NULL;
        struct account *account = vault_find_account(vault, record->profile);
        int r;

        if (pending_is_unsaved(&vault->pending, record->uuid) ||
            (account && pending_is_unsaved(&vault->pending, account->uuid)))
                return 0;
        if (account && uuid_equal(account->uuid, record->uuid) && account->generation >= record->generation)
                return account->generation > record->generation
                               ? pending_add_account(&vault->pending, CHANGE_REPLACE, account)
                               : 0;

        r = record_read(record);
        if (r)
                return r;

        newer = TAKE(record->account);
        if (account && streq(account->identity->sub, newer->identity->sub)) {
                update_account(account, newer);
                return 0;
        }

        if (account)
                vault_drop_account(vault, account);

        r = vault_insert_account(vault, newer);
        if (r)
                return r;

        newer = NULL;
        return 0;
}

/* The same grant with what the other daemon's refresh brought, under the id that waiters know. */
static void update_grant(struct grant *grant, struct grant *newer) {
        struct grant old = *grant;

        *grant = *newer;
        grant->link = old.link;
        grant->account = old.account;
        grant->id = old.id;
        grant->change = old.change;
        grant->used_at = MAX(old.used_at, newer->used_at);
        grant->tries = old.tries;
        grant_reset_tries(grant);

        old.link = newer->link;
        old.tries = newer->tries;
        *newer = old;
}

/* Where the account here is not the one on disk, the grants there may be another identity's: a commit
 * decides. */
static int merge_grant(struct vault *vault, const struct catalog *catalog, struct record *record) {
        _cleanup_(grant_freep) struct grant *newer = NULL;
        struct account *account = vault_find_account(vault, record->profile);
        struct grant *grant;
        int r;

        if (!account || !catalog_has(catalog, account->uuid))
                return 0;

        grant = account_find(account, record->resource_server);
        if (grant && pending_is_unsaved(&vault->pending, grant->uuid))
                return 0;
        if (grant && uuid_equal(grant->uuid, record->uuid) && grant->generation >= record->generation)
                return grant->generation > record->generation
                               ? pending_add_grant(&vault->pending, CHANGE_REPLACE, grant)
                               : 0;

        r = record_read(record);
        if (r)
                return r;

        newer = TAKE(record->grant);
        if (newer->restored.loaded_usec <= vault->redated_usec)
                grant_redate(newer); /* it was read before the wall clock was set */
        if (grant && uuid_equal(grant->uuid, record->uuid)) {
                update_grant(grant, newer);
                return 0;
        }

        if (grant)
                vault_drop_grant(vault, grant);

        r = vault_insert_grant(vault, account, newer);
        if (r)
                return r;

        newer = NULL;
        return 0;
}

static bool is_gone(const struct vault *vault, const struct catalog *catalog,
                    const unsigned char uuid[static UUID_SIZE]) {
        return !pending_is_unsaved(&vault->pending, uuid) && !catalog_has(catalog, uuid);
}

static void drop_gone_grants(struct vault *vault, struct account *account, const struct catalog *catalog) {
        struct list *next;

        for (struct list *l = account->grants.next; l != &account->grants; l = next) {
                struct grant *grant = CONTAINER(l, struct grant, link);

                next = l->next;
                if (is_gone(vault, catalog, grant->uuid))
                        vault_drop_grant(vault, grant);
        }
}

static void drop_gone(struct vault *vault, const struct catalog *catalog) {
        struct list *next;

        for (struct list *l = vault->accounts.next; l != &vault->accounts; l = next) {
                struct account *account = CONTAINER(l, struct account, link);

                next = l->next;
                if (is_gone(vault, catalog, account->uuid))
                        vault_drop_account(vault, account);
                else
                        drop_gone_grants(vault, account, catalog);
        }
}

/* Accounts come first: the grants go into them. */
static int merge_records(struct vault *vault, const struct catalog *catalog, enum record_kind kind,
                         int (*merge)(struct vault *, const struct catalog *, struct record *)) {
        int r;

        for (size_t i = 0; i < catalog->n; i++) {
                struct record *record = catalog->entries[i].record;

                r = record->kind == kind ? merge(vault, catalog, record) : 0;
                if (r && r != -EBADMSG)
                        return r;
        }

        return 0;
}

/* What is kept in memory is each agent's own: it goes to the disk as changes where another one has moved there,
 * and is not for others to end. */
static int leave_memory(struct vault *vault, const struct store *store) {
        return vault->protector == PROTECTOR_MEMORY && protector_of(store) != PROTECTOR_MEMORY
                       ? vault_store_lost(vault)
                       : 0;
}

static int merge_all(struct vault *vault, const struct store *store) {
        _cleanup_(catalog_deinit) struct catalog catalog = {0};
        int r;

        r = catalog_init(&catalog, store);
        if (r)
                return r;

        r = merge_records(vault, &catalog, RECORD_ACCOUNT, merge_account);
        if (r)
                return r;

        r = merge_records(vault, &catalog, RECORD_GRANT, merge_grant);
        if (r)
                return r;

        drop_gone(vault, &catalog);
        return 0;
}

/* What the store is a version of, and how it is opened. */
static int take_protection(struct vault *vault, const struct store *store) {
        struct store_key key = {};
        int r;

        r = protector_get_key(&key, store);
        if (!r)
                r = vault_set_protection(vault, store);
        if (r) {
                store_key_deinit(&key);
                return r;
        }

        vault_set_key(vault, &key);
        if (vault->protector != PROTECTOR_MEMORY)
                vault_set_image(vault, NULL);
        vault->version = store->version;
        return 0;
}

int vault_merge(struct vault *vault, struct store *store) {
        bool stays_in_memory = vault->protector == PROTECTOR_MEMORY && protector_of(store) == PROTECTOR_MEMORY;
        int r;

        r = leave_memory(vault, store);
        if (!r && !stays_in_memory)
                r = merge_all(vault, store);

        return r ?: take_protection(vault, store);
}
