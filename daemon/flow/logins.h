#pragma once

/*
 * Logins: those that wait for a person: begun with an authorize URL, ended by the code that Globus shows.
 *
 * At most LOGINS_MAX at a time, each for LOGIN_LIFE_USEC. A code is exchanged once and never sent again after
 * it may have arrived; after a failed exchange the login waits for another code. Logins end with the daemon.
 */

#include <systemd/sd-event.h>

#include "daemon/flow/login.h"

enum { LOGINS_MAX = 8 };

struct logins;

int logins_new(struct logins **ret, sd_event *event, const struct login_deps *deps);

/* Tells whoever still waits that the agent is stopping. */
struct logins *logins_free(struct logins *logins);

/* A login that waits. Borrowed until the loop goes on. */
struct login_info {
        const char *id, *url, *profile;
        int64_t expires_at; /* Unix seconds */
        bool joined; /* an equal one was open already */
};

/* Takes the request over on success. AGENT_ERROR_BUSY: too many are open. */
int logins_start(struct logins *logins, struct login_request *request, struct login_info *ret,
                 struct fault *fault);

/* One who waits for the end of an exchange. */
struct login_finish {
        struct waiter waiter;
        const char *id; /* of the login; borrowed for the call, like the code */
        const struct secret *code; /* may have blanks and line ends in it */
};

/* 0: done is called later, once. Else the fault's code. The same code twice joins. */
int logins_finish(struct logins *logins, struct login_finish *finish, waiter_fn done, struct fault *fault);

/* NULL: no login of that id. Borrowed. */
const char *logins_profile(const struct logins *logins, const char *id);

/* Whoever waits for the exchange is told so. AGENT_ERROR_UNKNOWN_LOGIN. */
int logins_cancel(struct logins *logins, const char *id, struct fault *fault);

/* Those of a profile that is logged out of; NULL: all. */
void logins_cancel_profile(struct logins *logins, const char *profile);

/* Ends all of them with this fault, also those whose code is on its way: what comes is lost, and not revoked.
 * */
void logins_drop(struct logins *logins, const struct fault *fault);

/* Those that wait, and those whose code is on its way. */
size_t logins_count(const struct logins *logins);

/* Whether a code is on its way, or what it brought. */
bool logins_are_exchanging(const struct logins *logins);

DEFINE_CLEANUP(struct logins, logins_free);
