#include "daemon/model/vault-private.h"

#include <errno.h>

static int index_insert(struct index *index, size_t position, void *item) {
        size_t allocated = index->n < index->allocated ? index->allocated : MAX(2 * index->n, (size_t)16);
        void **items = index->items;

        if (allocated > index->allocated) {
                items = reallocarray(items, allocated, sizeof(*items));
                if (!items)
                        return -ENOMEM;

                index->items = items;
                index->allocated = allocated;
        }

        memmove(items + position + 1, items + position, (index->n - position) * sizeof(*items));
        items[position] = item;
        index->n++;
        return 0;
}

static void index_remove(struct index *index, size_t position) {
        index->n--;
        memmove(index->items + position, index->items + position + 1,
                (index->n - position) * sizeof(*index->items));
}

/* Where the account of that profile is, or would be. */
static size_t profile_position(const struct vault *vault, const char *profile) {
        size_t low = 0, high = vault->profiles.n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                const struct account *account = vault->profiles.items[middle];

                if (strcmp(account->profile, profile) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }

        return low;
}

static size_t grant_position(const struct vault *vault, uint64_t id) {
        size_t low = 0, high = vault->grants.n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                const struct grant *grant = vault->grants.items[middle];

                if (grant->id < id)
                        low = middle + 1;
                else
                        high = middle;
        }

        return low;
}

struct account *vault_find_account(struct vault *vault, const char *profile) {
        size_t position = profile_position(vault, profile);
        struct account *account;

        if (position == vault->profiles.n)
                return NULL;

        account = vault->profiles.items[position];
        return streq(account->profile, profile) ? account : NULL;
}

struct grant *vault_find_grant(struct vault *vault, uint64_t grant_id) {
        size_t position = grant_position(vault, grant_id);
        struct grant *grant;

        if (position == vault->grants.n)
                return NULL;

        grant = vault->grants.items[position];
        return grant->id == grant_id ? grant : NULL;
}

int vault_insert_account(struct vault *vault, struct account *account) {
        size_t position = profile_position(vault, account->profile);
        struct list *place = &vault->accounts;
        int r;

        if (position < vault->profiles.n)
                place = &((struct account *)vault->profiles.items[position])->link;

        r = index_insert(&vault->profiles, position, account);
        if (r)
                return r;

        list_append(place, &account->link);
        return 0;
}

int vault_insert_grant(struct vault *vault, struct account *account, struct grant *grant) {
        static uint64_t last_id;
        int r;

        r = index_insert(&vault->grants, vault->grants.n, grant);
        if (r)
                return r;

        grant->id = ++last_id;
        grant->account = account;
        list_append(&account->grants, &grant->link);
        return 0;
}

void vault_drop_grant(struct vault *vault, struct grant *grant) {
        index_remove(&vault->grants, grant_position(vault, grant->id));
        grant_free(grant);
}

void vault_drop_account(struct vault *vault, struct account *account) {
        struct list *first;

        while ((first = list_first(&account->grants)))
                vault_drop_grant(vault, CONTAINER(first, struct grant, link));

        index_remove(&vault->profiles, profile_position(vault, account->profile));
        account_free(account);
}
