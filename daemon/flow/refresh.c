#include "daemon/flow/refresh.h"

#include <errno.h>

#include "daemon/flow/refresh-private.h"
#include "proto/log.h"

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

static void refresh_drop_unsaved(struct refresh *refresh) {
        struct list *first;

        while ((first = list_first(&refresh->unsaved)))
                unwanted_free(CONTAINER(first, struct unwanted, link));
}

/* For what a disk has not taken yet, an end does not wait. */
void refresh_halt(struct refresh *refresh, int r) {
        refresh->halted = r;
        if (r)
                refresh_drop_unsaved(refresh);
}

void refresh_cancel(struct refresh *refresh, const struct fault *fault) {
        struct list *first;

        while ((first = list_first(&refresh->flights)))
                flight_land(CONTAINER(first, struct flight, link), fault);
        refresh_drop_unsaved(refresh);
}

bool refresh_is_vital(const struct refresh *refresh) {
        for (const struct list *l = refresh->flights.next; l != &refresh->flights; l = l->next) {
                const struct flight *flight = CONTAINER(l, struct flight, link);

                if (flight->request && oauth_request_is_sent(flight->request))
                        return true;
        }

        return false;
}

static int refresh_fly(struct flight **ret, struct refresh *refresh, uint64_t grant_id, struct fault *fault) {
        struct grant *grant = vault_find_grant(refresh->deps.vault, grant_id);
        int r;

        if (refresh->halted)
                return fault_set(fault, refresh->halted, NULL);
        if (!grant)
                return fault_set(fault, AGENT_ERROR_UNAVAILABLE, "The login was ended meanwhile");
        if (!grant->refresh_token) {
                refresh_need_login(grant, grant->state == GRANT_DEAD ? "dead" : "expired", fault);
                return fault->r;
        }

        r = flight_new(ret, refresh, grant);
        if (r)
                return fault_set(fault, r, NULL);

        list_append(&refresh->flights, &(*ret)->link);
        return 0;
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
        list_init(&refresh->unsaved);
        *ret = refresh;
        return 0;
}

struct refresh *refresh_free(struct refresh *refresh) {
        _cleanup_(fault_deinit) struct fault stopping = {};

        if (!refresh)
                return NULL;

        refresh_halt(refresh, AGENT_ERROR_STOPPING);
        (void)fault_set(&stopping, AGENT_ERROR_STOPPING, NULL);
        refresh_cancel(refresh, &stopping);
        free(refresh);
        return NULL;
}
