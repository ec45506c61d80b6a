#pragma once

/* Refresh, between its files: flights, what they brought for nobody, when a grant is tried again, and what is
 * said meanwhile. */

#include "daemon/flow/refresh.h"
#include "daemon/remote/oauth.h"

struct refresh {
        struct refresh_deps deps;
        struct list flights; /* flight.link */
        struct list unsaved; /* unwanted.link: of flights that have landed, one a grant */
        int halted; /* 0, or why no refresh is begun or sent: an error code */
};

/* One refresh on its way: claims the grant, looks at the disk, asks Globus, saves. Its grant is named, not
 * pointed to: a logout may free it meanwhile. */
struct flight {
        struct refresh *refresh; /* borrowed */
        struct list link; /* refresh.flights */
        uint64_t grant_id;
        uint64_t generation; /* of the grant when the flight began, then when its token was sent */
        uint64_t tried_usec; /* of the grant, before */
        struct claim *claim;
        struct waiter looking; /* of follow */
        struct oauth_request *request;
        struct fault refusal; /* an invalid_grant, while the disk is looked at */
        struct saving saving;
        struct unwanted *unwanted; /* what came */
        struct list waiters; /* waiter.link */
};

/* A copy of what a refresh brought, and whose it is, should it turn out that they have logged out: else it
 * would live on at Globus without anyone knowing. The vault takes the tokens, but until they are on disk
 * another daemon's logout may be found there. */
struct unwanted {
        struct refresh *refresh; /* borrowed */
        struct list link; /* refresh.unsaved, or itself */
        uint64_t grant_id;
        char *profile, *sub;
        struct origin origin;
        struct revocation *revocation; /* NULL: nothing has come */
};

int unwanted_new(struct unwanted **ret, struct refresh *refresh, const struct grant *grant);
struct unwanted *unwanted_free(struct unwanted *unwanted);

/* Copies the tokens. */
void unwanted_keep(struct unwanted *unwanted, const struct token_set *tokens);

/* Frees it, having revoked them where the grant is gone; or leaves that to refresh_on_saved(). */
struct unwanted *unwanted_settle(struct unwanted *unwanted);

DEFINE_CLEANUP(struct unwanted, unwanted_free);

int flight_new(struct flight **ret, struct refresh *refresh, struct grant *grant);

/* Ends the flight, which is freed: from the first line on, refresh_join() starts a new one. */
void flight_land(struct flight *flight, const struct fault *fault);

/* LoginNeeded for the grant's profile and server, in words. reason: dead, client, expired. */
void refresh_need_login(const struct grant *grant, const char *reason, struct fault *fault);

/* Unavailable, with the time of the next try. why: what the last one came to, in words. */
void refresh_unavailable(const struct grant *grant, const char *why, struct fault *fault);
