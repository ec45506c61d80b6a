#pragma once

/*
 * Revoke: takes tokens back at Globus (RFC 7009): a batch of grants, each access token first, then the refresh
 * token.
 *
 * The batch has copies of its own, so that vault and disk can forget at once, whatever the network says. What
 * could not be revoked is named at the end, which comes after REVOKE_PATIENCE_USEC at the latest.
 */

#include <systemd/sd-event.h>

#include "daemon/model/grant.h"
#include "daemon/model/token-set.h"
#include "daemon/model/vault.h"
#include "daemon/remote/http.h"
#include "proto/list.h"

#define REVOKE_PATIENCE_USEC (20 * USEC_PER_SEC)

struct revoker;
struct revocation;

int revoker_new(struct revoker **ret, sd_event *event, struct http *http);

/* Gives up what is under way. Those that somebody was to be told about must have been freed. */
struct revoker *revoker_free(struct revoker *revoker);

/* Gives up what nobody waits for. */
void revoker_cancel(struct revoker *revoker);

/* How many batches there are, begun or not. */
size_t revoker_count(const struct revoker *revoker);

/* One grant of a batch, and how it went. */
struct revoked {
        struct list link; /* revocation.items */
        struct revocation *revocation; /* borrowed */
        struct origin origin;
        char *profile, *resource_server;
        struct secret *tokens[2]; /* access, refresh; each NULL once it was tried */
        struct oauth_request *request;
        char *error; /* NULL: all revoked; else of the first that was not */
};

typedef void (*revocation_fn)(void *userdata, struct revocation *revocation);

int revocation_new(struct revocation **ret, struct revoker *revoker);
struct revocation *revocation_free(struct revocation *revocation);

/* Copies. */
int revocation_add_grant(struct revocation *revocation, const struct grant *grant);
int revocation_add_tokens(struct revocation *revocation, const char *profile, const struct origin *origin,
                          const struct token_set *tokens);

/* Leaves out each token that a grant of the vault holds: Globus may give the same one to two profiles of one
 * identity. To be called before the start, when what is to be forgotten is. */
void revocation_spare(struct revocation *revocation, struct vault *vault);

/* done is called later, once, and may free it. */
void revocation_start(struct revocation *revocation, revocation_fn done, void *userdata);

/* Nobody waits for it any more: it is the revoker's, goes on (or starts), and frees itself. done is not
 * called. */
void revocation_detach(struct revocation *revocation);

/* revoked.link. Borrowed. */
struct list *revocation_items(struct revocation *revocation);

DEFINE_CLEANUP(struct revoker, revoker_free);
DEFINE_CLEANUP(struct revocation, revocation_free);
