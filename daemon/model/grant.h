#pragma once

/*
 * Grant: what one identity let one client do at one resource server: the tokens, their scopes, and the origin
 * they are bound to.
 *
 * Its id is for the time of this process and never reused; its UUID and generation are for the disk, where
 * the newer generation wins.
 */

#include "daemon/model/origin.h"
#include "daemon/model/token-set.h"
#include "daemon/model/token.h"
#include "proto/list.h"
#include "proto/macro.h"
#include "proto/writer.h"

struct account;

enum grant_state {
        GRANT_ALIVE,
        GRANT_DEAD, /* Globus said invalid_grant: a person may have it asked once more */
        GRANT_CLIENT_AT_FAULT, /* Globus no longer accepts the client registration; may heal */
};

enum {
        GRANT_IDLE_DAYS = 7, /* unused for so long, it is no longer kept fresh, */
        GRANT_IDLE_REFRESH_DAYS = 30, /* but refreshed this often, so that its refresh token lives */
        GRANT_UNUSED_DAYS_MAX = 182, /* for Globus ends one that is not used for six months; */
        GRANT_WARNING_DAYS = 14, /* a person is told before */
};

/* How refreshing went; not saved. */
struct grant_tries {
        uint64_t tried_usec; /* the last one's start, CLOCK_BOOTTIME; 0: none in this process */
        uint64_t retry_usec; /* no sooner, 0: whenever */
        unsigned failures; /* in a row */
        char *error; /* of the last one, in words; NULL: it worked */
        uint64_t error_usec; /* when that was, CLOCK_BOOTTIME */
        uint64_t urgent_usec; /* a minute begins in which people may insist on tries */
        unsigned urgent; /* such tries in it */
};

/* What the disk said of a token's time. */
struct grant_restored {
        uint64_t loaded_usec; /* CLOCK_BOOTTIME; 0: the token is not from there */
        int64_t obtained_at, expires_at; /* Unix seconds */
};

struct grant {
        struct list link; /* account.grants */
        struct account *account; /* borrowed: the one it belongs to */
        uint64_t id; /* of the vault that it is in; 0: none yet */
        unsigned char uuid[16];
        uint64_t generation;
        uint64_t change; /* the vault's number of its last change: saved when vault_saved() reaches it */

        char *resource_server;
        char **scopes; /* granted; sorted */
        char **requested; /* asked for, dependencies included; sorted */
        struct origin origin;
        enum grant_state state;
        struct token token;
        struct grant_restored restored;
        struct secret *refresh_token; /* NULL: logged in without */
        int64_t refreshed_at; /* Unix seconds: of login or last refresh */
        int64_t used_at; /* Unix seconds: last handed out */
        struct grant_tries tries;
};

/* A new random UUID and a new id; generation 1. */
int grant_new(struct grant **ret, const char *resource_server);
struct grant *grant_free(struct grant *grant);

/* Takes tokens and scopes out of the entry, which keeps only what was not needed. An entry without refresh
 * token keeps the grant's. A new one is taken over even on failure. */
int grant_take_tokens(struct grant *grant, struct token_set_entry *entry, uint64_t received_usec);

/* When the next refresh is due (CLOCK_BOOTTIME), USEC_INFINITY for never: no refresh token, or dead. Respects
 * tries.retry_usec (all there is to wait for where the client is at fault), idleness, and a minute after a try
 * that worked. */
uint64_t grant_refresh_due_usec(const struct grant *grant);

/* Handed out now. True if it had been idle, so that its refresh is due at another time. */
bool grant_use(struct grant *grant);

/* The wall clock was set: reckons anew when a token from the disk ends. Of others it is known whatever the wall
 * clock says. */
void grant_redate(struct grant *grant);

/* The last try failed now, in words. -ENOMEM: they are not known. */
int grant_set_error(struct grant *grant, const char *error);

/* Its refresh token will soon have been unused for so long that Globus ends it, if it has not yet. */
bool grant_expires_soon(const struct grant *grant);

/* It has no token that is valid, and only a login brings another. */
bool grant_needs_login(const struct grant *grant, uint64_t now_usec);

/* A fresh start, but for the time of the last try, which rations the next. */
void grant_reset_tries(struct grant *grant);

/* The payload of its record: one JSON object, with expiry as Unix seconds. */
void grant_write(const struct grant *grant, struct writer *writer);
/* -EBADMSG; uuid and generation are the record's */
int grant_parse(struct grant **ret, const char *payload, size_t n);

DEFINE_CLEANUP(struct grant, grant_free);
