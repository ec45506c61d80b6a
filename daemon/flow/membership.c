#include "daemon/flow/membership.h"

#include <errno.h>

#include "daemon/base/clock.h"
#include "daemon/flow/alarm.h"
#include "daemon/flow/outage.h"
#include "proto/strv.h"

struct membership {
        struct listing_deps listing_deps;
        struct list listings; /* listing.link, the one that was not used for the longest first */
        struct list outages; /* of Globus Groups */
        struct alarm *expiry; /* of the oldest */
};

static void membership_set_expiry(struct membership *membership) {
        uint64_t next = USEC_INFINITY;

        for (struct list *l = membership->listings.next; l != &membership->listings; l = l->next) {
                struct listing *listing = CONTAINER(l, struct listing, link);

                if (listing->reply)
                        next = MIN(next, listing->fetched_usec + LISTING_LIFE_USEC);
        }

        alarm_set(membership->expiry, next);
}

static struct listing *membership_find(struct membership *membership, const char *profile,
                                       char *const *statuses) {
        for (struct list *l = membership->listings.next; l != &membership->listings; l = l->next) {
                struct listing *listing = CONTAINER(l, struct listing, link);

                if (streq(listing->profile, profile) && strv_equal(listing->statuses, statuses))
                        return listing;
        }

        return NULL;
}

/* Of many large listings those go that were not used for the longest, but not this one. What is being fetched
 * anew stays, without what was known. */
static void membership_bound_bytes(struct membership *membership, const struct listing *kept) {
        size_t bytes = 0;
        struct list *next;

        for (struct list *l = membership->listings.next; l != &membership->listings; l = l->next)
                bytes += shared_size(CONTAINER(l, struct listing, link)->reply);

        for (struct list *l = membership->listings.next;
             bytes > MEMBERSHIP_BYTES_MAX && l != &membership->listings; l = next) {
                struct listing *listing = CONTAINER(l, struct listing, link);

                next = l->next;
                if (listing == kept || !listing->reply)
                        continue;

                bytes -= shared_size(listing->reply);
                listing->reply = shared_free(listing->reply);
                if (!listing_is_flying(listing))
                        listing_free(listing);
        }
}

static void membership_on_asked(void *userdata, struct listing *listing, struct fault *fault) {
        struct membership *membership = userdata;

        if (fault) {
                outage_note(&membership->outages, listing->profile, listing->asked_with, fault);
                return;
        }

        outage_end(&membership->outages, listing->profile);
        membership_bound_bytes(membership, listing);
        membership_set_expiry(membership);
}

/* For one more; what came to nothing goes first. False: all are being fetched. */
static bool membership_make_room(struct membership *membership) {
        struct listing *unused = NULL;
        size_t n = 0;

        for (struct list *l = membership->listings.next; l != &membership->listings; l = l->next) {
                struct listing *listing = CONTAINER(l, struct listing, link);

                n++;
                if (listing_is_flying(listing))
                        continue;
                if (!unused || (unused->reply && !listing->reply))
                        unused = listing;
        }

        if (n < MEMBERSHIP_LISTINGS_MAX)
                return true;
        if (!unused)
                return false;

        listing_free(unused);
        return true;
}

static int membership_add(struct listing **ret, struct membership *membership, const char *profile,
                          char *const *statuses) {
        int r;

        if (!membership_make_room(membership))
                return AGENT_ERROR_BUSY;

        r = listing_new(ret, &membership->listing_deps, profile, statuses);
        if (!r)
                list_append(&membership->listings, &(*ret)->link);

        return r;
}

/* -EINPROGRESS, or why not. */
static int membership_fly(struct membership *membership, struct listing *listing, struct grant *grant,
                          struct fault *fault) {
        const struct fault *outage = outage_find(&membership->outages, listing->profile, grant->id);

        if (listing_is_flying(listing))
                return -EINPROGRESS;
        if (outage) {
                (void)fault_copy(fault, outage);
                return outage->r;
        }

        return listing_fly(listing, grant, fault);
}

