#pragma once

/*
 * Resource: the one table of what people call a Globus service: alias, resource server, scopes.
 *
 * RESOURCE is an alias (groups), a resource server (groups.api.globus.org) or a scope string; clients pass it
 * on as it is.
 */

#include "proto/fault.h"
#include "proto/macro.h"

#define RESOURCE_SERVER_AUTH "auth.globus.org"
#define RESOURCE_SERVER_GROUPS "groups.api.globus.org"

struct resource {
        char *server; /* owned */
        char **scopes; /* owned: what to ask a login for; NULL for a server that the table does not know */
        bool by_scope; /* the text named scopes, which a grant then must cover */
};

void resource_deinit(struct resource *resource);

/* AGENT_ERROR_UNKNOWN_RESOURCE with a fault that lists the aliases. A word with a dot, or a UUID, is taken
 * for a server. */
int resource_resolve(struct resource *ret, const char *text, struct fault *fault);

/* The server that a scope's tokens are for; owned by the caller. -EINVAL: not known how to tell. */
int resource_of_scope(char **ret, const char *scope);

/* What every login asks for: openid, profile, email, and the Groups scope. Borrowed, sorted. */
char *const *resource_default_scopes(void);

/* The three of them that every login must ask for, since the identity rests on them. Borrowed. */
char *const *resource_identity_scopes(void);
