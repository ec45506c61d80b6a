#pragma once

/*
 * Record: the unit of what is stored and merged: an account or a grant, opaque, until it is read, but for its
 * name and age, and who an account is.
 *
 * Two daemons may share a home, so a save is a list of changes to what is on disk now, never a dump.
 */

#include "proto/buffer.h"
#include "proto/list.h"
#include "proto/macro.h"
#include "proto/secret.h"

enum record_kind { RECORD_ACCOUNT = 1, RECORD_GRANT = 2 };

struct account;
struct grant;

struct record {
        struct list link; /* store.records, or a change's own */
        enum record_kind kind;
        unsigned char uuid[16];
        uint64_t generation;
        char *profile;
        char *resource_server; /* NULL for an account */
        struct secret *payload; /* JSON; NULL in a change that removes */
        struct account *account; /* what record_read() made of it, by its kind; */
        struct grant *grant; /* whoever takes it leaves NULL */
        bool strange; /* nothing could be made of it */
};

enum change_type {
        CHANGE_ADD, /* takes the place of any record for the same profile and resource server */
        CHANGE_REPLACE, /* of the record of this UUID; nothing, if that was removed or is as new or newer */
        CHANGE_REMOVE, /* the record of this UUID */
};

struct change {
        struct list link; /* vault.changes, or of the save that carries it */
        enum change_type type;
        uint64_t number; /* the vault's count */
        struct record *record; /* owned */
};

struct record *record_free(struct record *record);

/* -EINVAL: not one that can be stored: an account has no resource server, a grant has one, both a payload. */
int record_copy(struct record **ret, const struct record *record);

/*
 * As it stands in the body of a store: u8 kind · uuid [16] · u64 generation · u16+profile · u16+resource server
 * (empty: none) · u32+payload. -EBADMSG: damaged.
 */
int record_encode(struct buffer *out, const struct record *record);
int record_decode(struct record **ret, struct bytes *from);

/* Unless that was done before. -EBADMSG: it cannot be understood. */
int record_read(struct record *record);

struct change *change_free(struct change *change);
void change_free_all(struct list *changes);

DEFINE_CLEANUP(struct record, record_free);
DEFINE_CLEANUP(struct change, change_free);
