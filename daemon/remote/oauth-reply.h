#pragma once

/*
 * OAuth reply: a token endpoint's answer (RFC 6749 section 5) to a token set or an error; pure.
 *
 * Judged by the body, and by the status only where the body says nothing: Globus sends invalid_grant with 400
 * and 401. What is no token answer at all (a captive portal's page, say) is trouble that passes, never an end
 * of the login.
 */

#include "daemon/model/token-set.h"
#include "daemon/remote/http.h"
#include "proto/fault.h"

enum oauth_verdict {
        OAUTH_TOKENS,
        OAUTH_INVALID_GRANT, /* a well-formed invalid_grant */
        OAUTH_CLIENT_AT_FAULT, /* invalid_client, unauthorized_client */
        OAUTH_REFUSED, /* another OAuth error */
        OAUTH_TROUBLE, /* all else */
};

struct oauth_expected {
        const char *issuer, *client_id;
        int64_t now; /* Unix seconds, for an id_token */
};

/* *ret for OAUTH_TOKENS, and for OAUTH_REFUSED where tokens came with an id_token that is not to be believed:
 * they are to be revoked. But for OAUTH_TOKENS, *fault has the message (HTTP status, error and description as
 * Globus sent them, made harmless and bounded), error and error_description. -ENOMEM is OAUTH_TROUBLE. */
enum oauth_verdict oauth_reply_parse(struct token_set **ret, const struct http_reply *reply,
                                     const struct oauth_expected *expected, struct fault *fault);

/* The same of a revocation (RFC 7009, section 2.2), where OAUTH_TOKENS means revoked. */
enum oauth_verdict oauth_reply_parse_revocation(const struct http_reply *reply, struct fault *fault);
