#include "daemon/flow/refresh-private.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>

#include "daemon/base/clock.h"
#include "daemon/flow/backoff.h"
#include "proto/log.h"

#define RETRY_CLIENT_USEC (3600 * USEC_PER_SEC)

static struct flight *flight_free(struct flight *flight) {
        if (!flight)
                return NULL;

        oauth_request_free(flight->request);
        waiter_leave(&flight->looking);
        waiter_leave(&flight->saving.waiter);
        unwanted_free(flight->unwanted);
        claim_release(flight->claim);
        fault_deinit(&flight->refusal);
        list_unlink(&flight->link);
        free(flight);
        return NULL;
}

DEFINE_CLEANUP(struct flight, flight_free);

void flight_land(struct flight *flight, const struct fault *fault) {
        _cleanup_(flight_freep) struct flight *landed = flight;
        struct refresh *refresh = landed->refresh;

        list_unlink(&landed->link);
        waiter_tell_all(&landed->waiters, fault);
        if (!refresh->halted)
                refresh->deps.changed(refresh->deps.userdata);
}

/* A disk that refuses costs nobody a token: the vault has it, and save tries again and says so. */
static void flight_on_saved(struct waiter *waiter, const struct fault *fault) {
        struct flight *flight = CONTAINER(waiter, struct flight, saving.waiter);

        unwanted_settle(TAKE(flight->unwanted));
        flight_land(flight, NULL);
}

/* A rotated refresh token is on disk before anyone uses what came with it. */
static void flight_save_and_land(struct flight *flight) {
        if (!save_join(flight->refresh->deps.save, &flight->saving, flight_on_saved))
                flight_land(flight, NULL);
}

/* What ended the grant is told to all who wait, and saved, so that a restart does not ask again. */
static void flight_on_end(struct flight *flight, enum grant_state state, const struct fault *why) {
        struct refresh *refresh = flight->refresh;
        _cleanup_(fault_deinit) struct fault fault = {};
        struct grant *grant;

        if (vault_set_grant_state(refresh->deps.vault, flight->grant_id, state, fault_message(why))) {
                flight_land(flight, why);
                return;
        }

        grant = vault_find_grant(refresh->deps.vault, flight->grant_id);
        assert(grant);
        grant->tries.failures++;
        grant->tries.retry_usec =
                state == GRANT_CLIENT_AT_FAULT ? clock_boottime_usec() + RETRY_CLIENT_USEC : 0;
        refresh_need_login(grant, state == GRANT_DEAD ? "dead" : "client", &fault);
        log_warning("Refreshing %s for '%s' failed, %s: %s", grant->resource_server, grant->account->profile,
                    state == GRANT_DEAD ? "a login is needed" : "a login is needed, or next try in an hour",
                    fault_message(why));

        save_kick(refresh->deps.save);
        flight_land(flight, &fault);
}

/* What Globus said when it ended the grant, or would not have its client, stays the reason. */
static void grant_put_off(struct grant *grant, const struct fault *why) {
        uint64_t pause = backoff_usec(grant->tries.failures, why);

        grant->tries.failures++;
        grant->tries.retry_usec = clock_boottime_usec() + pause;
        if (grant->state == GRANT_ALIVE)
                (void)grant_set_error(grant, fault_message(why));

        log_warning("Refreshing %s for '%s' failed, next try in %" PRIu64 " s: %s", grant->resource_server,
                    grant->account->profile, (pause + USEC_PER_SEC - 1) / USEC_PER_SEC, fault_message(why));
}

static void flight_on_trouble(struct flight *flight, const struct fault *why) {
        struct grant *grant = vault_find_grant(flight->refresh->deps.vault, flight->grant_id);
        _cleanup_(fault_deinit) struct fault fault = {};

        if (!grant) {
                flight_land(flight, why);
                return;
        }

        if (grant->state == GRANT_DEAD)
                log_warning("Refreshing %s for '%s', which Globus has ended, failed: %s",
                            grant->resource_server, grant->account->profile, fault_message(why));
        else
                grant_put_off(grant, why);

        refresh_unavailable(grant, fault_message(why), &fault);
        flight_land(flight, &fault);
}

