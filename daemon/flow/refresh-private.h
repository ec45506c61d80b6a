#pragma once

/* Refresh, between its files: flights, when a grant is tried again, and what is said meanwhile. */

#include "daemon/flow/refresh.h"
#include "daemon/remote/oauth.h"

struct refresh {
        struct refresh_deps deps;
        struct list flights; /* flight.link */
        bool stopping;
};

/* One refresh on its way: claims the grant, looks at the disk, asks Globus, saves. Its grant is named, not
 * pointed to: a logout may free it meanwhile. */
struct flight {
        struct refresh *refresh; /* borrowed */
        struct list link; /* refresh.flights */
        uint64_t grant_id;
        uint64_t generation; /* of the grant when the flight began, then when its token was sent */
        char *profile; /* of the grant, and where it is from, should it be gone when the answer comes */
        struct origin origin;
        uint64_t tried_usec; /* of the grant, before */
        struct claim *claim;
        struct waiter looking; /* of follow */
        struct oauth_request *request;
        struct fault refusal; /* an invalid_grant, while the disk is looked at */
        struct saving saving;
        struct revocation *unwanted; /* what came, should it turn out that nobody is logged in any more */
        struct list waiters; /* waiter.link */
};

int flight_new(struct flight **ret, struct refresh *refresh, struct grant *grant);

/* Ends the flight, which is freed: from the first line on, refresh_join() starts a new one. */
void flight_land(struct flight *flight, const struct fault *fault);

/* LoginNeeded for the grant's profile and server, in words. reason: dead, client, expired. */
void refresh_need_login(const struct grant *grant, const char *reason, struct fault *fault);

/* Unavailable, with the time of the next try. why: what the last one came to, in words. */
void refresh_unavailable(const struct grant *grant, const char *why, struct fault *fault);
