/*
 * fill-store NUMBER: saves so many logins, each to four services, where a daemon with this environment finds
 * them: profiles p0, p1 and so on. Their tokens are of nobody, and good for two days.
 */

#include <errno.h>
#include <stdio.h>

#include "daemon/base/clock.h"
#include "daemon/flow/disk.h"
#include "daemon/model/vault.h"
#include "proto/error.h"

static const char *const servers[] = {
        "auth.globus.org",
        "groups.api.globus.org",
        "search.api.globus.org",
        "transfer.api.globus.org",
};

static int make_identity(struct identity **ret, const char *profile) {
        _cleanup_(identity_freep) struct identity *identity = NULL;

        identity = calloc(1, sizeof(*identity));
        if (!identity)
                return -ENOMEM;

        identity->sub = strdup(profile);
        identity->username = strdup("ada@ridgeway.example");
        if (!identity->sub || !identity->username)
                return -ENOMEM;

        *ret = TAKE(identity);
        return 0;
}

/* Some ninety bytes, as they are. */
static int make_token(struct secret **ret, const char *kind, const char *profile, const char *server) {
        char token[128];
        int n = snprintf(token, sizeof(token), "%s-of-%s-for-%s-%048d", kind, profile, server, 0);

        return secret_new(ret, token, (size_t)n);
}

static int add_tokens(struct token_set *tokens, const char *profile, const char *server) {
        struct token_set_entry *entry;
        int r;

        r = token_set_add(&entry, tokens);
        if (r)
                return r;

        entry->expires_in = 48 * 3600;
        entry->resource_server = strdup(server);
        entry->token_type = strdup("Bearer");
        if (!entry->resource_server || !entry->token_type)
                return -ENOMEM;

        r = make_token(&entry->access_token, "access", profile, server);
        return r ? r : make_token(&entry->refresh_token, "refresh", profile, server);
}

static int add_login(struct vault *vault, const char *profile) {
        static const struct origin origin = {
                .environment = (char *)"production",
                .auth_url = (char *)"https://auth.globus.org/",
                .groups_url = (char *)"https://groups.api.globus.org/",
                .client_id = (char *)"00000000-0000-0000-0000-000000000000",
        };
        const struct vault_login login = {.profile = profile, .origin = &origin};
        _cleanup_(token_set_freep) struct token_set *tokens = NULL;
        int r;

        tokens = calloc(1, sizeof(*tokens));
        if (!tokens)
                return -ENOMEM;

        tokens->received_usec = clock_boottime_usec();
        r = make_identity(&tokens->identity, profile);
        for (size_t i = 0; !r && i < ARRAY_SIZE(servers); i++)
                r = add_tokens(tokens, profile, servers[i]);

        return r ? r : vault_add_login(vault, &login, tokens);
}

static int save(struct vault *vault, struct fault *fault) {
        struct disk_commit commit = {
                .changes = LIST_INIT(commit.changes),
                .wish = {.protector = PROTECTOR_KEYFILE, .permitted = 1U << PROTECTOR_KEYFILE},
        };
        struct disk_paths paths;
        int r;

        r = disk_paths_init(&paths);
        if (r)
                return r;

        (void)vault_take_changes(vault, &commit.changes);
        r = disk_commit(&commit, &paths, fault);
        disk_commit_deinit(&commit);
        disk_paths_deinit(&paths);
        return r;
}

int main(int argc, char **argv) {
        _cleanup_(fault_deinit) struct fault fault = {};
        _cleanup_(vault_freep) struct vault *vault = NULL;
        int n = argc == 2 ? atoi(argv[1]) : 0, r;
        char profile[16];

        r = vault_new(&vault);
        for (int i = 0; !r && i < n; i++) {
                (void)snprintf(profile, sizeof(profile), "p%d", i);
                r = add_login(vault, profile);
        }

        r = r ? r : save(vault, &fault);
        if (r)
                fprintf(stderr, "fill-store: %s\n", fault.r ? fault_message(&fault) : error_sentence(r));

        return r ? EXIT_FAILURE : EXIT_SUCCESS;
}
