#include "daemon/flow/refresh-private.h"

#include <errno.h>
#include <inttypes.h>

#include "daemon/base/clock.h"

enum { URGENT_TRIES = 3 /* a REFRESH_SPACING_USEC */ };

void refresh_need_login(const struct grant *grant, const char *reason, struct fault *fault) {
        const struct login_need need = {
                .reason = reason,
                .profile = grant->account->profile,
                .resource_server = grant->resource_server,
                .scopes = grant->requested,
        };

        if (streq(reason, "client"))
                (void)fault_set_login_needed(fault, &need, "Globus does not accept the client %s any more (%s)",
                                             grant->origin.client_id,
                                             grant->tries.error ? grant->tries.error : reason);
        else if (streq(reason, "dead"))
                (void)fault_set_login_needed(fault, &need, "Globus has ended the login for %s (%s)",
                                             grant->resource_server,
                                             grant->tries.error ? grant->tries.error : "invalid_grant");
        else
                (void)fault_set_login_needed(fault, &need,
                                             "The token for %s is over and there is no refresh token",
                                             grant->resource_server);
}

void refresh_unavailable(const struct grant *grant, const char *why, struct fault *fault) {
        (void)fault_set(fault, AGENT_ERROR_UNAVAILABLE, "%s", why);
        if (grant->tries.retry_usec > 0)
                fault->retry_at = clock_to_unix_up(grant->tries.retry_usec);
}

/* What the last try, which failed, came to. */
static void refresh_tell_last(const struct grant *grant, struct fault *fault) {
        switch (grant->state) {
        case GRANT_ALIVE:
                refresh_unavailable(grant, grant->tries.error ? grant->tries.error : error_sentence(-ENOMEM),
                                    fault);
                break;
        case GRANT_DEAD:
                refresh_need_login(grant, "dead", fault);
                break;
        case GRANT_CLIENT_AT_FAULT:
                refresh_need_login(grant, "client", fault);
                break;
        }
}

static bool grant_is_due(const struct grant *grant, uint64_t now) {
        return grant->state != GRANT_DEAD && grant->tries.retry_usec <= now;
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
                refresh_need_login(grant, grant->state == GRANT_DEAD ? "dead" : "expired", fault);
                return fault->r;
        }

        if (grant->state == GRANT_DEAD || grant->tries.failures > 0) {
                if (grant_is_due(grant, now) || (urgent && grant_permits_urgent(grant, now)))
                        return 0;

                refresh_tell_last(grant, fault);
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
