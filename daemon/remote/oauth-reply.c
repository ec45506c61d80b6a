#include "daemon/remote/oauth-reply.h"

#include <errno.h>
#include <strings.h>

#include "daemon/model/scope.h"
#include "daemon/remote/demand.h"
#include "daemon/remote/id-token.h"
#include "daemon/remote/media-type.h"
#include "daemon/remote/words.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/strv.h"

#define TOKEN_TYPE "Bearer"

enum { TOKEN_SIZE_MAX = 16 * 1024, ENTRIES_MAX = 256 };

/* NULL if absent, and where it is null. */
static struct json_object *get_member(struct json_object *object, const char *name) {
        struct json_object *value;

        return json_object_object_get_ex(object, name, &value) ? value : NULL;
}

/* Visible ASCII, as RFC 6749 has it (appendix A). */
static bool is_visible(const char *text) {
        size_t n = 0;

        for (; *text; text++, n++)
                if (*text <= ' ' || *text > '~')
                        return false;

        return n > 0 && n <= TOKEN_SIZE_MAX;
}

static const char *get_visible(struct json_object *object, const char *name) {
        const char *text = json_get_string(object, name);

        return text && is_visible(text) ? text : NULL;
}

static int64_t seconds_of_digits(const char *text) {
        int64_t seconds = 0;

        if (!*text || strspn(text, "0123456789") != strlen(text))
                return TOKEN_LIFETIME_UNKNOWN;

        for (; *text && seconds <= TOKEN_LIFETIME_MAX; text++)
                seconds = 10 * seconds + (*text - '0');

        return seconds;
}

static int64_t seconds_of_double(double seconds) {
        if (!(seconds > 0))
                return 0;

        return seconds < TOKEN_LIFETIME_MAX ? (int64_t)seconds : TOKEN_LIFETIME_MAX;
}

static int64_t seconds_of(struct json_object *value) {
        switch (json_object_get_type(value)) {
        case json_type_int:
                return json_object_get_int64(value);
        case json_type_double:
                return seconds_of_double(json_object_get_double(value));
        case json_type_string:
                return seconds_of_digits(json_object_get_string(value));
        case json_type_null:
        case json_type_boolean:
        case json_type_object:
        case json_type_array:
                return TOKEN_LIFETIME_UNKNOWN;
        }

        return TOKEN_LIFETIME_UNKNOWN;
}

static int take_scopes(char ***ret, const char *text) {
        int r;

        r = scope_split(ret, text);
        if (r)
                return r == -EINVAL ? -EBADMSG : r;

        strv_sort(*ret);
        return 0;
}

/* None where it is absent, null or empty. */
static int take_refresh_token(struct secret **ret, struct json_object *object) {
        struct json_object *value = get_member(object, "refresh_token");
        const char *text = get_visible(object, "refresh_token");

        if (!value || (json_object_is_type(value, json_type_string) && json_object_get_string_len(value) == 0))
                return 0;

        return text ? secret_new(ret, text, strlen(text)) : -EBADMSG;
}

/* The member of a token answer (RFC 6749, section 5.1) that is missing or not usable. NULL: none. */
static const char *find_bad(struct token_set *tokens, struct json_object *object) {
        const char *server = get_visible(object, "resource_server");
        const char *type = json_get_string(object, "token_type");

        if (!get_visible(object, "access_token"))
                return "access_token";
        if (!server || token_set_find(tokens, server))
                return "resource_server";
        if (get_member(object, "token_type") && (!type || strcasecmp(type, TOKEN_TYPE) != 0))
                return "token_type";
        if (!json_get_string(object, "scope"))
                return "scope";

        return NULL;
}

/* The entry stays in the set on failure. -EBADMSG with the member at fault. */
static int take_entry(struct token_set *tokens, struct json_object *object, const char **ret_bad) {
        const char *access_token = json_get_string(object, "access_token");
        struct token_set_entry *entry;
        int r;

        *ret_bad = find_bad(tokens, object);
        if (*ret_bad)
                return -EBADMSG;

        r = token_set_add(&entry, tokens);
        if (r)
                return r;

        entry->resource_server = strdup(json_get_string(object, "resource_server"));
        entry->token_type = strdup(TOKEN_TYPE);
        entry->expires_in = MAX(MIN(seconds_of(get_member(object, "expires_in")), TOKEN_LIFETIME_MAX), 0);
        if (!entry->resource_server || !entry->token_type)
                return -ENOMEM;

        r = secret_new(&entry->access_token, access_token, strlen(access_token));
        if (r)
                return r;

        *ret_bad = "scope";
        r = take_scopes(&entry->scopes, json_get_string(object, "scope"));
        if (r)
                return r;

        *ret_bad = "refresh_token";
        return take_refresh_token(&entry->refresh_token, object);
}

static int take_entries(struct token_set *tokens, struct json_object *object, const char **ret_bad) {
        struct json_object *others = get_member(object, "other_tokens");
        int r;

        r = take_entry(tokens, object, ret_bad);
        if (r || !others)
                return r;

        *ret_bad = "other_tokens";
        if (!json_object_is_type(others, json_type_array) || json_object_array_length(others) >= ENTRIES_MAX)
                return -EBADMSG;

        for (size_t i = 0; !r && i < json_object_array_length(others); i++) {
                struct json_object *other = json_object_array_get_idx(others, i);

                *ret_bad = "other_tokens";
                r = json_object_is_type(other, json_type_object) ? take_entry(tokens, other, ret_bad)
                                                                 : -EBADMSG;
        }

        return r;
}