int membership_get(struct membership *membership, const struct membership_query *query,
                   struct listing_waiter *waiter, waiter_fn done, struct fault *fault) {
        const char *profile = query->grant->account->profile;
        struct listing *listing = membership_find(membership, profile, query->statuses);
        int r;

        if (!listing) {
                r = membership_add(&listing, membership, profile, query->statuses);
                if (r)
                        return fault_set(fault, r, NULL);
        }

        list_unlink(&listing->link);
        list_append(&membership->listings, &listing->link);
        if (listing_serves(listing, query->max_age_usec)) {
                listing_tell(listing, waiter);
                return 0;
        }

        r = membership_fly(membership, listing, query->grant, fault);
        if (r == -EINPROGRESS)
                waiter_join(&waiter->waiter, &listing->waiters, done);

        return r;
}

static bool is_of_profile(const struct listing *listing, const void *profile) {
        return !profile || streq(listing->profile, profile);
}

static bool is_orphaned(const struct listing *listing, const void *none) {
        return listing_is_orphaned(listing);
}

static void membership_drop_if(struct membership *membership,
                               bool (*is_meant)(const struct listing *listing, const void *argument),
                               const void *argument, const struct fault *fault) {
        struct list *l = membership->listings.next;

        while (l != &membership->listings) {
                struct listing *listing = CONTAINER(l, struct listing, link);

                if (!is_meant(listing, argument)) {
                        l = l->next;
                        continue;
                }

                listing_drop(listing, fault);
                l = membership->listings.next; /* the list may have changed */
        }
}

static int login_changed(struct fault *fault) {
        return fault_set(fault, AGENT_ERROR_UNAVAILABLE, "The login changed meanwhile; ask again");
}

void membership_drop(struct membership *membership, const char *profile) {
        _cleanup_(fault_deinit) struct fault changed = {};

        (void)login_changed(&changed);
        outage_end(&membership->outages, profile);
        membership_drop_if(membership, is_of_profile, profile, &changed);
}

void membership_drop_orphans(struct membership *membership) {
        _cleanup_(fault_deinit) struct fault changed = {};

        (void)login_changed(&changed);
        membership_drop_if(membership, is_orphaned, NULL, &changed);
}

static void membership_on_expiry(void *userdata) {
        struct membership *membership = userdata;
        uint64_t now = clock_boottime_usec();
        struct list *next;

        for (struct list *l = membership->listings.next; l != &membership->listings; l = next) {
                struct listing *listing = CONTAINER(l, struct listing, link);

                next = l->next;
                if (!listing_is_flying(listing) && listing->fetched_usec + LISTING_LIFE_USEC <= now)
                        listing_free(listing);
        }

        membership_set_expiry(membership);
}

int membership_new(struct membership **ret, const struct membership_deps *deps) {
        _cleanup_(membership_freep) struct membership *membership = NULL;
        int r;

        membership = calloc(1, sizeof(*membership));
        if (!membership)
                return -ENOMEM;

        membership->listing_deps = (struct listing_deps){
                .provide = deps->provide,
                .http = deps->http,
                .asked = membership_on_asked,
                .userdata = membership,
        };
        list_init(&membership->listings);
        list_init(&membership->outages);

        r = alarm_new(&membership->expiry, deps->event, USEC_PER_SEC, membership_on_expiry, membership);
        if (r)
                return r;

        *ret = TAKE(membership);
        return 0;
}

struct membership *membership_free(struct membership *membership) {
        _cleanup_(fault_deinit) struct fault stopping = {};

        if (!membership)
                return NULL;

        (void)fault_set(&stopping, AGENT_ERROR_STOPPING, NULL);
        outage_end(&membership->outages, NULL);
        membership_drop_if(membership, is_of_profile, NULL, &stopping);
        alarm_free(membership->expiry);
        free(membership);
        return NULL;
}
