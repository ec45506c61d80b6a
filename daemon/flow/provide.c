#include "daemon/flow/provide.h"

#include <errno.h>
#include <inttypes.h>

#include "daemon/base/clock.h"

/* How long a wish, as against a demand, may keep a caller from a token that is valid. */
#define WISH_PATIENCE_USEC (2 * USEC_PER_SEC)

static bool terms_reject(const struct provide_terms *terms, const struct grant *grant) {
        return terms->rejected && secret_equal(terms->rejected, grant->token.secret);
}

/* Of a grant that Globus has ended nothing is given out any more: its token was most likely ended with it. */
static uint64_t grant_remaining_usec(const struct grant *grant, const struct provide_terms *terms) {
        if (grant->state == GRANT_DEAD || terms_reject(terms, grant))
                return 0;

        return token_remaining_usec(&grant->token, clock_boottime_usec());
}

static bool terms_are_kept(const struct provide_terms *terms, uint64_t remaining_usec) {
        return remaining_usec > 0 && remaining_usec >= terms->valid_usec;
}

/* Whether a token that falls short of a wish is better than nothing. */
static bool terms_allow(const struct provide_terms *terms, uint64_t remaining_usec) {
        return !terms->renew && remaining_usec > 0 && (!terms->demanded || remaining_usec >= terms->valid_usec);
}

/* The token that was refused is all there is, and the last refresh too young for another. */
static int grant_is_rejected(const struct grant *grant, struct fault *fault) {
        uint64_t retry_usec = grant->tries.tried_usec + REFRESH_SPACING_USEC;

        (void)fault_set(
                fault, AGENT_ERROR_UNAVAILABLE,
                "Globus has no other token for %s yet than the one that was refused; try again later, or "
                "log in again: globus-agentctl login --force",
                grant->resource_server);
        fault->retry_at = clock_to_unix_up(retry_usec);
        return fault->r;
}

static int grant_is_short(const struct provide_terms *terms, uint64_t remaining_usec, struct fault *fault) {
        (void)fault_set(fault, AGENT_ERROR_SHORT_VALIDITY,
                        "Globus gives no token that is valid for %" PRIu64 " s, only for %" PRIu64 " s",
                        terms->valid_usec / USEC_PER_SEC, remaining_usec / USEC_PER_SEC);
        fault->expires_in = (int64_t)(remaining_usec / USEC_PER_SEC);
        return fault->r;
}

/* The last refresh is the answer: as far as it goes. */
static int provision_from_last(const struct provide_terms *terms, const struct grant *grant,
                               struct fault *fault) {
        uint64_t remaining_usec = grant_remaining_usec(grant, terms);

        if (terms_reject(terms, grant))
                return grant_is_rejected(grant, fault);
        if (remaining_usec > 0 && (!terms->demanded || remaining_usec >= terms->valid_usec))
                return 0;
        if (terms->demanded && remaining_usec > 0)
                return grant_is_short(terms, remaining_usec, fault);

        return fault->r;
}

/* How it ended, after a refresh or in its stead. */
static int provision_conclude(const struct provision *provision, const struct fault *refreshed,
                              struct fault *fault) {
        const struct grant *grant = vault_find_grant(provision->provide->vault, provision->grant_id);
        uint64_t remaining;

        if (!grant)
                return refreshed ? fault_copy(fault, refreshed)
                                 : fault_set(fault, AGENT_ERROR_UNAVAILABLE, "The login was ended meanwhile");

        remaining = grant_remaining_usec(grant, &provision->terms);
        if (refreshed)
                return terms_allow(&provision->terms, remaining) ? 0 : fault_copy(fault, refreshed);
        if (terms_reject(&provision->terms, grant))
                return grant_is_rejected(grant, fault);
        if (remaining == 0 || (provision->terms.demanded && remaining < provision->terms.valid_usec))
                return grant_is_short(&provision->terms, remaining, fault);

        return 0;
}

static void provision_end(struct provision *provision, const struct fault *refreshed) {
        _cleanup_(fault_deinit) struct fault fault = {};

        waiter_leave(&provision->waiter);
        provision->patience = alarm_free(provision->patience);
        (void)provision_conclude(provision, refreshed, &fault);
        provision->done(provision, fault.r ? &fault : NULL);
}

static void provision_on_refreshed(struct waiter *waiter, const struct fault *fault) {
        provision_end(CONTAINER(waiter, struct provision, waiter), fault);
}

static void provision_on_impatience(void *userdata) {
        struct provision *provision = userdata;
        _cleanup_(fault_deinit) struct fault fault = {};

        (void)fault_set(&fault, AGENT_ERROR_UNAVAILABLE, "Globus has not answered within %" PRIu64 " s",
                        provision->terms.timeout_usec / USEC_PER_SEC);
        fault.retry_at = clock_to_unix(clock_boottime_usec()); /* it is being asked still */
        provision_end(provision, &fault);
}

static uint64_t provision_patience_usec(const struct provision *provision, uint64_t remaining_usec) {
        uint64_t patience = provision->terms.timeout_usec ? provision->terms.timeout_usec : USEC_INFINITY;

        if (terms_allow(&provision->terms, remaining_usec))
                patience = MIN(patience, MIN(WISH_PATIENCE_USEC, remaining_usec / 2));

        return patience;
}

static int provision_wait(struct provision *provision, uint64_t remaining_usec, struct fault *fault) {
        uint64_t patience = provision_patience_usec(provision, remaining_usec);
        int r;

        if (patience != USEC_INFINITY) {
                r = alarm_new(&provision->patience, provision->provide->event, 10 * USEC_PER_MSEC,
                              provision_on_impatience, provision);
                if (r)
                        return fault_set(fault, r, NULL);
                alarm_set(provision->patience, clock_boottime_usec() + patience);
        }

        r = refresh_join(provision->provide->refresh, provision->grant_id, &provision->waiter,
                         provision_on_refreshed, fault);
        if (!r)
                return -EINPROGRESS;

        provision->patience = alarm_free(provision->patience);
        return r;
}

int provision_begin(struct provision *provision, const struct provide *provide, struct grant *grant,
                    struct fault *fault) {
        const struct provide_terms *terms = &provision->terms;
        uint64_t remaining = grant_remaining_usec(grant, terms);
        int r;

        provision->provide = provide;
        provision->grant_id = grant->id;

        if (!terms->renew && terms_are_kept(terms, remaining))
                return 0;

        if (!refresh_is_flying(provide->refresh, grant->id)) {
                r = refresh_permits(provide->refresh, grant, terms->urgent, fault);
                if (r == AGENT_ERROR_SHORT_VALIDITY)
                        return provision_from_last(terms, grant, fault);
                if (r && terms_allow(terms, remaining))
                        return 0;
                if (r)
                        return r;
        }

        r = provision_wait(provision, remaining, fault);
        return r && r != -EINPROGRESS && terms_allow(terms, remaining) ? 0 : r;
}

void provision_deinit(struct provision *provision) {
        waiter_leave(&provision->waiter);
        provision->patience = alarm_free(provision->patience);
}
