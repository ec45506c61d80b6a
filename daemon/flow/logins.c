#include "daemon/flow/logins.h"

#include <errno.h>

#include "daemon/base/clock.h"
#include "daemon/flow/alarm.h"
#include "proto/log.h"

#define LOGIN_GRACE_USEC (60 * USEC_PER_SEC)

struct logins {
        struct login_deps deps;
        struct list pending; /* login.link, the oldest first */
        struct alarm *expiry; /* of the next */
};

static struct login *logins_find(const struct logins *logins, const char *id) {
        for (struct list *l = logins->pending.next; l != &logins->pending; l = l->next) {
                struct login *login = CONTAINER(l, struct login, link);

                if (login->state != LOGIN_CANCELLED && streq(login->id, id))
                        return login;
        }

        return NULL;
}

static struct login *logins_find_equal(const struct logins *logins, const struct login_request *request) {
        for (struct list *l = logins->pending.next; l != &logins->pending; l = l->next) {
                struct login *login = CONTAINER(l, struct login, link);

                if (login->state == LOGIN_WAITING && login_request_equal(&login->request, request))
                        return login;
        }

        return NULL;
}

static void logins_set_expiry(struct logins *logins) {
        uint64_t next = USEC_INFINITY;

        for (struct list *l = logins->pending.next; l != &logins->pending; l = l->next)
                next = MIN(next, CONTAINER(l, struct login, link)->expires_usec);

        alarm_set(logins->expiry, next);
}

/* One that is exchanging a code is given the time to hear how that ended. */
static void logins_on_expiry(void *userdata) {
        struct logins *logins = userdata;
        uint64_t now = clock_boottime_usec();
        struct list *next;

        for (struct list *l = logins->pending.next; l != &logins->pending; l = next) {
                struct login *login = CONTAINER(l, struct login, link);

                next = l->next;
                if (login->expires_usec > now)
                        continue;
                if (login->state != LOGIN_WAITING) {
                        login->expires_usec = now + LOGIN_GRACE_USEC;
                        continue;
                }
                log_notice("Login to '%s' expired: no code came", login->request.profile);
                login_free(login);
        }

        logins_set_expiry(logins);
}

static void login_tell(const struct login *login, bool joined, struct login_info *ret) {
        *ret = (struct login_info){
                .id = login->id,
                .url = login->authorize.url,
                .profile = login->request.profile,
                .expires_at = clock_to_unix(login->expires_usec),
                .joined = joined,
        };
}

int logins_start(struct logins *logins, struct login_request *request, struct login_info *ret,
                 struct fault *fault) {
        struct login *login = logins_find_equal(logins, request);
        int r;

        if (login) {
                login_tell(login, true, ret);
                return 0;
        }

        if (logins_count(logins) >= LOGINS_MAX)
                return fault_set(fault, AGENT_ERROR_BUSY,
                                 "%d logins are waiting for a code already; finish or cancel one, or wait "
                                 "until it expires",
                                 LOGINS_MAX);

        r = login_new(&login, &logins->deps, request);
        if (r)
                return fault_set(fault, r, NULL);

        list_append(&logins->pending, &login->link);
        logins_set_expiry(logins);
        login_tell(login, false, ret);
        return 0;
}

int logins_finish(struct logins *logins, struct login_finish *finish, waiter_fn done, struct fault *fault) {
        struct login *login = logins_find(logins, finish->id);

        if (!login)
                return fault_set(
                        fault, AGENT_ERROR_UNKNOWN_LOGIN,
                        "No such login is waiting: it has ended, expired or was begun before a restart; "
                        "begin a new one: globus-agentctl login");

        return login_offer_code(login, finish->code, &finish->waiter, done, fault);
}

const char *logins_profile(const struct logins *logins, const char *id) {
        const struct login *login = logins_find(logins, id);

        return login ? login->request.profile : NULL;
}

int logins_cancel(struct logins *logins, const char *id, struct fault *fault) {
        struct login *login = logins_find(logins, id);
        _cleanup_(fault_deinit) struct fault cancelled = {};

        if (!login)
                return fault_set(fault, AGENT_ERROR_UNKNOWN_LOGIN, "No such login is waiting");
        if (login->state == LOGIN_SAVING)
                return fault_set(fault, AGENT_ERROR_UNKNOWN_LOGIN,
                                 "The login has just worked; to undo it, log out");

        (void)fault_set(&cancelled, AGENT_ERROR_UNKNOWN_LOGIN, "The login was cancelled");
        login_cancel(login, &cancelled);
        logins_set_expiry(logins);
        return 0;
}

void logins_cancel_profile(struct logins *logins, const char *profile) {
        struct list *l = logins->pending.next;

        while (l != &logins->pending) {
                struct login *login = CONTAINER(l, struct login, link);
                _cleanup_(fault_deinit) struct fault cancelled = {};

                if (login->state == LOGIN_CANCELLED || (profile && !streq(login->request.profile, profile))) {
                        l = l->next;
                        continue;
                }

                (void)fault_set(&cancelled, AGENT_ERROR_UNKNOWN_LOGIN, "The login was ended by a logout");
                login_cancel(login, &cancelled);
                l = logins->pending.next; /* the list may have changed */
        }

        logins_set_expiry(logins);
}

void logins_drop(struct logins *logins, const struct fault *fault) {
        struct list *first;

        while ((first = list_first(&logins->pending)))
                login_end(CONTAINER(first, struct login, link), fault);
        logins_set_expiry(logins);
}

size_t logins_count(const struct logins *logins) {
        size_t n = 0;

        for (struct list *l = logins->pending.next; l != &logins->pending; l = l->next)
                n++;

        return n;
}

bool logins_are_exchanging(const struct logins *logins) {
        for (struct list *l = logins->pending.next; l != &logins->pending; l = l->next)
                if (CONTAINER(l, struct login, link)->state != LOGIN_WAITING)
                        return true;

        return false;
}

int logins_new(struct logins **ret, sd_event *event, const struct login_deps *deps) {
        _cleanup_(logins_freep) struct logins *logins = NULL;
        int r;

        logins = calloc(1, sizeof(*logins));
        if (!logins)
                return -ENOMEM;

        logins->deps = *deps;
        list_init(&logins->pending);

        r = alarm_new(&logins->expiry, event, USEC_PER_SEC, logins_on_expiry, logins);
        if (r)
                return r;

        *ret = TAKE(logins);
        return 0;
}

struct logins *logins_free(struct logins *logins) {
        _cleanup_(fault_deinit) struct fault stopping = {};

        if (!logins)
                return NULL;

        (void)fault_set(&stopping, AGENT_ERROR_STOPPING, NULL);
        logins_drop(logins, &stopping);
        alarm_free(logins->expiry);
        free(logins);
        return NULL;
}
