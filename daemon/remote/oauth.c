#include "daemon/remote/oauth.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/base/clock.h"
#include "daemon/remote/form.h"

struct oauth_request {
        struct http_request *http;
        char *issuer, *client_id;
        bool revokes;
        oauth_done_fn done;
        void *userdata;
};

bool oauth_request_is_sent(const struct oauth_request *request) {
        return http_request_is_sent(request->http);
}

struct oauth_request *oauth_request_free(struct oauth_request *request) {
        if (!request)
                return NULL;

        http_request_free(request->http);
        free(request->issuer);
        free(request->client_id);
        free(request);
        return NULL;
}

/* What the server said of when to come again. */
static void fault_set_retry(struct fault *fault, const struct http_reply *reply) {
        if (reply->retry_after > 0)
                fault->retry_at = (int64_t)(clock_realtime_usec() / USEC_PER_SEC) + reply->retry_after;
}

static void oauth_on_done(void *userdata, const struct fault *fault, const struct http_reply *reply) {
        _cleanup_(token_set_freep) struct token_set *tokens = NULL;
        _cleanup_(fault_deinit) struct fault parsed = {};
        struct oauth_request *request = userdata;
        const struct oauth_expected expected = {
                .issuer = request->issuer,
                .client_id = request->client_id,
                .now = (int64_t)(clock_realtime_usec() / USEC_PER_SEC),
        };
        struct oauth_end end = {.verdict = OAUTH_TROUBLE, .fault = fault};

        if (reply) {
                end.verdict = request->revokes ? oauth_reply_parse_revocation(reply, &parsed)
                                               : oauth_reply_parse(&tokens, reply, &expected, &parsed);
                end.tokens = tokens;
                if (end.verdict != OAUTH_TOKENS) {
                        fault_set_retry(&parsed, reply);
                        end.fault = &parsed;
                }
        }

        request->done(request->userdata, &end);
}

/* The issuer is the base URL without its final '/'. */
static int request_new(struct oauth_request **ret, const struct oauth_target *target, bool revokes) {
        _cleanup_(oauth_request_freep) struct oauth_request *request = NULL;
        const char *url = target->origin->auth_url;

        request = malloc(sizeof(*request));
        if (!request)
                return -ENOMEM;

        *request = (struct oauth_request){
                .issuer = strndup(url, strlen(url) - 1),
                .client_id = strdup(target->origin->client_id),
                .revokes = revokes,
                .done = target->done,
                .userdata = target->userdata,
        };
        if (!request->issuer || !request->client_id)
                return -ENOMEM;

        *ret = TAKE(request);
        return 0;
}

static int request_send(struct oauth_request **ret, const struct oauth_target *target, struct buffer *form,
                        bool revokes) {
        _cleanup_(oauth_request_freep) struct oauth_request *request = NULL;
        _cleanup_(secret_freep) struct secret *body = NULL;
        _cleanup_(freep) char *url = NULL;
        int r;

        r = request_new(&request, target, revokes);
        if (!r)
                r = form_finish(&body, form);
        if (r)
                return r;

        if (asprintf(&url, "%sv2/oauth2/token%s", target->origin->auth_url, revokes ? "/revoke" : "") < 0)
                return -ENOMEM;

        r = http_send(&request->http, target->http,
                      &(const struct http_spec){
                              .url = url,
                              .form = TAKE(body),
                              .done = oauth_on_done,
                              .userdata = request,
                      });
        if (r)
                return r;

        *ret = TAKE(request);
        return 0;
}

static int form_add_secret(struct buffer *form, const char *name, const struct secret *secret) {
        return form_add_n(form, name, secret_bytes(secret), secret_size(secret));
}

int oauth_exchange(struct oauth_request **ret, const struct oauth_target *target,
                   const struct oauth_code *code) {
        _cleanup_(buffer_deinit) struct buffer form = {};
        int r;

        r = form_add(&form, "client_id", target->origin->client_id);
        if (!r)
                r = form_add(&form, "grant_type", "authorization_code");
        if (!r)
                r = form_add_secret(&form, "code", code->code);
        if (!r)
                r = form_add_secret(&form, "code_verifier", code->verifier);
        if (!r)
                r = form_add(&form, "redirect_uri", code->redirect_uri);

        return r ? r : request_send(ret, target, &form, false);
}

int oauth_refresh(struct oauth_request **ret, const struct oauth_target *target,
                  const struct secret *refresh_token) {
        _cleanup_(buffer_deinit) struct buffer form = {};
        int r;

        r = form_add_secret(&form, "refresh_token", refresh_token);
        if (!r)
                r = form_add(&form, "grant_type", "refresh_token");
        if (!r)
                r = form_add(&form, "client_id", target->origin->client_id);

        return r ? r : request_send(ret, target, &form, false);
}

int oauth_revoke(struct oauth_request **ret, const struct oauth_target *target, const struct secret *token) {
        _cleanup_(buffer_deinit) struct buffer form = {};
        int r;

        r = form_add_secret(&form, "token", token);
        if (!r)
                r = form_add(&form, "client_id", target->origin->client_id);

        return r ? r : request_send(ret, target, &form, true);
}
