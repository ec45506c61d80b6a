#include "daemon/flow/listing.h"

#include <errno.h>

#include "daemon/base/clock.h"
#include "daemon/model/resource.h"
#include "daemon/remote/groups-api.h"
#include "proto/log.h"
#include "proto/message.h"
#include "proto/strv.h"
#include "proto/writer.h"

struct listing *listing_free(struct listing *listing) {
        if (!listing)
                return NULL;

        provision_deinit(&listing->provision);
        groups_request_free(listing->request);
        list_unlink(&listing->link);
        shared_free(listing->reply);
        strv_free(listing->statuses);
        secret_free(listing->bearer);
        secret_free(listing->refused);
        free(listing->profile);
        free(listing);
        return NULL;
}

int listing_new(struct listing **ret, const struct listing_deps *deps, const char *profile,
                char *const *statuses) {
        _cleanup_(listing_freep) struct listing *listing = NULL;
        int r;

        listing = calloc(1, sizeof(*listing));
        if (!listing)
                return -ENOMEM;

        listing->deps = deps;
        list_init(&listing->link);
        list_init(&listing->waiters);
        listing->provision = PROVISION_INIT(listing->provision);

        listing->profile = strdup(profile);
        if (!listing->profile)
                return -ENOMEM;

        r = strv_copy(&listing->statuses, statuses);
        if (r)
                return r;

        *ret = TAKE(listing);
        return 0;
}

bool listing_is_flying(const struct listing *listing) {
        return listing->grant_id != 0;
}

bool listing_is_orphaned(const struct listing *listing) {
        struct vault *vault = listing->deps->provide->vault;

        return (listing_is_flying(listing) && !vault_find_grant(vault, listing->grant_id)) ||
               (listing->reply && !vault_find_grant(vault, listing->source_id));
}

bool listing_serves(const struct listing *listing, uint64_t max_age_usec) {
        uint64_t age = clock_boottime_usec() - listing->fetched_usec;

        return listing->reply && age <= MIN(max_age_usec, LISTING_LIFE_USEC);
}

void listing_tell(const struct listing *listing, struct listing_waiter *waiter) {
        waiter->reply = listing->reply;
}

static void listing_take_waiters(struct listing *listing, struct list *waiters) {
        struct list *first;

        while ((first = list_first(&listing->waiters))) {
                list_unlink(first);
                list_append(waiters, first);
                listing_tell(listing, CONTAINER(first, struct listing_waiter, waiter.link));
        }
}

/* The flight is over. A callback may ask anew, free any other waiter, or the listing. */
static void listing_land(struct listing *listing, struct fault *fault) {
        _cleanup_(shared_freep) struct shared *reply = NULL;
        struct list waiters = LIST_INIT(waiters);

        listing->grant_id = 0;
        listing->request = groups_request_free(listing->request);
        if (!fault)
                reply = shared_hold(listing->reply);
        if (listing->asked_with)
                listing->deps->asked(listing->deps->userdata, listing, fault);

        listing_take_waiters(listing, &waiters);
        waiter_tell_all(&waiters, fault);
}

void listing_drop(struct listing *listing, const struct fault *fault) {
        struct list waiters = LIST_INIT(waiters);

        listing_take_waiters(listing, &waiters);
        listing_free(listing);
        waiter_tell_all(&waiters, fault);
}

/* What of the message stands before the groups. */
static int write_head(struct buffer *head) {
        struct writer writer = WRITER_INIT(head);

        message_begin_reply(&writer, false);
        write_object_begin(&writer);
        write_name(&writer, "groups");
        return writer_end(&writer);
}

/* message: up to the last group. Taken as it is: copying megabytes would keep others waiting. */
static int listing_end_reply(struct listing *listing, struct buffer *message) {
        uint64_t now = clock_boottime_usec();
        struct writer writer = {.out = message, .comma = true};
        struct shared *reply;
        int r;

        write_int_member(&writer, "fetched_at", clock_to_unix(now));
        write_object_end(&writer);
        message_end(&writer);

        r = writer_end(&writer);
        if (!r)
                r = shared_new(&reply, message);
        if (r)
                return r;

        shared_free(listing->reply);
        listing->reply = reply;
        listing->fetched_usec = now;
        listing->source_id = listing->grant_id;
        return 0;
}

static struct grant *listing_find_grant(const struct listing *listing) {
        return vault_find_grant(listing->deps->provide->vault, listing->grant_id);
}

static int listing_provide(struct listing *listing, struct grant *grant, struct fault *fault);

