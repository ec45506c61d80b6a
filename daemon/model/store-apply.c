#include "daemon/model/store.h"

#include <errno.h>

#include "daemon/model/account.h"
#include "daemon/model/record.h"

static bool same_uuid(const struct record *a, const struct record *b) {
        return memcmp(a->uuid, b->uuid, sizeof(a->uuid)) == 0;
}

static bool same_name(const struct record *a, const struct record *b) {
        if (a->kind != b->kind || !streq(a->profile, b->profile))
                return false;

        return a->kind == RECORD_ACCOUNT || streq(a->resource_server, b->resource_server);
}

static struct record *find(const struct store *store, const struct record *like,
                           bool (*same)(const struct record *a, const struct record *b)) {
        for (struct list *l = store->records.next; l != &store->records; l = l->next) {
                struct record *record = CONTAINER(l, struct record, link);

                if (same(record, like))
                        return record;
        }

        return NULL;
}

static bool has_account(const struct store *store, const char *profile) {
        for (struct list *l = store->records.next; l != &store->records; l = l->next) {
                struct record *record = CONTAINER(l, struct record, link);

                if (record->kind == RECORD_ACCOUNT && streq(record->profile, profile))
                        return true;
        }

        return false;
}

/* profile NULL: the grants of all profiles that have no account. */
static bool drop_grants(struct store *store, const char *profile) {
        struct list *next;
        bool dropped = false;

        for (struct list *l = store->records.next; l != &store->records; l = next) {
                struct record *record = CONTAINER(l, struct record, link);

                next = l->next;
                if (record->kind != RECORD_GRANT)
                        continue;
                if (profile ? !streq(record->profile, profile) : has_account(store, record->profile))
                        continue;

                record_free(record);
                dropped = true;
        }

        return dropped;
}

/* *ret: whether two accounts are one identity's, whose name may have changed in between. One that cannot be
 * understood is nobody else's. */
static int same_identity(bool *ret, const struct record *a, const struct record *b) {
        const struct record *records[] = {a, b};
        struct account *accounts[ARRAY_SIZE(records)] = {};
        int r = 0;

        for (size_t i = 0; !r && i < ARRAY_SIZE(records); i++)
                r = account_parse(&accounts[i], secret_string(records[i]->payload),
                                  secret_size(records[i]->payload));
        *ret = r ? secret_equal(a->payload, b->payload)
                 : streq(accounts[0]->identity->sub, accounts[1]->identity->sub);

        account_free(accounts[0]);
        account_free(accounts[1]);
        return r == -EBADMSG ? 0 : r;
}

/*
 * Another daemon may have logged another identity into the same profile. The grants belong to the account that
 * they came with, so they go with it, unless the account was merely logged in once more.
 */
static int make_room(struct store *store, const struct record *record) {
        struct record *named = find(store, record, same_name);
        bool same = true;
        int r = 0;

        if (!named)
                return 0;

        if (named->kind == RECORD_ACCOUNT && !same_uuid(named, record))
                r = same_identity(&same, named, record);
        if (r)
                return r;
        if (!same)
                drop_grants(store, named->profile);

        record_free(named);
        return 0;
}

static int apply_add(struct store *store, const struct record *record, bool *changed) {
        struct record *there = find(store, record, same_uuid), *copy;
        int r;

        if (there && there->generation >= record->generation)
                return 0;

        r = record_copy(&copy, record);
        if (r)
                return r;

        r = make_room(store, copy);
        if (r) {
                record_free(copy);
                return r;
        }

        record_free(find(store, copy, same_uuid));
        list_append(&store->records, &copy->link);
        *changed = true;
        return 0;
}

static int apply_replace(struct store *store, const struct record *record, bool *changed) {
        struct record *there = find(store, record, same_uuid), *copy;
        int r;

        if (!there || there->generation >= record->generation)
                return 0;

        r = record_copy(&copy, record);
        if (r)
                return r;

        list_append(&there->link, &copy->link); /* into its place */
        record_free(there);
        *changed = true;
        return 0;
}

static void apply_remove(struct store *store, const struct record *record, bool *changed) {
        struct record *there = find(store, record, same_uuid);

        if (!there)
                return;

        if (there->kind == RECORD_ACCOUNT)
                drop_grants(store, there->profile);

        record_free(there);
        *changed = true;
}

static int apply(struct store *store, const struct change *change, bool *changed) {
        switch (change->type) {
        case CHANGE_ADD:
                return apply_add(store, change->record, changed);
        case CHANGE_REPLACE:
                return apply_replace(store, change->record, changed);
        case CHANGE_REMOVE:
                apply_remove(store, change->record, changed);
                return 0;
        }

        return -EINVAL;
}

int store_apply(struct store *store, struct list *changes, bool *ret_changed) {
        bool changed = false;
        int r;

        for (struct list *l = changes->next; l != changes; l = l->next) {
                r = apply(store, CONTAINER(l, struct change, link), &changed);
                if (r)
                        return r;
        }

        /* A grant added after another daemon removed its account would fall to the profile's next one. */
        if (drop_grants(store, NULL))
                changed = true;

        *ret_changed = changed;
        return 0;
}
