#include "daemon/flow/refresh.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>

#include "daemon/base/clock.h"
#include "daemon/flow/refresh-private.h"
#include "daemon/remote/oauth.h"
#include "proto/log.h"

#define RETRY_CLIENT_USEC (3600 * USEC_PER_SEC)

struct refresh {
        struct refresh_deps deps;
        struct list flights; /* flight.link */
        bool stopping;
};

/* One request on its way. Its grant is named, not pointed to: a logout may free the grant meanwhile. */
struct flight {
        struct refresh *refresh; /* borrowed */
        struct list link; /* refresh.flights */
        uint64_t grant_id;
        char *profile; /* of the grant, and where it is from, should it be gone when the answer comes */
        struct origin origin;
        struct oauth_request *request;
        struct saving saving;
        struct list waiters; /* waiter.link */
};

static struct flight *flight_free(struct flight *flight) {
        if (!flight)
                return NULL;

        oauth_request_free(flight->request);
        waiter_leave(&flight->saving.waiter);
        list_unlink(&flight->link);
        origin_deinit(&flight->origin);
        free(flight->profile);
        free(flight);
        return NULL;
}

DEFINE_CLEANUP(struct flight, flight_free);

/* Ends the flight: from the first line on, refresh_join() starts a new one. */
static void flight_land(struct flight *flight, const struct fault *fault) {
        _cleanup_(flight_freep) struct flight *landed = flight;
        struct refresh *refresh = landed->refresh;

        list_unlink(&landed->link);
        waiter_tell_all(&landed->waiters, fault);
        if (!refresh->stopping)
                refresh->deps.changed(refresh->deps.userdata);
}

/* A disk that refuses costs nobody a token: the vault has it, and save tries again and says so. */
static void flight_on_saved(struct waiter *waiter, const struct fault *fault) {
        flight_land(CONTAINER(waiter, struct flight, saving.waiter), NULL);
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
        if (state == GRANT_CLIENT_AT_FAULT)
                grant->tries.retry_usec = clock_boottime_usec() + RETRY_CLIENT_USEC;
        refresh_need_login(grant, state == GRANT_DEAD ? "dead" : "client", &fault);
        log_warning("Refreshing %s for '%s' failed for good, a login is needed: %s", grant->resource_server,
                    grant->account->profile, fault_message(why));

        save_kick(refresh->deps.save);
        flight_land(flight, &fault);
}

static void flight_on_trouble(struct flight *flight, const struct fault *why) {
        struct grant *grant = vault_find_grant(flight->refresh->deps.vault, flight->grant_id);
        _cleanup_(fault_deinit) struct fault fault = {};
        uint64_t pause;

        if (!grant) {
                flight_land(flight, why);
                return;
        }

        pause = refresh_pause_usec(&grant->tries, why);
        grant->tries.failures++;
        grant->tries.retry_usec = clock_boottime_usec() + pause;
        free(grant->tries.error);
        grant->tries.error = strdup(fault_message(why));

        log_warning("Refreshing %s for '%s' failed, next try in %" PRIu64 " s: %s", grant->resource_server,
                    grant->account->profile, (pause + USEC_PER_SEC - 1) / USEC_PER_SEC, fault_message(why));

        refresh_unavailable(grant, &fault);
        flight_land(flight, &fault);
}

/* After a logout, what the refresh brought would live on at Globus without anyone knowing. After a login, which
 * may have brought the same tokens, it is left alone. */
static void flight_revoke(const struct flight *flight, const struct token_set *tokens) {
        _cleanup_(revocation_freep) struct revocation *revocation = NULL;
        struct vault *vault = flight->refresh->deps.vault;
        int r;

        if (vault_find_account(vault, flight->profile))
                return;

        r = revocation_new(&revocation, flight->refresh->deps.revoker);
        if (!r)
                r = revocation_add_tokens(revocation, flight->profile, &flight->origin, tokens);
        if (r) {
                log_error("Cannot revoke what came after a logout: %s", error_sentence(r));
                return;
        }

        revocation_spare(revocation, vault);
        revocation_detach(TAKE(revocation));
}

