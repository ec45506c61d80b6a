/* Token reply: a token endpoint's answer, its id_token, and what an error body demands. What is believed is
 * whole, and what is told to a person is fit for a terminal. */

#include "tests/fuzz/fuzz.h"

#include <stdio.h>

#include "daemon/base/crypto.h"
#include "daemon/model/scope.h"
#include "daemon/remote/demand.h"
#include "daemon/remote/id-token.h"
#include "daemon/remote/oauth-reply.h"
#include "daemon/remote/words.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/strv.h"

#define ISSUER "https://auth.globus.org"
#define CLIENT "f1b7c0de-5a11-4c3a-9f7e-0a1b2c3d4e5f"
#define ACCESS_TOKEN "Ag0standin0access0token0for0tests"

enum { NOW = 1700000000, MESSAGE_MAX = 3 * WORDS_MAX, FORM_BODY = 0x80 };

static void check_token(const struct secret *token) {
        CLAIM(secret_size(token) > 0 && strlen(secret_string(token)) == secret_size(token));
        for (const char *c = secret_string(token); *c; c++)
                CLAIM(*c > ' ' && *c <= '~');
}

static void check_entry(struct token_set *tokens, struct token_set_entry *entry) {
        CLAIM(token_set_find(tokens, entry->resource_server) == entry);
        CLAIM(streq(entry->token_type, "Bearer"));
        CLAIM(entry->expires_in >= 0 && entry->expires_in <= TOKEN_LIFETIME_MAX);
        check_token(entry->access_token);
        if (entry->refresh_token)
                check_token(entry->refresh_token);

        for (size_t i = 1; i < strv_length(entry->scopes); i++)
                CLAIM(strcmp(entry->scopes[i - 1], entry->scopes[i]) < 0);
}

/* Written and read again it is the same. */
static void check_identity(const struct identity *identity) {
        _cleanup_(identity_freep) struct identity *again = NULL;
        _cleanup_(json_freep) struct json_object *object = NULL;
        _cleanup_(buffer_deinit) struct buffer text = {};
        struct writer writer = WRITER_INIT(&text);

        write_object_begin(&writer);
        identity_write(identity, &writer);
        write_object_end(&writer);
        CLAIM(writer_end(&writer) == 0);
        CLAIM(json_parse(&object, buffer_bytes(&text), buffer_size(&text), 0) == 0);
        CLAIM(identity_parse(&again, object) == 0);
        CLAIM(identity_equal(again, identity));
}

static void check_tokens(struct token_set *tokens) {
        CLAIM(tokens->n_entries > 0);
        for (size_t i = 0; i < tokens->n_entries; i++)
                check_entry(tokens, &tokens->entries[i]);

        if (tokens->identity)
                check_identity(tokens->identity);
}

static void check_words(const char *words) {
        CLAIM(!words || (fuzz_is_line(words) && strlen(words) < WORDS_MAX + sizeof("...")));
}

static void check_fault(const struct fault *fault) {
        CLAIM(fault->r > 0);
        CLAIM(fuzz_is_line(fault_message(fault)) && strlen(fault_message(fault)) < MESSAGE_MAX);
        check_words(fault->error);
        check_words(fault->error_description);
}

static void check_verdict(enum oauth_verdict verdict, const struct http_reply *reply,
                          const struct token_set *tokens, const struct fault *fault) {
        switch (verdict) {
        case OAUTH_TOKENS:
                CLAIM(reply->status == 200 && tokens && !fault->r);
                return;
        case OAUTH_INVALID_GRANT:
                CLAIM((reply->status == 400 || reply->status == 401) && streq(fault->error, "invalid_grant"));
                break;
        case OAUTH_REFUSED:
                CLAIM(!tokens || (reply->status == 200 && !tokens->identity));
                break;
        case OAUTH_CLIENT_AT_FAULT:
        case OAUTH_TROUBLE:
                CLAIM(!tokens);
                break;
        }

        check_fault(fault);
}

static void check_answer(const struct http_reply *reply) {
        static const struct oauth_expected expected = {.issuer = ISSUER, .client_id = CLIENT, .now = NOW};
        _cleanup_(token_set_freep) struct token_set *tokens = NULL;
        _cleanup_(fault_deinit) struct fault fault = {};
        enum oauth_verdict verdict;

        verdict = oauth_reply_parse(&tokens, reply, &expected, &fault);
        check_verdict(verdict, reply, tokens, &fault);
        if (tokens)
                check_tokens(tokens);
}

/* What stands in a URL in the end stays one word of it. */
static void check_list(char *const *list) {
        for (; list && *list; list++)
                CLAIM(**list && fuzz_is_line(*list) && !strpbrk(*list, " ,"));
}

static void check_demand(struct bytes body) {
        _cleanup_(freep) char *code = NULL, *detail = NULL;
        _cleanup_(fault_deinit) struct fault fault = {};
        _cleanup_(strv_freep) char **scopes = NULL;
        _cleanup_(freep) char *joined = NULL;

        demand_describe(&code, &detail, body.data, body.n);
        check_words(code);
        check_words(detail);

        if (!demand_parse(&fault, body.data, body.n)) {
                CLAIM(!fault.r);
                return;
        }

        check_fault(&fault);
        CLAIM(fault.r == AGENT_ERROR_LOGIN_NEEDED);
        CLAIM(streq(fault.reason, fault.required_scopes ? "consent" : "session"));
        check_words(fault.session.session_message);
        check_list(fault.session.session_required_identities);
        check_list(fault.session.session_required_single_domain);
        check_list(fault.session.session_required_policies);

        CLAIM(strv_join(&joined, fault.required_scopes, " ") == 0);
        CLAIM(scope_split(&scopes, joined) == 0);
        CLAIM(strv_equal(scopes, fault.required_scopes));
}

/* An answer that is well but for its id_token, which is made of header and claims as they come. */
static char *make_answer(struct bytes header, struct bytes claims) {
        _cleanup_(freep) char *a = NULL, *b = NULL;
        char *answer;

        CLAIM(crypto_base64url_encode(&a, header.data, header.n) == 0);
        CLAIM(crypto_base64url_encode(&b, claims.data, claims.n) == 0);
        CLAIM(asprintf(&answer,
                       "{\"access_token\":\"" ACCESS_TOKEN "\",\"resource_server\":\"auth.globus.org\","
                       "\"scope\":\"openid\",\"expires_in\":172800,\"id_token\":\"%s.%s.c2ln\"}",
                       a, b) > 0);
        return answer;
}

/* status · type · the body, or with FORM_BODY in the type header and claims of an id_token, 0xff between */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        static const char *const types[] = {"application/json", "application/problem+json", "text/html", ""};
        static const int statuses[] = {200, 400, 401, 403, 408, 429, 500, 503};
        struct bytes input = {data, n};
        int status = statuses[fuzz_byte(&input) % ARRAY_SIZE(statuses)];
        unsigned char type = fuzz_byte(&input);
        struct http_reply reply = {.status = status, .content_type = types[type % ARRAY_SIZE(types)]};
        _cleanup_(freep) char *answer = NULL;

        if (type & FORM_BODY) {
                struct bytes header = fuzz_part(&input);

                answer = make_answer(header, input);
                input = (struct bytes){answer, strlen(answer)};
        }

        reply.body = input.data;
        reply.body_size = input.n;
        check_answer(&reply);
        check_demand(input);
        return 0;
}
