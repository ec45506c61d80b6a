#include "daemon/model/token-set.h"

#include <errno.h>

#include "proto/strv.h"

static void entry_deinit(struct token_set_entry *entry) {
        free(entry->resource_server);
        strv_free(entry->scopes);
        free(entry->token_type);
        secret_free(entry->access_token);
        secret_free(entry->refresh_token);
}

struct token_set *token_set_free(struct token_set *tokens) {
        if (!tokens)
                return NULL;

        for (size_t i = 0; i < tokens->n_entries; i++)
                entry_deinit(&tokens->entries[i]);

        free(tokens->entries);
        identity_free(tokens->identity);
        free(tokens);
        return NULL;
}

int token_set_add(struct token_set_entry **ret, struct token_set *tokens) {
        struct token_set_entry *entries;

        entries = reallocarray(tokens->entries, tokens->n_entries + 1, sizeof(*entries));
        if (!entries)
                return -ENOMEM;

        tokens->entries = entries;
        entries[tokens->n_entries] = (struct token_set_entry){0};
        *ret = &entries[tokens->n_entries++];
        return 0;
}

struct token_set_entry *token_set_find(struct token_set *tokens, const char *resource_server) {
        for (size_t i = 0; i < tokens->n_entries; i++)
                if (tokens->entries[i].resource_server &&
                    streq(tokens->entries[i].resource_server, resource_server))
                        return &tokens->entries[i];

        return NULL;
}