static void flight_on_tokens(struct flight *flight, struct token_set *tokens) {
        struct vault *vault = flight->refresh->deps.vault;
        _cleanup_(fault_deinit) struct fault fault = {};
        struct grant *grant = vault_find_grant(vault, flight->grant_id);
        int r;

        r = vault_update_grant(vault, flight->grant_id, tokens);
        if (!r) {
                log_info("Refreshed %s for '%s'", grant->resource_server, grant->account->profile);
                flight_save_and_land(flight);
                return;
        }

        if (!grant) {
                flight_revoke(flight, tokens);
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

static void flight_on_end_of_request(void *userdata, const struct oauth_end *end) {
        struct flight *flight = userdata;

        switch (end->verdict) {
        case OAUTH_TOKENS:
                flight_on_tokens(flight, end->tokens);
                break;
        case OAUTH_INVALID_GRANT:
                flight_on_end(flight, GRANT_DEAD, end->fault);
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

static int flight_new(struct flight **ret, struct refresh *refresh, struct grant *grant) {
        _cleanup_(flight_freep) struct flight *flight = NULL;
        struct oauth_target target;
        int r;

        flight = calloc(1, sizeof(*flight));
        if (!flight)
                return -ENOMEM;

        flight->refresh = refresh;
        flight->grant_id = grant->id;
        list_init(&flight->link);
        list_init(&flight->waiters);
        waiter_init(&flight->saving.waiter);

        flight->profile = strdup(grant->account->profile);
        r = flight->profile ? origin_copy(&flight->origin, &grant->origin) : -ENOMEM;
        if (r)
                return r;

        target = (struct oauth_target){
                .http = refresh->deps.http,
                .origin = &grant->origin,
                .done = flight_on_end_of_request,
                .userdata = flight,
        };
        r = oauth_refresh(&flight->request, &target, grant->refresh_token);
        if (r)
                return r;

        grant->tries.tried_usec = clock_boottime_usec();
        list_append(&refresh->flights, &flight->link);
        *ret = TAKE(flight);
        return 0;
}

static struct flight *refresh_find(const struct refresh *refresh, uint64_t grant_id) {
        for (struct list *l = refresh->flights.next; l != &refresh->flights; l = l->next) {
                struct flight *flight = CONTAINER(l, struct flight, link);

                if (flight->grant_id == grant_id)
                        return flight;
        }

        return NULL;
}

bool refresh_is_flying(const struct refresh *refresh, uint64_t grant_id) {
        return refresh_find(refresh, grant_id) != NULL;
}

size_t refresh_count(const struct refresh *refresh) {
        size_t n = 0;

        for (const struct list *l = refresh->flights.next; l != &refresh->flights; l = l->next)
                n++;

        return n;
}

static int refresh_fly(struct flight **ret, struct refresh *refresh, uint64_t grant_id, struct fault *fault) {
        struct grant *grant = vault_find_grant(refresh->deps.vault, grant_id);
        int r;

        if (refresh->stopping)
                return fault_set(fault, AGENT_ERROR_STOPPING, NULL);
        if (!grant)
                return fault_set(fault, AGENT_ERROR_UNAVAILABLE, "The login was ended meanwhile");
        if (!grant->refresh_token) {
                refresh_need_login(grant, grant->state == GRANT_DEAD ? "dead" : "expired", fault);
                return fault->r;
        }

        r = flight_new(ret, refresh, grant);
        return r ? fault_set(fault, r, NULL) : 0;
}

int refresh_join(struct refresh *refresh, uint64_t grant_id, struct waiter *waiter, waiter_fn done,
                 struct fault *fault) {
        struct flight *flight = refresh_find(refresh, grant_id);
        int r;

        if (!flight) {
                r = refresh_fly(&flight, refresh, grant_id, fault);
                if (r)
                        return r;
        }

        waiter_join(waiter, &flight->waiters, done);
        return 0;
}

void refresh_start(struct refresh *refresh, uint64_t grant_id) {
        _cleanup_(fault_deinit) struct fault fault = {};
        struct flight *flight;
        int r;

        if (refresh_is_flying(refresh, grant_id))
                return;

        r = refresh_fly(&flight, refresh, grant_id, &fault);
        if (r < 0)
                log_error("Cannot begin to refresh: %s", fault_message(&fault));
}

int refresh_new(struct refresh **ret, const struct refresh_deps *deps) {
        struct refresh *refresh;

        refresh = calloc(1, sizeof(*refresh));
        if (!refresh)
                return -ENOMEM;

        refresh->deps = *deps;
        list_init(&refresh->flights);
        *ret = refresh;
        return 0;
}

struct refresh *refresh_free(struct refresh *refresh) {
        _cleanup_(fault_deinit) struct fault stopping = {};
        struct list *first;

        if (!refresh)
                return NULL;

        refresh->stopping = true;
        (void)fault_set(&stopping, AGENT_ERROR_STOPPING, NULL);
        while ((first = list_first(&refresh->flights)))
                flight_land(CONTAINER(first, struct flight, link), &stopping);

        free(refresh);
        return NULL;
}
