#pragma once

/*
 * Refresh: exchanges refresh tokens for fresh access tokens, one request per grant at a time.
 *
 * Ten clients may ask for the same stale token at once; Globus sees one request. Each caller brings its own
 * waiter. When the answer is here and saved, every waiter still waiting is told once; one that left is not.
 * Only a well-formed invalid_grant ends a grant, which is then tried again only when a person insists; any
 * other failure is tried again, more and more slowly. Among the daemons that share a home, one refreshes at a
 * time, with the newest token there is; while the disk hangs, none does unless somebody waits for it. Tokens
 * that come after a logout are revoked.
 */

#include <systemd/sd-event.h>

#include "daemon/flow/claim.h"
#include "daemon/flow/follow.h"
#include "daemon/flow/revoke.h"
#include "daemon/flow/save.h"
#include "daemon/flow/waiter.h"
#include "daemon/model/vault.h"
#include "daemon/remote/http.h"

#define REFRESH_SPACING_USEC (60 * USEC_PER_SEC)

struct refresh;

struct refresh_deps {
        struct vault *vault;
        struct http *http;
        struct save *save;
        struct claims *claims;
        struct follow *follow;
        struct revoker *revoker;
        void (*changed)(void *userdata); /* after each flight: due times have changed */
        void *userdata;
}; /* all borrowed */

int refresh_new(struct refresh **ret, const struct refresh_deps *deps);

/* Tells whoever still waits that the agent is stopping; from then on refresh_join() says so at once. */
struct refresh *refresh_free(struct refresh *refresh);

/* 0: done is called later, exactly once. Otherwise the result is known at once, with a fault, and done is not
 * called. Starts a flight if none is under way: whether that is in order, refresh_permits() tells. */
int refresh_join(struct refresh *refresh, uint64_t grant_id, struct waiter *waiter, waiter_fn done,
                 struct fault *fault);

/* Flies without anybody waiting, for the schedule. */
void refresh_start(struct refresh *refresh, uint64_t grant_id);

/* Something is on disk, and what is there was taken over: tokens of a refresh whose login another daemon has
 * ended meanwhile are revoked. */
void refresh_on_saved(struct refresh *refresh);

/* A logout has begun to revoke all that the grants held which are gone: nothing of it is kept here either. */
void refresh_on_logout(struct refresh *refresh);

/* How many flights there are. */
size_t refresh_count(const struct refresh *refresh);

/* While r is not 0, no refresh is begun, none is sent, and whoever asks for one is told that error. */
void refresh_halt(struct refresh *refresh, int r);

/* Ends all flights with this fault; what Globus answers to them is lost, and no token is kept. */
void refresh_cancel(struct refresh *refresh, const struct fault *fault);

/* Whether Globus may have taken a refresh token whose successor is not on disk yet. */
bool refresh_is_vital(const struct refresh *refresh);

bool refresh_is_flying(const struct refresh *refresh, uint64_t grant_id);

/* 0: one more try is in order now. Else the answer of the last try, as a fault: LoginNeeded for a grant that
 * has ended, Unavailable with the time of the next try. AGENT_ERROR_SHORT_VALIDITY: the last try worked, less
 * than a minute ago. urgent: a person insists; a few such tries a minute are let through after failures, and
 * of a grant that has ended. */
int refresh_permits(struct refresh *refresh, struct grant *grant, bool urgent, struct fault *fault);

DEFINE_CLEANUP(struct refresh, refresh_free);