static int take_identity(struct token_set *tokens, struct json_object *object,
                         const struct oauth_expected *expected, const char **ret_why) {
        struct json_object *value = get_member(object, "id_token");
        const char *access_tokens[ENTRIES_MAX + 1] = {};

        if (!value)
                return 0;

        for (size_t i = 0; i < tokens->n_entries; i++)
                access_tokens[i] = secret_string(tokens->entries[i].access_token);

        *ret_why = "it is no string";
        if (!json_object_is_type(value, json_type_string))
                return -EBADMSG;

        return id_token_parse(&tokens->identity, json_object_get_string(value),
                              &(const struct id_token_expected){
                                      .issuer = expected->issuer,
                                      .client_id = expected->client_id,
                                      .now = expected->now,
                                      .access_tokens = access_tokens,
                              },
                              ret_why);
}

/* The message says what of the answer is damaged; bad NULL: all of it. */
static enum oauth_verdict trouble(struct fault *fault, int r, const char *bad) {
        if (r == -ENOMEM)
                fault_set(fault, r, NULL);
        else if (bad)
                fault_set(fault, AGENT_ERROR_UNAVAILABLE, "The answer of Globus is damaged (bad %s)", bad);
        else
                fault_set(fault, AGENT_ERROR_UNAVAILABLE, "The answer of Globus is damaged (no valid JSON)");

        return OAUTH_TROUBLE;
}

static enum oauth_verdict read_tokens(struct token_set **ret, struct json_object *object,
                                      const struct oauth_expected *expected, struct fault *fault) {
        _cleanup_(token_set_freep) struct token_set *tokens = NULL;
        const char *why = NULL;
        int r = -ENOMEM;

        tokens = calloc(1, sizeof(*tokens));
        if (tokens)
                r = take_entries(tokens, object, &why);
        if (r)
                return trouble(fault, r, why);

        r = take_identity(tokens, object, expected, &why);
        if (r == -ENOMEM)
                return trouble(fault, r, NULL);
        if (r) {
                fault_set(fault, AGENT_ERROR_LOGIN_FAILED, "The id_token that Globus sent was refused: %s",
                          why);
                *ret = TAKE(tokens);
                return OAUTH_REFUSED;
        }

        *ret = TAKE(tokens);
        return OAUTH_TOKENS;
}

/* error: of RFC 6749, section 5.2; code: that or another. NULL: the body has none. */
static enum oauth_verdict judge(int status, const char *error, const char *code) {
        if (status < 400 || status >= 500 || status == 408 || status == 429 || !code)
                return OAUTH_TROUBLE;
        if (error && streq(error, "invalid_grant"))
                return status == 400 || status == 401 ? OAUTH_INVALID_GRANT : OAUTH_TROUBLE;
        if (error && (streq(error, "invalid_client") || streq(error, "unauthorized_client")))
                return OAUTH_CLIENT_AT_FAULT;

        return OAUTH_REFUSED;
}

/* object is NULL where the body is no JSON object. */
static enum oauth_verdict read_error(struct json_object *object, const struct http_reply *reply,
                                     struct fault *fault) {
        _cleanup_(freep) char *error = words_clean(json_get_string(object, "error"));
        _cleanup_(freep) char *description = words_clean(json_get_string(object, "error_description"));
        _cleanup_(freep) char *code = NULL, *detail = NULL;
        const char *name, *words;
        enum oauth_verdict verdict;

        if (object)
                demand_describe(&code, &detail, reply->body, reply->body_size);

        name = error ? error : code;
        words = detail ? detail : description;
        verdict = judge(reply->status, error, name);
        fault_set(fault, verdict == OAUTH_TROUBLE ? AGENT_ERROR_UNAVAILABLE : AGENT_ERROR_LOGIN_FAILED,
                  "Globus answered with HTTP status %d%s%s%s%s", reply->status, name ? ": " : "",
                  name ? name : "", words ? ": " : "", words ? words : "");
        fault->error = name == error ? TAKE(error) : TAKE(code);
        fault->error_description = description ? TAKE(description) : TAKE(detail);
        return verdict;
}

enum oauth_verdict oauth_reply_parse(struct token_set **ret, const struct http_reply *reply,
                                     const struct oauth_expected *expected, struct fault *fault) {
        _cleanup_(json_wipep) struct json_object *body = NULL;
        struct json_object *object;
        enum oauth_verdict verdict;
        int r = -EBADMSG;

        if (media_type_is_json(reply->content_type))
                r = json_parse(&body, reply->body, reply->body_size, 0);
        object = json_object_is_type(body, json_type_object) ? body : NULL;

        if (reply->status != 200)
                return read_error(object, reply, fault);
        if (!object)
                return trouble(fault, r, NULL);

        verdict = read_tokens(ret, object, expected, fault);
        if (verdict == OAUTH_TOKENS)
                (*ret)->received_usec = reply->started_usec;

        return verdict;
}

enum oauth_verdict oauth_reply_parse_revocation(const struct http_reply *reply, struct fault *fault) {
        _cleanup_(json_wipep) struct json_object *body = NULL;
        int r = -EBADMSG;

        if (media_type_is_json(reply->content_type))
                r = json_parse(&body, reply->body, reply->body_size, 0);

        if (reply->status != 200)
                return read_error(json_object_is_type(body, json_type_object) ? body : NULL, reply, fault);
        if (reply->body_size == 0)
                return OAUTH_TOKENS;
        if (!json_object_is_type(body, json_type_object))
                return trouble(fault, r, NULL);
        if (json_object_get_boolean(get_member(body, "active"))) {
                fault_set(fault, AGENT_ERROR_UNAVAILABLE, "Globus says that the token is still active");
                return OAUTH_TROUBLE;
        }

        return OAUTH_TOKENS;
}