/* The service says that the token is invalid although it is not by the clock: one new token, one replay. */
static void listing_on_rejected(struct listing *listing) {
        struct grant *grant = listing_find_grant(listing);
        _cleanup_(fault_deinit) struct fault fault = {};
        int r;

        log_notice("Globus Groups refuses the token of '%s'", listing->profile);
        secret_free(listing->refused);
        listing->refused = TAKE(listing->bearer);
        if (listing->replayed || !grant) {
                (void)fault_set(&fault, AGENT_ERROR_UNAVAILABLE,
                                "Globus Groups refuses the token although it is fresh; try again later, or log "
                                "in again: "
                                "globus-agentctl login --force");
                fault.retry_at = clock_to_unix_up(clock_boottime_usec() + REFRESH_SPACING_USEC);
                listing_land(listing, &fault);
                return;
        }

        listing->replayed = true;
        r = listing_provide(listing, grant, &fault);
        if (r && r != -EINPROGRESS)
                listing_land(listing, &fault);
}

/* What the service demands of the login is said for this profile. */
static void listing_on_fault(struct listing *listing, const struct fault *why) {
        _cleanup_(fault_deinit) struct fault fault = {};

        (void)fault_copy(&fault, why);
        if (fault.r == AGENT_ERROR_LOGIN_NEEDED) {
                free(fault.profile);
                free(fault.resource_server);
                fault.profile = strdup(listing->profile);
                fault.resource_server = strdup(RESOURCE_SERVER_GROUPS);
        }

        log_warning("Listing the groups of '%s' failed: %s", listing->profile, fault_message(&fault));
        listing_land(listing, &fault);
}

static void listing_on_groups(void *userdata, const struct fault *fault, struct buffer *groups) {
        struct listing *listing = userdata;
        _cleanup_(groups_request_freep) struct groups_request *request = TAKE(listing->request);
        _cleanup_(fault_deinit) struct fault trouble = {};
        int r;

        if (fault && fault->r == -EKEYREJECTED) {
                listing_on_rejected(listing);
                return;
        }

        listing->bearer = secret_free(listing->bearer);
        if (fault) {
                listing_on_fault(listing, fault);
                return;
        }

        listing->refused = secret_free(listing->refused);
        r = listing_end_reply(listing, groups);
        if (r)
                (void)fault_set(&trouble, r, NULL);

        listing_land(listing, r ? &trouble : NULL);
}

static int listing_fetch(struct listing *listing, const struct grant *grant, struct fault *fault) {
        _cleanup_(buffer_deinit) struct buffer head = {};
        int r;

        listing->bearer = secret_free(listing->bearer);
        r = secret_copy(&listing->bearer, grant->token.secret);
        if (!r)
                r = write_head(&head);
        if (r)
                return fault_set(fault, r, NULL);

        r = groups_fetch(&listing->request, listing->deps->http,
                         &(struct groups_query){
                                 .origin = &grant->origin,
                                 .bearer = grant->token.secret,
                                 .statuses = listing->statuses,
                                 .head = {buffer_bytes(&head), buffer_size(&head)},
                                 .done = listing_on_groups,
                                 .userdata = listing,
                         });
        if (r)
                return fault_set(fault, r, NULL);

        listing->asked_with = grant->id;
        return -EINPROGRESS;
}

static void listing_on_provided(struct provision *provision, const struct fault *refused) {
        struct listing *listing = CONTAINER(provision, struct listing, provision);
        const struct grant *grant = listing_find_grant(listing);
        _cleanup_(fault_deinit) struct fault fault = {};
        int r;

        if (refused)
                r = fault_copy(&fault, refused) ? -ENOMEM : refused->r;
        else if (!grant)
                r = fault_set(&fault, AGENT_ERROR_UNAVAILABLE, "The login was ended meanwhile");
        else
                r = listing_fetch(listing, grant, &fault);

        if (r != -EINPROGRESS)
                listing_land(listing, &fault);
}

/* -EINPROGRESS, or why not. */
static int listing_provide(struct listing *listing, struct grant *grant, struct fault *fault) {
        int r;

        listing->provision = PROVISION_INIT(listing->provision);
        listing->provision.terms = (struct provide_terms){
                .valid_usec = PROVIDE_WISH_USEC,
                .rejected = listing->refused,
        };
        listing->provision.done = listing_on_provided;

        r = provision_begin(&listing->provision, listing->deps->provide, grant, fault);
        return r ? r : listing_fetch(listing, grant, fault);
}

int listing_fly(struct listing *listing, struct grant *grant, struct fault *fault) {
        int r;

        listing->grant_id = grant->id;
        listing->replayed = false;
        listing->asked_with = 0;

        r = listing_provide(listing, grant, fault);
        if (r != -EINPROGRESS)
                listing->grant_id = 0;

        return r;
}
