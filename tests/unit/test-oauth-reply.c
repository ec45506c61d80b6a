/* What a token endpoint may answer, and what must never end a login. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/remote/oauth-reply.h"
#include "proto/error.h"
#include "proto/strv.h"
#include "tests/unit/jwt.h"

#define GROUPS "\"access_token\":\"AgG\",\"resource_server\":\"groups.api.globus.org\",\"scope\":\"b a\""
#define AUTH "\"access_token\":\"AgA\",\"resource_server\":\"auth.globus.org\",\"scope\":\"openid\""
#define BEARER "\"token_type\":\"Bearer\""

static const struct oauth_expected expected = {
        .issuer = JWT_ISSUER,
        .client_id = JWT_CLIENT,
        .now = 1700000100,
};

static enum oauth_verdict parse(struct token_set **ret, int status, const char *type, const char *body,
                                struct fault *fault) {
        const struct http_reply reply = {
                .status = status,
                .content_type = type,
                .body = body,
                .body_size = strlen(body),
                .started_usec = 77,
        };

        return oauth_reply_parse(ret, &reply, &expected, fault);
}

static struct token_set *accept(const char *body) {
        _cleanup_(fault_deinit) struct fault fault = {};
        struct token_set *tokens = NULL;

        if (parse(&tokens, 200, "application/json", body, &fault) != OAUTH_TOKENS)
                fail_msg("%s: %s", body, fault_message(&fault));

        assert_int_equal(fault.r, 0);
        assert_int_equal(tokens->received_usec, 77);
        return tokens;
}

/* word: to be found in the message. */
static void refuse(int status, const char *type, const char *body, enum oauth_verdict verdict,
                   const char *word) {
        _cleanup_(fault_deinit) struct fault fault = {};
        _cleanup_(token_set_freep) struct token_set *tokens = NULL;

        assert_int_equal(parse(&tokens, status, type, body, &fault), verdict);
        assert_int_equal(tokens != NULL, verdict == OAUTH_REFUSED && status == 200); /* to be revoked */
        assert_int_equal(fault.r,
                         verdict == OAUTH_TROUBLE ? AGENT_ERROR_UNAVAILABLE : AGENT_ERROR_LOGIN_FAILED);
        if (!strstr(fault.message, word))
                fail_msg("%s: \"%s\" lacks \"%s\"", body, fault.message, word);
}

static void refuse_json(int status, const char *body, enum oauth_verdict verdict, const char *word) {
        refuse(status, "application/json", body, verdict, word);
}

static int64_t lifetime(const char *json) {
        _cleanup_(token_set_freep) struct token_set *tokens = NULL;
        _cleanup_(freep) char *body = NULL;

        assert_true(asprintf(&body, "{" GROUPS "," BEARER "%s%s}", *json ? ",\"expires_in\":" : "", json) > 0);
        tokens = accept(body);
        return tokens->entries[0].expires_in;
}

static void test_one_token(void **state) {
        _cleanup_(token_set_freep) struct token_set *tokens =
                accept(" {" GROUPS ",\"token_type\":\"bEaReR\",\"expires_in\":172800,\"state\":\"_default\"} ");
        const struct token_set_entry *entry = tokens->entries;

        assert_int_equal(tokens->n_entries, 1);
        assert_string_equal(entry->resource_server, "groups.api.globus.org");
        assert_string_equal(secret_string(entry->access_token), "AgG");
        assert_null(entry->refresh_token);
        assert_string_equal(entry->token_type, "Bearer");
        assert_string_equal(entry->scopes[0], "a");
        assert_string_equal(entry->scopes[1], "b");
        assert_null(entry->scopes[2]);
        assert_int_equal(entry->expires_in, 172800);
        assert_null(tokens->identity);
}

static void test_many_tokens(void **state) {
        _cleanup_(token_set_freep) struct token_set *tokens =
                accept("{" AUTH "," BEARER ",\"refresh_token\":\"AgR1\",\"other_tokens\":[{" GROUPS "," BEARER
                       ",\"refresh_token\":\"AgR2\"}]}");

        assert_int_equal(tokens->n_entries, 2);
        assert_string_equal(secret_string(token_set_find(tokens, "auth.globus.org")->refresh_token), "AgR1");
        assert_string_equal(secret_string(token_set_find(tokens, "groups.api.globus.org")->refresh_token),
                            "AgR2");
}

