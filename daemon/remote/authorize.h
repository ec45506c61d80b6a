#pragma once

/*
 * Authorize: what begins a login: the PKCE verifier (RFC 7636, S256), the state, and the URL that a person
 * opens.
 *
 * The verifier never leaves the daemon but in the exchange with Globus.
 */

#include "daemon/model/origin.h"
#include "proto/macro.h"
#include "proto/secret.h"
#include "proto/session.h"

struct authorize {
        struct secret *verifier; /* 43 characters */
        char *state; /* 43 characters, unguessable */
        char *redirect_uri;
        char *url;
};

struct authorize_params {
        const struct origin *origin;
        char *const *scopes; /* sorted: the URL is reproducible but for state and challenge */
        bool refresh_tokens; /* access_type=offline, else online */
        const struct session *session;
        const char *redirect_uri; /* NULL: the page of Globus that shows the code */
};

void authorize_deinit(struct authorize *authorize);
int authorize_init(struct authorize *ret, const struct authorize_params *params);
