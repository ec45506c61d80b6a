#pragma once

/* What logins and refreshes bring, made in a line; a failure to make it fails the test. */

#include "daemon/model/token-set.h"
#include "daemon/model/vault.h"
#include "proto/strv.h"

#define STRV(...) ((char *[]){__VA_ARGS__, NULL})
#define GROUPS "groups.api.globus.org"
#define GROUPS_ALL "urn:globus:auth:scope:groups.api.globus.org:all"
#define TRANSFER "transfer.api.globus.org"

static const struct origin some_origin = {
        .environment = (char *)"production",
        .auth_url = (char *)"https://auth.globus.org/",
        .groups_url = (char *)"https://groups.api.globus.org/",
        .client_id = (char *)"client",
};

static inline struct secret *make_secret(const char *text) {
        struct secret *secret;

        assert_int_equal(secret_new(&secret, text, strlen(text)), 0);
        return secret;
}

/* sub NULL: without an identity. */
static inline struct token_set *make_tokens(const char *sub, uint64_t received_usec) {
        struct token_set *tokens = calloc(1, sizeof(*tokens));

        assert_non_null(tokens);
        tokens->received_usec = received_usec;
        if (sub) {
                tokens->identity = calloc(1, sizeof(*tokens->identity));
                assert_non_null(tokens->identity);
                tokens->identity->sub = strdup(sub);
                tokens->identity->username = strdup("apark@ridgeway.example");
        }

        return tokens;
}

/* refresh NULL: without a refresh token. An hour long. */
static inline struct token_set_entry *add_entry(struct token_set *tokens, const char *server,
                                                const char *access, const char *refresh) {
        struct token_set_entry *entry;

        assert_int_equal(token_set_add(&entry, tokens), 0);
        entry->resource_server = strdup(server);
        entry->token_type = strdup("Bearer");
        entry->access_token = make_secret(access);
        entry->refresh_token = refresh ? make_secret(refresh) : NULL;
        entry->expires_in = 3600;
        return entry;
}

static inline void assert_secret(const struct secret *secret, const char *text) {
        assert_non_null(secret);
        assert_string_equal(secret_string(secret), text);
}

static inline int log_in(struct vault *vault, const char *profile, const char *sub, const char *server,
                         const char *access) {
        _cleanup_(token_set_freep) struct token_set *tokens = make_tokens(sub, 1000 * USEC_PER_SEC);
        struct vault_login login = {.profile = profile, .origin = &some_origin, .requested = STRV(GROUPS_ALL)};

        add_entry(tokens, server, access, "refresh");
        return vault_add_login(vault, &login, tokens);
}

static inline struct grant *get_grant(struct vault *vault, const char *profile, const char *server) {
        struct account *account = vault_find_account(vault, profile);

        return account ? account_find(account, server) : NULL;
}

static inline int refresh(struct vault *vault, uint64_t grant_id, const char *server, const char *access,
                          const char *refresh_token) {
        _cleanup_(token_set_freep) struct token_set *tokens = make_tokens(NULL, 2000 * USEC_PER_SEC);

        add_entry(tokens, server, access, refresh_token);
        return vault_update_grant(vault, grant_id, tokens);
}