static void test_members_that_may_lack(void **state) {
        token_set_free(accept("{" GROUPS "}"));
        token_set_free(accept("{" GROUPS ",\"token_type\":null,\"other_tokens\":null,\"id_token\":null}"));
        token_set_free(accept("{" GROUPS "," BEARER ",\"refresh_token\":null,\"other_tokens\":[]}"));
        token_set_free(accept("{" GROUPS "," BEARER ",\"refresh_token\":\"\"}"));
        token_set_free(accept("{\"access_token\":\"t\",\"resource_server\":\"r\",\"scope\":\"\"}"));
}

static void test_lifetimes(void **state) {
        assert_int_equal(lifetime("172800"), 172800);
        assert_int_equal(lifetime("\"3600\""), 3600);
        assert_int_equal(lifetime("59.9"), 59);
        assert_int_equal(lifetime("0"), 0);
        assert_int_equal(lifetime("-5"), 0);
        assert_int_equal(lifetime("-0.5"), 0);
        assert_int_equal(lifetime("\"0\""), 0);
        assert_int_equal(lifetime("99999999999999999999999"), TOKEN_LIFETIME_MAX);
        assert_int_equal(lifetime("9223372036854775807"), TOKEN_LIFETIME_MAX);
        assert_int_equal(lifetime("-9223372036854775808"), 0);
        assert_int_equal(lifetime("\"99999999999999999999999\""), TOKEN_LIFETIME_MAX);
        assert_int_equal(lifetime("1e300"), TOKEN_LIFETIME_MAX);

        static const char *const senseless[] = {"",       "null",    "true", "\"\"",     "\"soon\"",
                                                "\"-5\"", "\" 60\"", "[60]", "{\"a\":1}"};
        for (size_t i = 0; i < ARRAY_SIZE(senseless); i++)
                assert_int_equal(lifetime(senseless[i]), TOKEN_LIFETIME_UNKNOWN);
}

static void test_id_token(void **state) {
        _cleanup_(token_set_freep) struct token_set *tokens =
                accept("{" AUTH ",\"id_token\":\"" JWT_SIGNED
                       "\",\"other_tokens\":[{\"access_token\":\"" JWT_ACCESS_TOKEN
                       "\",\"resource_server\":\"r\",\"scope\":\"\"}]}");

        assert_string_equal(tokens->identity->username, JWT_USERNAME);

        refuse_json(200, "{" AUTH ",\"id_token\":\"" JWT_SIGNED "\"}", OAUTH_REFUSED, "at_hash");
        refuse_json(200, "{" AUTH ",\"id_token\":\"openid_token\"}", OAUTH_REFUSED, "JSON Web Token");
        refuse_json(200, "{" AUTH ",\"id_token\":7}", OAUTH_REFUSED, "id_token");
}

static void test_answers_that_are_no_object(void **state) {
        refuse(200, "text/html", "{" GROUPS "}", OAUTH_TROUBLE, "JSON");
        refuse(200, "", "{" GROUPS "}", OAUTH_TROUBLE, "JSON");
        refuse(200, "application/", "{" GROUPS "}", OAUTH_TROUBLE, "JSON");
        refuse(200, "application/jsonp", "{" GROUPS "}", OAUTH_TROUBLE, "JSON");
        refuse_json(200, "", OAUTH_TROUBLE, "JSON");
        refuse_json(200, "{" GROUPS, OAUTH_TROUBLE, "JSON");
        refuse_json(200, "null", OAUTH_TROUBLE, "JSON");
        refuse_json(200, "[{" GROUPS "}]", OAUTH_TROUBLE, "JSON");
        refuse_json(200, "{" GROUPS "," GROUPS "}", OAUTH_TROUBLE, "JSON");
        refuse_json(204, "{" GROUPS "}", OAUTH_TROUBLE, "204");
}

