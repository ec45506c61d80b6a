/* The requests to Globus Auth, byte for byte, and what becomes of the answers. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/remote/oauth.h"
#include "proto/error.h"
#include "tests/unit/fake-clock.h"
#include "tests/unit/fake-http.h"
#include "tests/unit/jwt.h"

#define TOKENS "\"access_token\":\"" JWT_ACCESS_TOKEN "\",\"resource_server\":\"r\",\"scope\":\"s\""

static const struct origin origin = {
        .environment = (char *)"production",
        .auth_url = (char *)"https://auth.globus.org/",
        .groups_url = (char *)"https://groups.api.globus.org/",
        .client_id = (char *)JWT_CLIENT,
};

/* What done was told. */
static struct {
        int calls;
        enum oauth_verdict verdict;
        bool has_tokens, has_identity;
        uint64_t received_usec;
        struct fault fault;
} told;
static struct oauth_request *request;

static void on_done(void *userdata, const struct oauth_end *end) {
        assert_ptr_equal(userdata, &told);
        told.calls++;
        told.verdict = end->verdict;
        told.has_tokens = end->tokens;
        told.has_identity = end->tokens && end->tokens->identity;
        told.received_usec = end->tokens ? end->tokens->received_usec : 0;
        if (end->fault)
                assert_int_equal(fault_copy(&told.fault, end->fault), 0);
        request = oauth_request_free(request);
}

static const struct oauth_target target = {.origin = &origin, .done = on_done, .userdata = &told};

static struct secret *make_secret(const char *text) {
        struct secret *secret = NULL;

        assert_int_equal(secret_new(&secret, text, strlen(text)), 0);
        return secret;
}

static int teardown(void **state) {
        assert_null(sent);
        assert_null(request);
        fault_deinit(&told.fault);
        memset(&told, 0, sizeof(told));
        http_send_result = 0;
        return 0;
}

static void send_refresh(void) {
        _cleanup_(secret_freep) struct secret *token = make_secret("AgR/+");

        assert_int_equal(oauth_refresh(&request, &target, token), 0);
        assert_int_equal(told.calls, 0);
}

static void send_revoke(void) {
        _cleanup_(secret_freep) struct secret *token = make_secret("AgR");

        assert_int_equal(oauth_revoke(&request, &target, token), 0);
}

static void answer(int status, const char *body, int64_t retry_after) {
        http_answer(&(const struct http_reply){
                .status = status,
                .content_type = "application/json",
                .retry_after = retry_after,
                .body = body,
                .body_size = strlen(body),
                .started_usec = 4711,
        });
        assert_int_equal(told.calls, 1);
}

static void assert_sent(const char *url, const char *form) {
        assert_string_equal(sent->url, url);
        assert_string_equal(secret_string(sent->form), form);
        assert_null(sent->bearer);
        assert_null(sent->spec.on_data);
}

static void test_exchange(void **state) {
        _cleanup_(secret_freep) struct secret *code = make_secret("a b&c"), *verifier = make_secret("v~-._");
        const struct oauth_code oauth_code = {code, verifier, "https://auth.globus.org/v2/web/auth-code"};

        assert_int_equal(oauth_exchange(&request, &target, &oauth_code), 0);
        assert_sent("https://auth.globus.org/v2/oauth2/token",
                    "client_id=" JWT_CLIENT "&grant_type=authorization_code&code=a+b%26c&code_verifier=v~-._"
                    "&redirect_uri=https%3A%2F%2Fauth.globus.org%2Fv2%2Fweb%2Fauth-code");
        answer(200, "{" TOKENS ",\"id_token\":\"" JWT_SIGNED "\"}", 0);
        assert_int_equal(told.verdict, OAUTH_TOKENS);
        assert_true(told.has_tokens && told.has_identity);
        assert_int_equal(told.received_usec, 4711);
        assert_int_equal(told.fault.r, 0);
}

static void test_refresh(void **state) {
        send_refresh();
        assert_sent("https://auth.globus.org/v2/oauth2/token",
                    "refresh_token=AgR%2F%2B&grant_type=refresh_token&client_id=" JWT_CLIENT);
        answer(200, "{" TOKENS "}", 0);
        assert_int_equal(told.verdict, OAUTH_TOKENS);
        assert_true(told.has_tokens);
}

static void test_refusal(void **state) {
        send_refresh();
        answer(400, "{\"error\":\"invalid_grant\",\"error_description\":\"gone\"}", 0);
        assert_int_equal(told.verdict, OAUTH_INVALID_GRANT);
        assert_false(told.has_tokens);
        assert_int_equal(told.fault.r, AGENT_ERROR_LOGIN_FAILED);
        assert_string_equal(told.fault.error, "invalid_grant");
        assert_string_equal(told.fault.error_description, "gone");
        assert_int_equal(told.fault.retry_at, 0);
}

static void test_retry_after(void **state) {
        send_refresh();
        answer(503, "{}", 17);
        assert_int_equal(told.verdict, OAUTH_TROUBLE);
        assert_int_equal(told.fault.r, AGENT_ERROR_UNAVAILABLE);
        assert_int_equal(told.fault.retry_at, fake_unix + 17);
}

static void test_no_answer(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};

        send_refresh();
        fault_set(&fault, AGENT_ERROR_UNAVAILABLE, "cannot reach auth.globus.org: Connection refused");
        http_fail(&fault);
        assert_int_equal(told.calls, 1);
        assert_int_equal(told.verdict, OAUTH_TROUBLE);
        assert_string_equal(told.fault.message, "cannot reach auth.globus.org: Connection refused");
}

static void test_revoke(void **state) {
        send_revoke();
        assert_sent("https://auth.globus.org/v2/oauth2/token/revoke", "token=AgR&client_id=" JWT_CLIENT);
        answer(200, "{\"active\": false}", 0);
        assert_int_equal(told.verdict, OAUTH_TOKENS);
        assert_false(told.has_tokens);
        assert_int_equal(told.fault.r, 0);
}

static void test_revoke_refused(void **state) {
        send_revoke();
        answer(401, "{\"error\":\"invalid_client\"}", 0);
        assert_int_equal(told.verdict, OAUTH_CLIENT_AT_FAULT);
        assert_non_null(told.fault.message);
}

static void test_cancel(void **state) {
        send_refresh();
        request = oauth_request_free(request);
        assert_null(sent);
        assert_int_equal(told.calls, 0);
        assert_null(oauth_request_free(NULL));
}

static void test_failure_to_send(void **state) {
        _cleanup_(secret_freep) struct secret *token = make_secret("AgR");

        http_send_result = -ENOMEM;
        assert_int_equal(oauth_refresh(&request, &target, token), -ENOMEM);
        assert_null(request);
        assert_int_equal(told.calls, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_exchange, teardown),
                cmocka_unit_test_teardown(test_refresh, teardown),
                cmocka_unit_test_teardown(test_refusal, teardown),
                cmocka_unit_test_teardown(test_retry_after, teardown),
                cmocka_unit_test_teardown(test_no_answer, teardown),
                cmocka_unit_test_teardown(test_revoke, teardown),
                cmocka_unit_test_teardown(test_revoke_refused, teardown),
                cmocka_unit_test_teardown(test_cancel, teardown),
                cmocka_unit_test_teardown(test_failure_to_send, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