static void flight_on_tokens(struct flight *flight, struct token_set *tokens) {
        struct vault *vault = flight->refresh->deps.vault;
        _cleanup_(fault_deinit) struct fault fault = {};
        struct grant *grant = vault_find_grant(vault, flight->grant_id);
        int r;

        unwanted_keep(flight->unwanted, tokens);
        r = vault_update_grant(vault, flight->grant_id, tokens);
        if (!r) {
                log_info("Refreshed %s for '%s'", grant->resource_server, grant->account->profile);
                flight_save_and_land(flight);
                return;
        }

        if (!grant) {
                unwanted_settle(TAKE(flight->unwanted));
                (void)fault_set(&fault, AGENT_ERROR_UNAVAILABLE, "The login was ended meanwhile");
        } else if (r == -ENOENT) {
                (void)fault_set(&fault, AGENT_ERROR_UNAVAILABLE,
                                "Globus answered the refresh with tokens for other services than %s",
                                grant->resource_server);
        } else {
                (void)fault_set(&fault, r, NULL);
        }
        flight_on_trouble(flight, &fault);
}

/* What another daemon has just brought is as good as what this flight would bring. */
static bool flight_is_overtaken(const struct flight *flight, const struct grant *grant) {
        uint64_t now = clock_boottime_usec();

        return grant->generation != flight->generation && grant->state == GRANT_ALIVE &&
               now < grant->token.refresh_usec &&
               now < usec_add(grant->token.obtained_usec, REFRESH_SPACING_USEC);
}

static void flight_on_overtaken(struct flight *flight, const struct grant *grant) {
        log_info("Another agent has refreshed %s for '%s'", grant->resource_server, grant->account->profile);
        flight_land(flight, NULL);
}

/* It is final only if the token that was sent is seen to be still the one on disk: a daemon that could not be
 * locked out may have used it, too. */
static void flight_on_checked(struct waiter *waiter, const struct fault *unseen) {
        struct flight *flight = CONTAINER(waiter, struct flight, looking);
        const struct grant *grant = vault_find_grant(flight->refresh->deps.vault, flight->grant_id);

        if (unseen)
                flight_on_trouble(flight, &flight->refusal);
        else if (!grant || grant->state == GRANT_DEAD || grant->generation == flight->generation)
                flight_on_end(flight, GRANT_DEAD, &flight->refusal);
        else if (flight_is_overtaken(flight, grant))
                flight_on_overtaken(flight, grant);
        else
                flight_on_trouble(flight, &flight->refusal);
}

static void flight_check(struct flight *flight, const struct fault *refusal) {
        (void)fault_copy(&flight->refusal, refusal);
        if (!follow_join(flight->refresh->deps.follow, &flight->looking, flight_on_checked))
                flight_on_checked(&flight->looking, NULL);
}

static void flight_on_end_of_request(void *userdata, const struct oauth_end *end) {
        struct flight *flight = userdata;

        switch (end->verdict) {
        case OAUTH_TOKENS:
                flight_on_tokens(flight, end->tokens);
                break;
        case OAUTH_INVALID_GRANT:
                flight_check(flight, end->fault);
                break;
        case OAUTH_CLIENT_AT_FAULT:
                flight_on_end(flight, GRANT_CLIENT_AT_FAULT, end->fault);
                break;
        case OAUTH_REFUSED:
        case OAUTH_TROUBLE:
                flight_on_trouble(flight, end->fault);
                break;
        }
}

static int flight_send(struct flight *flight, struct grant *grant) {
        const struct oauth_target target = {
                .http = flight->refresh->deps.http,
                .origin = &grant->origin,
                .done = flight_on_end_of_request,
                .userdata = flight,
        };

        flight->generation = grant->generation;
        return oauth_refresh(&flight->request, &target, grant->refresh_token);
}

