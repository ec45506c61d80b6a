#pragma once

/* Token set: what a token endpoint answered (RFC 6749 section 5.1), one entry per resource server, wherever
 * it stood. */

#include "daemon/model/identity.h"
#include "proto/macro.h"
#include "proto/secret.h"

enum {
        /* In place of an expires_in that is missing or makes no sense; and the most that is believed. */
        TOKEN_LIFETIME_UNKNOWN = 300,
        TOKEN_LIFETIME_MAX = 366 * 24 * 3600,
};

struct token_set_entry {
        char *resource_server;
        char **scopes; /* granted; sorted */
        char *token_type;
        struct secret *access_token;
        struct secret *refresh_token; /* NULL: none came */
        int64_t expires_in; /* seconds, 0 … TOKEN_LIFETIME_MAX */
};

struct token_set {
        struct token_set_entry *entries;
        size_t n_entries;
        struct identity *identity; /* NULL: no id_token came */
        uint64_t received_usec; /* CLOCK_BOOTTIME of the request's start: lifetimes count from here */
};

struct token_set *token_set_free(struct token_set *tokens);

/* A new, empty entry at the end; borrowed. */
int token_set_add(struct token_set_entry **ret, struct token_set *tokens);

/* NULL: none. Borrowed. */
struct token_set_entry *token_set_find(struct token_set *tokens, const char *resource_server);

DEFINE_CLEANUP(struct token_set, token_set_free);
