#pragma once

/*
 * Id token: the claims of an id_token (OpenID Connect Core 1.0), checked; pure.
 *
 * It came over TLS straight from the token endpoint, which stands in for its signature (section 3.1.3.7, 6);
 * iss, aud, exp (300 s leeway) and at_hash are checked all the same.
 */

#include "daemon/model/identity.h"
#include "proto/macro.h"

struct id_token_expected {
        const char *issuer; /* without a final '/' */
        const char *client_id;
        int64_t now; /* Unix seconds */
        const char *const *access_tokens; /* NULL-terminated: at_hash, if there, is of one of these */
};

/* -EBADMSG: not a JWT with claims. -EPERM: a check failed. *ret_why names it (static). */
int id_token_parse(struct identity **ret, const char *jwt, const struct id_token_expected *expected,
                   const char **ret_why);
