#include "daemon/flow/refresh.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>

#include "daemon/base/clock.h"
#include "daemon/base/crypto.h"
#include "daemon/remote/oauth.h"
#include "proto/log.h"

#define RETRY_FIRST_USEC USEC_PER_SEC
#define RETRY_LAST_USEC (300 * USEC_PER_SEC)
#define RETRY_CLIENT_USEC (3600 * USEC_PER_SEC)
#define RETRY_AFTER_MAX 3600 /* seconds */

enum { URGENT_TRIES = 3 /* a REFRESH_SPACING_USEC */ };

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

/* Exponential with full jitter, but never before the server wants it. */
static uint64_t retry_pause_usec(const struct grant_tries *tries, const struct fault *fault) {
        uint64_t pause = RETRY_FIRST_USEC << MIN(tries->failures, 9U);
        uint64_t after = 0;
        uint32_t random = 0;

        if (fault->retry_at > 0) {
                int64_t seconds = fault->retry_at - clock_to_unix(clock_boottime_usec());

                after = (uint64_t)MIN(MAX(seconds, 0), RETRY_AFTER_MAX) * USEC_PER_SEC;
        }

        pause = MIN(pause, RETRY_LAST_USEC);
        (void)crypto_random(&random, sizeof(random)); /* without it the pause is just shorter */
        return MAX(pause / 2 + pause / 2 * random / UINT32_MAX, after);
}

static void grant_need_login(const struct grant *grant, const char *reason, struct fault *fault) {
        const struct login_need need = {
                .reason = reason,
                .profile = grant->account->profile,
                .resource_server = grant->resource_server,
                .scopes = grant->requested,
        };

        if (streq(reason, "client"))
                (void)fault_set_login_needed(
                        fault, &need,
                        "Globus does not accept the client %s any more (%s); log in with another one",
                        grant->origin.client_id, grant->tries.error ? grant->tries.error : reason);
        else if (streq(reason, "dead"))
                (void)fault_set_login_needed(fault, &need, "Globus has ended the login for %s (%s)",
                                             grant->resource_server,
                                             grant->tries.error ? grant->tries.error : "invalid_grant");
        else
                (void)fault_set_login_needed(fault, &need,
                                             "The token for %s has expired and there is no refresh token",
                                             grant->resource_server);
}

static void grant_unavailable(const struct grant *grant, struct fault *fault) {
        (void)fault_set(fault, AGENT_ERROR_UNAVAILABLE, "%s",
                        grant->tries.error ? grant->tries.error : "Globus has not answered yet");
        fault->retry_at = clock_to_unix(grant->tries.retry_usec);
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
        grant->tries.retry_usec = clock_boottime_usec() + RETRY_CLIENT_USEC;
        grant_need_login(grant, state == GRANT_DEAD ? "dead" : "client", &fault);
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

        pause = retry_pause_usec(&grant->tries, why);
        grant->tries.failures++;
        grant->tries.retry_usec = clock_boottime_usec() + pause;
        free(grant->tries.error);
        grant->tries.error = strdup(fault_message(why));

        log_warning("Refreshing %s for '%s' failed, next try in %" PRIu64 " s: %s", grant->resource_server,
                    grant->account->profile, (pause + USEC_PER_SEC - 1) / USEC_PER_SEC, fault_message(why));

        grant_unavailable(grant, &fault);
        flight_land(flight, &fault);
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

        if (!grant)
                (void)fault_set(&fault, AGENT_ERROR_UNAVAILABLE, "The login was ended meanwhile");
        else if (r == -ENOENT)
                (void)fault_set(&fault, AGENT_ERROR_UNAVAILABLE,
                                "Globus answered the refresh with tokens for other services than %s",
                                grant->resource_server);
        else
                (void)fault_set(&fault, r, NULL);
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
                grant_need_login(grant, grant->state == GRANT_DEAD ? "dead" : "expired", fault);
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

/* A person's insisting is let through a few times a minute, so that no script makes a loop of it. */
static bool grant_permits_urgent(struct grant *grant, uint64_t now) {
        struct grant_tries *tries = &grant->tries;

        if (now - tries->urgent_usec >= REFRESH_SPACING_USEC || !tries->urgent_usec) {
                tries->urgent_usec = now;
                tries->urgent = 0;
        }

        return tries->urgent++ < URGENT_TRIES;
}

int refresh_permits(struct refresh *refresh, struct grant *grant, bool urgent, struct fault *fault) {
        uint64_t now = clock_boottime_usec();

        if (!grant->refresh_token) {
                grant_need_login(grant, grant->state == GRANT_DEAD ? "dead" : "expired", fault);
                return fault->r;
        }

        if (grant->tries.failures > 0) {
                if (grant->tries.retry_usec <= now || (urgent && grant_permits_urgent(grant, now)))
                        return 0;
                if (grant->state == GRANT_CLIENT_AT_FAULT)
                        grant_need_login(grant, "client", fault);
                else
                        grant_unavailable(grant, fault);
                return fault->r;
        }

        if (grant->tries.tried_usec && now < grant->tries.tried_usec + REFRESH_SPACING_USEC) {
                (void)fault_set(fault, AGENT_ERROR_SHORT_VALIDITY,
                                "Globus gives tokens for %s that are valid for only %" PRIu64
                                " s; the next one can be "
                                "asked for in %" PRIu64 " s",
                                grant->resource_server,
                                (grant->token.expires_usec - grant->token.obtained_usec) / USEC_PER_SEC,
                                (grant->tries.tried_usec + REFRESH_SPACING_USEC - now) / USEC_PER_SEC + 1);
                fault->expires_in = (int64_t)(token_remaining_usec(&grant->token, now) / USEC_PER_SEC);
                return fault->r;
        }

        return 0;
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
