#include "daemon/model/pending.h"

#include <errno.h>

#include "proto/buffer.h"
#include "proto/writer.h"

struct mark {
        struct list link; /* pending.marks */
        unsigned char uuid[UUID_SIZE];
        struct change *change; /* borrowed: of pending.changes; NULL: a save carries it */
        uint64_t number; /* of the last change */
};

static void mark_free(struct mark *mark) {
        list_unlink(&mark->link);
        free(mark);
}

void pending_init(struct pending *pending) {
        *pending = (struct pending){0};
        list_init(&pending->changes);
        for (size_t i = 0; i < PENDING_BUCKETS; i++)
                list_init(&pending->marks[i]);
}

static void bucket_forget(struct list *marks, uint64_t number) {
        struct list *next;

        for (struct list *l = marks->next; l != marks; l = next) {
                struct mark *mark = CONTAINER(l, struct mark, link);

                next = l->next;
                if (mark->number <= number)
                        mark_free(mark);
        }
}

void pending_saved(struct pending *pending, uint64_t number) {
        pending->saved = MAX(pending->saved, number);
        for (size_t i = 0; i < PENDING_BUCKETS; i++)
                bucket_forget(&pending->marks[i], pending->saved);
}

void pending_forget(struct pending *pending) {
        change_free_all(&pending->changes);
        pending_saved(pending, pending->changed);
}

static struct mark *find_mark(const struct pending *pending, const unsigned char uuid[static UUID_SIZE]) {
        const struct list *marks = &pending->marks[uuid[0]];

        for (const struct list *l = marks->next; l != marks; l = l->next) {
                struct mark *mark = CONTAINER(l, struct mark, link);

                if (uuid_equal(mark->uuid, uuid))
                        return mark;
        }

        return NULL;
}

bool pending_is_unsaved(const struct pending *pending, const unsigned char uuid[static UUID_SIZE]) {
        return find_mark(pending, uuid);
}

static int make_mark(struct mark **ret, struct pending *pending, const unsigned char uuid[static UUID_SIZE]) {
        struct mark *mark = find_mark(pending, uuid);

        if (!mark) {
                mark = calloc(1, sizeof(*mark));
                if (!mark)
                        return -ENOMEM;

                memcpy(mark->uuid, uuid, UUID_SIZE);
                list_append(&pending->marks[uuid[0]], &mark->link);
        }

        *ret = mark;
        return 0;
}

/* What an earlier and a later change to one record come to. */
static enum change_type join_types(enum change_type earlier, enum change_type later) {
        return earlier == CHANGE_ADD && later == CHANGE_REPLACE ? CHANGE_ADD : later;
}

/* Takes the record over, also on failure. */
static int push(struct pending *pending, enum change_type type, struct record *record) {
        _cleanup_(record_freep) struct record *taken = record;
        struct change *change, *earlier;
        struct mark *mark;
        int r;

        change = calloc(1, sizeof(*change));
        if (!change)
                return -ENOMEM;

        list_init(&change->link);
        r = make_mark(&mark, pending, record->uuid);
        if (r) {
                change_free(change);
                return r;
        }

        earlier = mark->change;
        change->type = earlier ? join_types(earlier->type, type) : type;
        change->number = mark->number = ++pending->changed;
        change->record = TAKE(taken);
        /* in the earlier one's place: an account comes before the grants that it makes room for */
        list_append(earlier ? &earlier->link : &pending->changes, &change->link);
        mark->change = change;
        change_free(earlier);
        return 0;
}

/* Takes the payload out of the buffer into locked memory. */
static int record_set_payload(struct record *record, const struct writer *writer) {
        if (writer->r)
                return writer->r;

        return secret_new(&record->payload, buffer_bytes(writer->out), buffer_size(writer->out));
}

static int record_new(struct record **ret, const char *profile, const char *resource_server) {
        _cleanup_(record_freep) struct record *record = NULL;

        record = calloc(1, sizeof(*record));
        if (!record)
                return -ENOMEM;

        list_init(&record->link);
        record->kind = resource_server ? RECORD_GRANT : RECORD_ACCOUNT;
        record->profile = strdup(profile);
        if (!record->profile)
                return -ENOMEM;

        if (resource_server) {
                record->resource_server = strdup(resource_server);
                if (!record->resource_server)
                        return -ENOMEM;
        }

        *ret = TAKE(record);
        return 0;
}

int pending_add_account(struct pending *pending, enum change_type type, const struct account *account) {
        _cleanup_(record_freep) struct record *record = NULL;
        _cleanup_(buffer_deinit) struct buffer payload = {0};
        struct writer writer = WRITER_INIT(&payload);
        int r;

        r = record_new(&record, account->profile, NULL);
        if (r)
                return r;

        memcpy(record->uuid, account->uuid, UUID_SIZE);
        record->generation = account->generation;
        if (type != CHANGE_REMOVE) {
                account_write(account, &writer);
                r = record_set_payload(record, &writer);
                if (r)
                        return r;
        }

        return push(pending, type, TAKE(record));
}

int pending_add_grant(struct pending *pending, enum change_type type, struct grant *grant) {
        _cleanup_(record_freep) struct record *record = NULL;
        _cleanup_(buffer_deinit) struct buffer payload = {0};
        struct writer writer = WRITER_INIT(&payload);
        int r;

        r = record_new(&record, grant->account->profile, grant->resource_server);
        if (r)
                return r;

        memcpy(record->uuid, grant->uuid, UUID_SIZE);
        record->generation = grant->generation;
        if (type != CHANGE_REMOVE) {
                grant_write(grant, &writer);
                r = record_set_payload(record, &writer);
                if (r)
                        return r;
        }

        r = push(pending, type, TAKE(record));
        if (r)
                return r;

        grant->change = pending->changed;
        return 0;
}

uint64_t pending_take(struct pending *pending, struct list *ret) {
        for (struct list *l = pending->changes.next; l != &pending->changes; l = l->next)
                find_mark(pending, CONTAINER(l, struct change, link)->record->uuid)->change = NULL;

        list_move_all(ret, &pending->changes);
        return pending->changed;
}

/* A change whose record was changed again meanwhile is void, but for its having been the first, in its
 * place. */
void pending_return(struct pending *pending, struct list *changes) {
        struct list *place = pending->changes.next, *first;

        while ((first = list_first(changes))) {
                struct change *change = CONTAINER(first, struct change, link);
                struct mark *mark = find_mark(pending, change->record->uuid);
                struct change *later = mark->change;

                if (later) {
                        if (place == &later->link)
                                place = place->next;
                        later->type = join_types(change->type, later->type);
                        change_free(change);
                        first = &later->link;
                } else {
                        mark->change = change;
                }

                list_unlink(first);
                list_append(place, first);
        }
}
