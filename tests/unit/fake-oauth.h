#pragma once

/* OAuth that only remembers what it was asked for: it takes the place of daemon/remote/oauth. */

#include "tests/unit/unit.h"

#include "tests/unit/logins.h"

#include "daemon/remote/oauth.h"
#include "proto/list.h"

enum oauth_kind { OAUTH_EXCHANGE, OAUTH_REFRESH, OAUTH_REVOKE };

struct oauth_request {
        struct list link; /* oauth_sent, or itself once answered */
        enum oauth_kind kind;
        char *secret, *verifier, *auth_url;
        oauth_done_fn done;
        void *userdata;
};

static struct list oauth_sent = {&oauth_sent, &oauth_sent}; /* on their way, in order */
static unsigned oauth_count; /* of all that were ever sent */
static int oauth_result; /* of sending */
static bool oauth_sends = true; /* else requests wait for a connection */

static int oauth_send(struct oauth_request **ret, const struct oauth_target *target, enum oauth_kind kind,
                      const struct secret *secret) {
        struct oauth_request *request;

        if (oauth_result)
                return oauth_result;

        request = calloc(1, sizeof(*request));
        request->kind = kind;
        request->secret = strdup(secret_string(secret));
        request->auth_url = strdup(target->origin->auth_url);
        request->done = target->done;
        request->userdata = target->userdata;
        list_append(&oauth_sent, &request->link);
        oauth_count++;
        *ret = request;
        return 0;
}

int oauth_exchange(struct oauth_request **ret, const struct oauth_target *target,
                   const struct oauth_code *code) {
        int r;

        r = oauth_send(ret, target, OAUTH_EXCHANGE, code->code);
        if (!r)
                (*ret)->verifier = strdup(secret_string(code->verifier));
        return r;
}

int oauth_refresh(struct oauth_request **ret, const struct oauth_target *target,
                  const struct secret *refresh_token) {
        return oauth_send(ret, target, OAUTH_REFRESH, refresh_token);
}

int oauth_revoke(struct oauth_request **ret, const struct oauth_target *target, const struct secret *token) {
        return oauth_send(ret, target, OAUTH_REVOKE, token);
}

bool oauth_request_is_sent(const struct oauth_request *request) {
        return oauth_sends;
}

struct oauth_request *oauth_request_free(struct oauth_request *request) {
        if (!request)
                return NULL;

        list_unlink(&request->link);
        free(request->secret);
        free(request->verifier);
        free(request->auth_url);
        free(request);
        return NULL;
}

static inline size_t oauth_on_their_way(void) {
        size_t n = 0;

        for (struct list *l = oauth_sent.next; l != &oauth_sent; l = l->next)
                n++;

        return n;
}

/* The oldest of those on their way. */
static inline struct oauth_request *oauth_next(void) {
        assert_false(list_is_empty(&oauth_sent));
        return CONTAINER(oauth_sent.next, struct oauth_request, link);
}

/* The oldest is answered. Takes tokens, which may be NULL. */
static inline void oauth_answer_tokens(struct token_set *tokens) {
        struct oauth_request *request = oauth_next();

        list_unlink(&request->link);
        request->done(request->userdata, &(struct oauth_end){.verdict = OAUTH_TOKENS, .tokens = tokens});
        token_set_free(tokens);
}

static inline void oauth_answer_fault(enum oauth_verdict verdict, int64_t retry_at) {
        struct oauth_request *request = oauth_next();
        struct fault fault = {};

        (void)fault_set(&fault, AGENT_ERROR_UNAVAILABLE, "said Globus");
        fault.error = strdup("an_error");
        fault.retry_at = retry_at;
        list_unlink(&request->link);
        request->done(request->userdata, &(struct oauth_end){.verdict = verdict, .fault = &fault});
        fault_deinit(&fault);
}