static void test_tokens_that_make_no_sense(void **state) {
        _cleanup_(freep) char *huge = NULL;

        refuse_json(200, "{}", OAUTH_TROUBLE, "access_token");
        refuse_json(200, "{\"error\":\"invalid_grant\"}", OAUTH_TROUBLE, "access_token");
        refuse_json(200, "{\"access_token\":\"\",\"resource_server\":\"r\",\"scope\":\"\"}", OAUTH_TROUBLE,
                    "access_token");
        refuse_json(200, "{\"access_token\":\"a b\",\"resource_server\":\"r\",\"scope\":\"\"}", OAUTH_TROUBLE,
                    "access_token");
        refuse_json(200, "{\"access_token\":\"a\\r\\nX: y\",\"resource_server\":\"r\",\"scope\":\"\"}",
                    OAUTH_TROUBLE, "access_token");
        refuse_json(200, "{\"access_token\":\"a\\u0000b\",\"resource_server\":\"r\",\"scope\":\"\"}",
                    OAUTH_TROUBLE, "JSON");
        refuse_json(200, "{\"access_token\":7,\"resource_server\":\"r\",\"scope\":\"\"}", OAUTH_TROUBLE,
                    "access_token");
        refuse_json(200, "{\"access_token\":\"t\",\"scope\":\"\"}", OAUTH_TROUBLE, "resource_server");
        refuse_json(200, "{\"access_token\":\"t\",\"resource_server\":\"ü\",\"scope\":\"\"}", OAUTH_TROUBLE,
                    "resource_server");
        refuse_json(200, "{\"access_token\":\"t\",\"resource_server\":\"r\"}", OAUTH_TROUBLE, "scope");
        refuse_json(200, "{\"access_token\":\"t\",\"resource_server\":\"r\",\"scope\":\"a[\"}", OAUTH_TROUBLE,
                    "scope");

        assert_true(asprintf(&huge, "{\"access_token\":\"%016385d\",\"resource_server\":\"r\",\"scope\":\"\"}",
                             0) > 0);
        refuse_json(200, huge, OAUTH_TROUBLE, "access_token");
}

static void test_members_that_make_no_sense(void **state) {
        refuse_json(200, "{" GROUPS ",\"token_type\":\"mac\"}", OAUTH_TROUBLE, "token_type");
        refuse_json(200, "{" GROUPS ",\"token_type\":7}", OAUTH_TROUBLE, "token_type");
        refuse_json(200, "{" GROUPS ",\"refresh_token\":7}", OAUTH_TROUBLE, "refresh_token");
        refuse_json(200, "{" GROUPS ",\"refresh_token\":\"a\\nb\"}", OAUTH_TROUBLE, "refresh_token");
        refuse_json(200, "{" GROUPS ",\"other_tokens\":{}}", OAUTH_TROUBLE, "other_tokens");
        refuse_json(200, "{" GROUPS ",\"other_tokens\":[7]}", OAUTH_TROUBLE, "other_tokens");
        refuse_json(200, "{" GROUPS ",\"other_tokens\":[{" AUTH "},{}]}", OAUTH_TROUBLE, "access_token");
        refuse_json(200, "{" GROUPS ",\"other_tokens\":[{" AUTH "},{" GROUPS "}]}", OAUTH_TROUBLE,
                    "resource_server");
}

static void test_invalid_grant_is_judged_by_the_body(void **state) {
        static const char body[] = "{\"error\":\"invalid_grant\",\"error_description\":\"It is over\"}";

        refuse_json(400, body, OAUTH_INVALID_GRANT, "400: invalid_grant: It is over");
        refuse_json(401, body, OAUTH_INVALID_GRANT, "401: invalid_grant: It is over");
        refuse_json(401, "{\"error\":\"invalid_grant\"}", OAUTH_INVALID_GRANT, "401: invalid_grant");

        refuse_json(403, body, OAUTH_TROUBLE, "403: invalid_grant");
        refuse_json(500, body, OAUTH_TROUBLE, "500: invalid_grant");
        refuse_json(503, body, OAUTH_TROUBLE, "503");
        refuse_json(429, body, OAUTH_TROUBLE, "429");
        refuse_json(408, body, OAUTH_TROUBLE, "408");
        refuse_json(302, body, OAUTH_TROUBLE, "302");
        refuse(400, "text/html", body, OAUTH_TROUBLE, "400");
        refuse_json(400, "{\"error\":\"invalid_grant\"", OAUTH_TROUBLE, "400");
        refuse_json(400, "{\"error\":[\"invalid_grant\"]}", OAUTH_TROUBLE, "400");
        refuse_json(400, "[{\"error\":\"invalid_grant\"}]", OAUTH_TROUBLE, "400");
        refuse_json(400, "{\"error\":\"invalid_grant\\u0000\"}", OAUTH_TROUBLE, "400");
        refuse_json(400, "\"invalid_grant\"", OAUTH_TROUBLE, "400");
        refuse_json(400, "{\"errors\":[{\"code\":\"invalid_grant\"}]}", OAUTH_REFUSED, "invalid_grant");
        refuse_json(400, "{\"error\":\"invalid_grant \"}", OAUTH_REFUSED, "invalid_grant");
}

