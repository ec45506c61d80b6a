#pragma once

/*
 * Membership: the listing of a profile's groups, fetched once for any number of callers.
 *
 * The last one per profile and statuses is kept for LISTING_LIFE_USEC as the reply it will be, and given to
 * whoever is content with its age; a login or logout drops it, and so does want of room. A failure never turns
 * into an old listing: it is the answer until the time of the next try.
 */

#include <systemd/sd-event.h>

#include "daemon/flow/listing.h"

enum { MEMBERSHIP_LISTINGS_MAX = 64 };

#define MEMBERSHIP_BYTES_MAX ((size_t)64 * 1024 * 1024)

struct membership;

struct membership_deps {
        sd_event *event;
        const struct provide *provide;
        struct http *http;
}; /* all borrowed */

int membership_new(struct membership **ret, const struct membership_deps *deps);

/* Tells whoever still waits that the agent is stopping. */
struct membership *membership_free(struct membership *membership);

struct membership_query {
        struct grant *grant; /* of Globus Groups */
        char *const *statuses; /* NULL: active */
        uint64_t max_age_usec;
};

/* 0: the listing is known, and in waiter->reply. -EINPROGRESS: done is called later, once. Else the fault's
 * code. */
int membership_get(struct membership *membership, const struct membership_query *query,
                   struct listing_waiter *waiter, waiter_fn done, struct fault *fault);

/* Forgets the listings of a profile (NULL: all); those under way are told that the login changed. */
void membership_drop(struct membership *membership, const char *profile);

/* The same for the listings whose grant is gone: another daemon has logged out, or in anew. */
void membership_drop_orphans(struct membership *membership);

DEFINE_CLEANUP(struct membership, membership_free);