/* Another daemon has heard it meanwhile; a person who wants it tried all the same knows that it is dead. */
static bool flight_is_dead_elsewhere(const struct flight *flight, const struct grant *grant) {
        return grant->state == GRANT_DEAD && grant->generation != flight->generation;
}

/* Without the disk it is not known whether another daemon has used the refresh token: that is risked for those
 * who wait only. It is no failure, so whoever comes is not turned away. */
static void flight_put_off(struct flight *flight) {
        struct grant *grant = vault_find_grant(flight->refresh->deps.vault, flight->grant_id);

        if (grant) {
                grant->tries.tried_usec = flight->tried_usec;
                grant->tries.retry_usec =
                        MAX(grant->tries.retry_usec, clock_boottime_usec() + REFRESH_SPACING_USEC);
                log_info("Refreshing %s for '%s' is put off, for the disk does not answer",
                         grant->resource_server, grant->account->profile);
        }
        flight_land(flight, NULL);
}

static void flight_on_looked(struct waiter *waiter, const struct fault *unseen) {
        struct flight *flight = CONTAINER(waiter, struct flight, looking);
        struct grant *grant = vault_find_grant(flight->refresh->deps.vault, flight->grant_id);
        _cleanup_(fault_deinit) struct fault fault = {};
        int r;

        if (!grant) {
                (void)fault_set(&fault, AGENT_ERROR_UNAVAILABLE, "The login was ended meanwhile");
                flight_land(flight, &fault);
                return;
        }
        if (flight_is_overtaken(flight, grant)) {
                flight_on_overtaken(flight, grant);
                return;
        }
        if (!grant->refresh_token || flight_is_dead_elsewhere(flight, grant)) {
                refresh_need_login(grant, grant->state == GRANT_DEAD ? "dead" : "expired", &fault);
                flight_land(flight, &fault);
                return;
        }

        if (unseen && list_is_empty(&flight->waiters)) {
                flight_put_off(flight);
                return;
        }
        if (flight->refresh->halted) {
                (void)fault_set(&fault, flight->refresh->halted, NULL);
                flight_land(flight, &fault);
                return;
        }

        r = flight_send(flight, grant);
        if (r) {
                (void)fault_set(&fault, r, NULL);
                flight_on_trouble(flight, &fault);
        }
}

/* A disk that hangs has kept everyone waiting long enough. */
static void flight_on_claimed(void *userdata, const struct fault *fault) {
        struct flight *flight = userdata;

        if (fault)
                flight_on_trouble(flight, fault);
        else if (!claim_is_settled(flight->claim) && list_is_empty(&flight->waiters))
                flight_put_off(flight);
        else if (!claim_is_settled(flight->claim) ||
                 !follow_join(flight->refresh->deps.follow, &flight->looking, flight_on_looked))
                flight_on_looked(&flight->looking, NULL);
}

int flight_new(struct flight **ret, struct refresh *refresh, struct grant *grant) {
        _cleanup_(flight_freep) struct flight *flight = NULL;
        int r;

        flight = calloc(1, sizeof(*flight));
        if (!flight)
                return -ENOMEM;

        flight->refresh = refresh;
        flight->grant_id = grant->id;
        flight->generation = grant->generation;
        list_init(&flight->link);
        list_init(&flight->waiters);
        waiter_init(&flight->looking);
        waiter_init(&flight->saving.waiter);

        r = unwanted_new(&flight->unwanted, refresh, grant);
        if (!r)
                r = claim_new(&flight->claim, refresh->deps.claims, grant->uuid, flight_on_claimed, flight);
        if (r)
                return r;

        flight->tried_usec = grant->tries.tried_usec;
        grant->tries.tried_usec = clock_boottime_usec();
        *ret = TAKE(flight);
        return 0;
}