static void test_other_errors(void **state) {
        refuse_json(401, "{\"error\":\"invalid_client\"}", OAUTH_CLIENT_AT_FAULT, "401: invalid_client");
        refuse_json(400, "{\"error\":\"unauthorized_client\"}", OAUTH_CLIENT_AT_FAULT, "unauthorized_client");
        refuse_json(400, "{\"error\":\"invalid_request\"}", OAUTH_REFUSED, "400: invalid_request");
        refuse_json(503, "{\"error\":\"invalid_client\"}", OAUTH_TROUBLE, "503: invalid_client");
        refuse(400, "application/problem+json", "{\"error\":\"invalid_scope\"}", OAUTH_REFUSED,
               "invalid_scope");
        refuse_json(404, "{}", OAUTH_TROUBLE, "404");
        refuse(502, "text/html", "<html>", OAUTH_TROUBLE, "502");
}

static void test_envelope(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {}, other = {};

        assert_int_equal(parse(NULL, 401, "application/json",
                               "{\"errors\":[{\"status\":\"401\",\"id\":\"0f6c\",\"code\":\"UNAUTHORIZED\","
                               "\"detail\":\"Basic auth failed\",\"title\":\"Unauthorized\"}],"
                               "\"error\":\"unauthorized\",\"error_description\":\"Unauthorized\"}",
                               &fault),
                         OAUTH_REFUSED);
        assert_string_equal(fault.message,
                            "Globus answered with HTTP status 401: unauthorized: Basic auth failed");
        assert_string_equal(fault.error, "unauthorized");
        assert_string_equal(fault.error_description, "Unauthorized");

        assert_int_equal(parse(NULL, 403, "application/json",
                               "{\"errors\":[{\"code\":\"FORBIDDEN\",\"detail\":\"No\"}]}", &other),
                         OAUTH_REFUSED);
        assert_string_equal(other.error, "FORBIDDEN");
        assert_string_equal(other.error_description, "No");
}

static void test_words_are_harmless(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};

        assert_int_equal(parse(NULL, 400, "application/json",
                               "{\"error\":\"a\\nb\",\"error_description\":\"\\u001b[2J%s\"}", &fault),
                         OAUTH_REFUSED);
        assert_string_equal(fault.error, "a b");
        assert_string_equal(fault.error_description, " [2J%s");
        assert_string_equal(fault.message, "Globus answered with HTTP status 400: a b:  [2J%s");
}

static void check_revocation(int status, const char *type, const char *body, const char *word) {
        const struct http_reply reply = {
                .status = status,
                .content_type = type,
                .body = body,
                .body_size = strlen(body),
        };
        _cleanup_(fault_deinit) struct fault fault = {};

        assert_int_equal(oauth_reply_parse_revocation(&reply, &fault) == OAUTH_TOKENS, !word);
        if (word && !strstr(fault_message(&fault), word))
                fail_msg("%s: \"%s\" lacks \"%s\"", body, fault_message(&fault), word);
}

/* What was not revoked must not be taken for it. */
static void test_revocation(void **state) {
        check_revocation(200, "application/json", "{\"active\": false}", NULL);
        check_revocation(200, "application/json", "{}", NULL);
        check_revocation(200, "", "", NULL);
        check_revocation(200, "application/json", "{\"active\": true}", "still active");
        check_revocation(200, "application/json", "{\"active\": fal", "damaged (no valid JSON)");
        check_revocation(200, "application/json", "[]", "damaged (no valid JSON)");
        check_revocation(200, "text/html", "<html>", "damaged (no valid JSON)");
        check_revocation(204, "", "", "204");
        check_revocation(503, "text/plain", "busy", "503");
        check_revocation(401, "application/json", "{\"error\":\"invalid_client\"}", "401: invalid_client");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one_token),
                cmocka_unit_test(test_many_tokens),
                cmocka_unit_test(test_members_that_may_lack),
                cmocka_unit_test(test_lifetimes),
                cmocka_unit_test(test_id_token),
                cmocka_unit_test(test_answers_that_are_no_object),
                cmocka_unit_test(test_tokens_that_make_no_sense),
                cmocka_unit_test(test_members_that_make_no_sense),
                cmocka_unit_test(test_invalid_grant_is_judged_by_the_body),
                cmocka_unit_test(test_other_errors),
                cmocka_unit_test(test_envelope),
                cmocka_unit_test(test_words_are_harmless),
                cmocka_unit_test(test_revocation),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
