#pragma once

/*
 * Listing: the groups of one profile, for one set of statuses: what is known, and what is being asked.
 *
 * A service that says the token is invalid gets one new token and one replay, never a second; and that token it
 * never gets again.
 */

#include "daemon/base/shared.h"
#include "daemon/flow/provide.h"
#include "daemon/flow/waiter.h"
#include "daemon/remote/http.h"

#define LISTING_LIFE_USEC (3600 * USEC_PER_SEC)

struct groups_request;
struct listing;

struct listing_deps {
        const struct provide *provide;
        struct http *http;
        /* Globus Groups was asked: fault NULL: and has told; else it may be given the time of the next try */
        void (*asked)(void *userdata, struct listing *listing, struct fault *fault);
        void *userdata;
}; /* all borrowed */

struct listing {
        const struct listing_deps *deps; /* borrowed */
        struct list link; /* membership.listings */
        char *profile;
        char **statuses; /* sorted */

        struct shared *reply; /* the message that answers ListGroups, NUL included; NULL: not known */
        uint64_t fetched_usec;
        uint64_t source_id; /* the grant that it was fetched by */

        uint64_t grant_id; /* of the flight; 0: none */
        struct provision provision;
        struct groups_request *request;
        struct secret *bearer; /* what the service was asked with; later than that, only if it refused it */
        struct secret *refused; /* what the service refused last; NULL: nothing */
        bool replayed; /* the service has refused a token once already */
        uint64_t asked_with; /* the grant that the service was asked with, in this flight; 0: it was not */
        struct list waiters; /* listing_waiter.waiter.link */
};

/* One who waits for it. Embedded. */
struct listing_waiter {
        struct waiter waiter;
        struct shared *reply; /* when done without a fault; borrowed for the call */
};

int listing_new(struct listing **ret, const struct listing_deps *deps, const char *profile,
                char *const *statuses);
struct listing *listing_free(struct listing *listing);

bool listing_is_flying(const struct listing *listing);

/* Whether the grant that it is, or was, fetched by is gone: the profile may be another identity's now. */
bool listing_is_orphaned(const struct listing *listing);

/* Whether what is known is young enough. */
bool listing_serves(const struct listing *listing, uint64_t max_age_usec);

void listing_tell(const struct listing *listing, struct listing_waiter *waiter);

/* Asks Globus. -EINPROGRESS: the waiters are told later, once. Else the fault's code. */
int listing_fly(struct listing *listing, struct grant *grant, struct fault *fault);

/* Frees it, and tells all who wait. */
void listing_drop(struct listing *listing, const struct fault *fault);

DEFINE_CLEANUP(struct listing, listing_free);
