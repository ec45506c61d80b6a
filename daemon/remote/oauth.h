#pragma once

/*
 * OAuth: the requests of RFC 6749 and RFC 7009 to Globus Auth: exchange a code, refresh, revoke.
 *
 * Each sends one request, once. The origin decides the host; nothing else does.
 */

#include "daemon/model/origin.h"
#include "daemon/model/token-set.h"
#include "daemon/remote/http.h"
#include "daemon/remote/oauth-reply.h"
#include "proto/fault.h"
#include "proto/secret.h"

struct oauth_request;

/* How it ended. For OAUTH_TOKENS, tokens; its members may be taken. Else the fault: message, error,
 * error_description, and retry_at if the server said when to come again; tokens, if any, are then only to be
 * revoked (oauth-reply.h). Borrowed. Called exactly once, later, from the loop. */
struct oauth_end {
        enum oauth_verdict verdict;
        struct token_set *tokens;
        const struct fault *fault;
};
typedef void (*oauth_done_fn)(void *userdata, const struct oauth_end *end);

/* Where it goes, and who is told. origin is borrowed for the call. */
struct oauth_target {
        struct http *http;
        const struct origin *origin;
        oauth_done_fn done;
        void *userdata;
};

struct oauth_code {
        const struct secret *code, *verifier;
        const char *redirect_uri;
};

int oauth_exchange(struct oauth_request **ret, const struct oauth_target *target,
                   const struct oauth_code *code);
int oauth_refresh(struct oauth_request **ret, const struct oauth_target *target,
                  const struct secret *refresh_token);

/* OAUTH_TOKENS without tokens: revoked. */
int oauth_revoke(struct oauth_request **ret, const struct oauth_target *target, const struct secret *token);

/* Whether the server may have got it. */
bool oauth_request_is_sent(const struct oauth_request *request);

/* Cancels: done is not called any more. */
struct oauth_request *oauth_request_free(struct oauth_request *request);

DEFINE_CLEANUP(struct oauth_request, oauth_request_free);
