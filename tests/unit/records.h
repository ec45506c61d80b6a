#pragma once

/* Records, changes and lists of them, made in a line; a failure to make one fails the test. */

#include "daemon/model/record.h"
#include "daemon/model/store.h"

/* id fills the UUID; resource_server NULL makes an account. */
static inline struct record *make_record(unsigned char id, uint64_t generation, const char *profile,
                                         const char *resource_server) {
        struct record *record = calloc(1, sizeof(*record));

        assert_non_null(record);
        list_init(&record->link);
        record->kind = resource_server ? RECORD_GRANT : RECORD_ACCOUNT;
        memset(record->uuid, id, sizeof(record->uuid));
        record->generation = generation;
        record->profile = strdup(profile);
        record->resource_server = resource_server ? strdup(resource_server) : NULL;
        assert_int_equal(secret_new(&record->payload, &id, 1), 0);
        return record;
}

static inline void set_payload(struct record *record, const char *payload) {
        secret_free(record->payload);
        assert_int_equal(secret_new(&record->payload, payload, strlen(payload)), 0);
}

static inline void add_change(struct list *changes, enum change_type type, struct record *record) {
        struct change *change = calloc(1, sizeof(*change));

        assert_non_null(change);
        change->type = type;
        change->record = record;
        list_append(changes, &change->link);
}

static inline struct record *find_record(struct store *store, unsigned char id) {
        for (struct list *l = store->records.next; l != &store->records; l = l->next) {
                struct record *record = CONTAINER(l, struct record, link);

                if (record->uuid[0] == id)
                        return record;
        }

        return NULL;
}

static inline size_t count_records(const struct store *store) {
        size_t n = 0;

        for (struct list *l = store->records.next; l != &store->records; l = l->next)
                n++;

        return n;
}
