#include "daemon/model/record.h"

#include <errno.h>

#include "daemon/model/account.h"
#include "daemon/model/grant.h"
#include "daemon/model/pack.h"
#include "daemon/model/uuid.h"

enum { KIND_WIDTH = 1, GENERATION_WIDTH = 8, NAME_WIDTH = 2, PAYLOAD_WIDTH = 4 };

struct record *record_free(struct record *record) {
        if (!record)
                return NULL;

        list_unlink(&record->link);
        free(record->profile);
        free(record->resource_server);
        secret_free(record->payload);
        account_free(record->account);
        grant_free(record->grant);
        free(record);
        return NULL;
}

struct change *change_free(struct change *change) {
        if (!change)
                return NULL;

        list_unlink(&change->link);
        record_free(change->record);
        free(change);
        return NULL;
}

void change_free_all(struct list *changes) {
        struct list *first;

        while ((first = list_first(changes)))
                change_free(CONTAINER(first, struct change, link));
}

static int record_new(struct record **ret) {
        struct record *record;

        record = calloc(1, sizeof(*record));
        if (!record)
                return -ENOMEM;

        list_init(&record->link);
        *ret = record;
        return 0;
}

static bool record_is_whole(const struct record *record) {
        if (!record->profile || !record->payload || secret_size(record->payload) == 0)
                return false;

        switch (record->kind) {
        case RECORD_ACCOUNT:
                return !record->resource_server;
        case RECORD_GRANT:
                return record->resource_server;
        }

        return false;
}

int record_copy(struct record **ret, const struct record *record) {
        _cleanup_(record_freep) struct record *copy = NULL;
        int r;

        if (!record_is_whole(record))
                return -EINVAL;

        r = record_new(&copy);
        if (r)
                return r;

        copy->kind = record->kind;
        copy->generation = record->generation;
        memcpy(copy->uuid, record->uuid, sizeof(copy->uuid));

        copy->profile = strdup(record->profile);
        if (!copy->profile)
                return -ENOMEM;

        if (record->resource_server) {
                copy->resource_server = strdup(record->resource_server);
                if (!copy->resource_server)
                        return -ENOMEM;
        }

        r = secret_copy(&copy->payload, record->payload);
        if (r)
                return r;

        *ret = TAKE(copy);
        return 0;
}

int record_encode(struct buffer *out, const struct record *record) {
        int r;

        if (!record_is_whole(record))
                return -EINVAL;

        r = pack_integer(out, KIND_WIDTH, record->kind);
        if (r)
                return r;
        r = buffer_append(out, record->uuid, sizeof(record->uuid));
        if (r)
                return r;
        r = pack_integer(out, GENERATION_WIDTH, record->generation);
        if (r)
                return r;
        r = pack_string(out, NAME_WIDTH, record->profile);
        if (r)
                return r;
        r = pack_string(out, NAME_WIDTH, record->resource_server);
        if (r)
                return r;

        return pack_bytes(out, PAYLOAD_WIDTH,
                          (struct bytes){secret_bytes(record->payload), secret_size(record->payload)});
}

static int decode_rest(struct record *record, struct bytes *from) {
        struct bytes payload;
        int r;

        r = unpack_string(&record->profile, from, NAME_WIDTH);
        if (r)
                return r;
        r = unpack_string(&record->resource_server, from, NAME_WIDTH);
        if (r)
                return r;
        r = unpack_bytes(&payload, from, PAYLOAD_WIDTH);
        if (r)
                return r;
        if (payload.n == 0)
                return -EBADMSG;

        return secret_new(&record->payload, payload.data, payload.n);
}

int record_decode(struct record **ret, struct bytes *from) {
        _cleanup_(record_freep) struct record *record = NULL;
        struct bytes uuid;
        uint64_t kind;
        int r;

        r = unpack_integer(&kind, from, KIND_WIDTH);
        if (r)
                return r;
        if (kind != RECORD_ACCOUNT && kind != RECORD_GRANT)
                return -EBADMSG;
        r = unpack(&uuid, from, sizeof(record->uuid));
        if (r)
                return r;

        r = record_new(&record);
        if (r)
                return r;

        record->kind = (enum record_kind)kind;
        memcpy(record->uuid, uuid.data, sizeof(record->uuid));

        r = unpack_integer(&record->generation, from, GENERATION_WIDTH);
        if (r)
                return r;
        r = decode_rest(record, from);
        if (r)
                return r;
        if (!record_is_whole(record))
                return -EBADMSG;

        *ret = TAKE(record);
        return 0;
}

static int read_account(struct record *record) {
        _cleanup_(account_freep) struct account *account = NULL;
        int r;

        r = account_parse(&account, secret_string(record->payload), secret_size(record->payload));
        if (r)
                return r;
        if (!streq(account->profile, record->profile))
                return -EBADMSG;

        memcpy(account->uuid, record->uuid, UUID_SIZE);
        account->generation = record->generation;
        record->account = TAKE(account);
        return 0;
}

static int read_grant(struct record *record) {
        _cleanup_(grant_freep) struct grant *grant = NULL;
        int r;

        r = grant_parse(&grant, secret_string(record->payload), secret_size(record->payload));
        if (r)
                return r;
        if (!streq(grant->resource_server, record->resource_server))
                return -EBADMSG;

        memcpy(grant->uuid, record->uuid, UUID_SIZE);
        grant->generation = record->generation;
        record->grant = TAKE(grant);
        return 0;
}

int record_read(struct record *record) {
        int r;

        if (record->account || record->grant)
                return 0;
        if (record->strange)
                return -EBADMSG;

        r = record->kind == RECORD_ACCOUNT ? read_account(record) : read_grant(record);
        record->strange = r == -EBADMSG;
        return r;
}
