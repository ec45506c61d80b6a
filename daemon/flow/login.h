#pragma once

/*
 * Login: one that waits for a person: begun with an authorize URL, ended by the code that Globus shows.
 *
 * A code is exchanged once and never sent again after it may have arrived; after a failed exchange the login
 * waits for another code. The tokens of a login that is refused, since it is another identity's, are revoked.
 */

#include "daemon/flow/login-request.h"
#include "daemon/flow/revoke.h"
#include "daemon/flow/save.h"
#include "daemon/flow/waiter.h"
#include "daemon/model/vault.h"
#include "daemon/remote/authorize.h"
#include "daemon/remote/http.h"

#define LOGIN_LIFE_USEC (15 * 60 * USEC_PER_SEC)

struct login_deps {
        struct vault *vault;
        struct http *http;
        struct save *save;
        struct revoker *revoker;
        void (*changed)(void *userdata, const char *profile); /* after each login that worked */
        void *userdata;
}; /* all borrowed */

enum login_state {
        LOGIN_WAITING, /* for a code */
        LOGIN_EXCHANGING, /* the code is on its way */
        LOGIN_SAVING, /* the tokens are on their way to the disk */
        LOGIN_CANCELLED, /* the code is on its way, but nobody wants what it brings */
};

struct login {
        const struct login_deps *deps; /* borrowed */
        struct list link; /* logins.pending */
        char *id;
        struct login_request request;
        struct authorize authorize;
        uint64_t expires_usec;
        enum login_state state;
        struct secret *code; /* the one in exchange */
        struct oauth_request *exchange;
        struct revocation *replaced; /* what the profile held; on disk until the login is saved */
        struct saving saving;
        struct list waiters; /* waiter.link: for the end of the exchange */
};

/* Takes the request over on success. */
int login_new(struct login **ret, const struct login_deps *deps, struct login_request *request);
struct login *login_free(struct login *login);

/* 0: the waiter is told later, once. Else the fault's code. The same code twice joins; another one meanwhile is
 * Busy. The code may have blanks and line ends in it. */
int login_offer_code(struct login *login, const struct secret *code, struct waiter *waiter, waiter_fn done,
                     struct fault *fault);

/* Tells whoever waits, and frees it; one whose code is on its way stays to revoke what that brings. */
void login_cancel(struct login *login, const struct fault *fault);

/* Tells whoever waits, and frees it. */
void login_end(struct login *login, const struct fault *fault);

DEFINE_CLEANUP(struct login, login_free);
