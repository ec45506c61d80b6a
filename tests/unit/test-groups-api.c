/* The request to Globus Groups, and what its answers ask of us. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/remote/groups-api.h"
#include "daemon/remote/groups-reply.h"
#include "proto/error.h"
#include "tests/unit/fake-clock.h"
#include "tests/unit/fake-http.h"

#define SCOPE "urn:globus:auth:scope:groups.api.globus.org:"

static const struct origin origin = {.groups_url = (char *)"https://groups.api.globus.org/"};

/* What done was told. */
static struct {
        int calls;
        struct fault fault;
        struct buffer groups;
} told;
static struct groups_request *request;

static void on_done(void *userdata, const struct fault *fault, struct buffer *groups) {
        assert_ptr_equal(userdata, &told);
        assert_true(!fault != !groups);
        told.calls++;
        if (fault)
                assert_int_equal(fault_copy(&told.fault, fault), 0);
        else
                buffer_swap(&told.groups, groups);
        request = groups_request_free(request);
}

static int teardown(void **state) {
        assert_null(sent);
        assert_null(request);
        fault_deinit(&told.fault);
        buffer_deinit(&told.groups);
        memset(&told, 0, sizeof(told));
        return 0;
}

static void fetch(char *const *statuses) {
        _cleanup_(secret_freep) struct secret *bearer = NULL;
        struct groups_query query = {
                .origin = &origin,
                .statuses = statuses,
                .head = {"head", 4},
                .done = on_done,
                .userdata = &told,
        };

        assert_int_equal(secret_new(&bearer, "AgG", 3), 0);
        query.bearer = bearer;
        assert_int_equal(groups_fetch(&request, NULL, &query), 0);
        assert_int_equal(told.calls, 0);
}

/* Of another status than 200. */
static void refuse(int status, const char *body) {
        fetch(NULL);
        http_answer(&(const struct http_reply){
                .status = status,
                .content_type = "application/json",
                .retry_after = status == 503 ? 30 : 0,
                .body = body,
                .body_size = strlen(body),
        });
        assert_int_equal(told.calls, 1);
}

static int feed(const char *text) {
        return sent->spec.on_data(sent->spec.userdata, text, strlen(text));
}

static void finish(void) {
        http_answer(&(const struct http_reply){.status = 200, .content_type = "application/json", .body = ""});
        assert_int_equal(told.calls, 1);
}

static void give_up(int r) {
        _cleanup_(fault_deinit) struct fault fault = {};

        fault_set(&fault, r, NULL);
        http_fail(&fault);
        assert_int_equal(told.calls, 1);
}

static void assert_fault(int r, const char *word) {
        assert_int_equal(told.fault.r, r);
        if (!strstr(told.fault.message, word))
                fail_msg("\"%s\" lacks \"%s\"", told.fault.message, word);
}

static void test_listing(void **state) {
        static const char expected[] =
                "head[{\"id\":\"1\",\"name\":\"n\",\"group_type\":\"plus\",\"roles\":[],\"memberships\":[]}]";

        fetch(NULL);
        assert_string_equal(sent->url, "https://groups.api.globus.org/v2/groups/my_groups");
        assert_string_equal(secret_string(sent->bearer), "AgG");
        assert_null(sent->form);
        assert_int_equal(sent->spec.body_max, GROUPS_BODY_MAX);

        assert_int_equal(feed("[{\"id\":\"1\",\"na"), 0);
        assert_int_equal(feed("me\":\"n\",\"group_type\":\"plus\"}]"), 0);
        finish();
        assert_int_equal(buffer_size(&told.groups), strlen(expected));
        assert_memory_equal(buffer_bytes(&told.groups), expected, strlen(expected));
}

static void test_statuses(void **state) {
        char *statuses[] = {(char *)"active", (char *)"invited", NULL}, *none[] = {NULL};

        fetch(statuses);
        assert_string_equal(sent->url,
                            "https://groups.api.globus.org/v2/groups/my_groups?statuses=active%2Cinvited");
        request = groups_request_free(request);

        fetch(none);
        assert_string_equal(sent->url, "https://groups.api.globus.org/v2/groups/my_groups");
        request = groups_request_free(request);
}

static void test_no_listing(void **state) {
        fetch(NULL);
        assert_int_equal(feed("<html>"), -EBADMSG);
        give_up(-EBADMSG);
        assert_fault(AGENT_ERROR_UNAVAILABLE, "no list of groups");
}

static void test_cut_short(void **state) {
        fetch(NULL);
        assert_int_equal(feed("[{\"id\":\"1\","), 0);
        finish();
        assert_fault(AGENT_ERROR_UNAVAILABLE, "cut short");
}

static void test_too_long(void **state) {
        fetch(NULL);
        give_up(-EFBIG);
        assert_fault(AGENT_ERROR_UNAVAILABLE, "too long");
}

static void test_unreachable(void **state) {
        fetch(NULL);
        http_fail(
                &(const struct fault){.r = AGENT_ERROR_UNAVAILABLE, .message = (char *)"cannot reach x: why"});
        assert_fault(AGENT_ERROR_UNAVAILABLE, "cannot reach x: why");
}

static void test_token_refused(void **state) {
        static const char *const bodies[] = {
                "{\"code\":\"INVALID_TOKEN\",\"detail\":\"x\",\"authorization_parameters\":{}}",
                "{\"code\":\"AUTHENTICATION_ERROR\",\"detail\":\"x\"}",
                "{\"code\":\"x\",\"authorization_parameters\":null}",
                "{}",
                "<html>",
                "",
        };

        for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
                refuse(401, bodies[i]);
                assert_fault(-EKEYREJECTED, "401");
                teardown(NULL);
        }
}

static void test_demands(void **state) {
        static const int statuses[] = {401, 403};

        for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
                refuse(statuses[i],
                       "{\"code\":\"x\",\"authorization_parameters\":{\"session_required_mfa\":true}}");
                assert_fault(AGENT_ERROR_LOGIN_NEEDED, "login");
                assert_string_equal(told.fault.reason, "session");
                assert_int_equal(told.fault.session.session_required_mfa, TRISTATE_TRUE);
                teardown(NULL);
        }

        refuse(500, "{\"code\":\"x\",\"authorization_parameters\":{\"session_required_mfa\":true}}");
        assert_fault(AGENT_ERROR_UNAVAILABLE, "500: x");
}

static void test_missing_scope(void **state) {
        refuse(403, "{\"code\":\"FORBIDDEN\",\"detail\":\"No way\",\"provided_scopes\":[\"openid\"]}");
        assert_fault(AGENT_ERROR_LOGIN_NEEDED, "No way");
        assert_string_equal(told.fault.reason, "consent");
        assert_string_equal(told.fault.required_scopes[0], SCOPE "view_my_groups_and_memberships");
        assert_null(told.fault.required_scopes[1]);
}

static void test_forbidden_for_another_reason(void **state) {
        static const char *const bodies[] = {
                "{\"code\":\"FORBIDDEN\",\"detail\":\"d\",\"provided_scopes\":null}",
                "{\"code\":\"FORBIDDEN\",\"detail\":\"d\"}",
                "{\"code\":\"FORBIDDEN\",\"detail\":\"d\",\"provided_scopes\":[\"" SCOPE "all\"]}",
                "{\"code\":\"FORBIDDEN\",\"detail\":\"d\",\"provided_scopes\":[\"" SCOPE
                "view_my_groups_and_memberships\"]}",
                "{\"code\":\"FORBIDDEN\",\"detail\":\"d\",\"provided_scopes\":[7]}",
        };

        for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
                refuse(403, bodies[i]);
                assert_fault(AGENT_ERROR_UNAVAILABLE, "403: FORBIDDEN: d");
                teardown(NULL);
        }
}

static void test_other_statuses(void **state) {
        refuse(503, "{\"code\":\"x\",\"detail\":\"later\"}");
        assert_fault(AGENT_ERROR_UNAVAILABLE, "503: x: later");
        assert_int_equal(told.fault.retry_at, fake_unix + 30);
        teardown(NULL);

        refuse(422, "{\"detail\":[{\"msg\":\"bad status\"}]}");
        assert_fault(AGENT_ERROR_UNAVAILABLE, "422: bad status");
        teardown(NULL);

        refuse(302, "");
        assert_fault(AGENT_ERROR_UNAVAILABLE, "302");
}

static void test_cancel(void **state) {
        fetch(NULL);
        assert_int_equal(feed("["), 0);
        request = groups_request_free(request);
        assert_null(sent);
        assert_int_equal(told.calls, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_listing, teardown),
                cmocka_unit_test_teardown(test_statuses, teardown),
                cmocka_unit_test_teardown(test_no_listing, teardown),
                cmocka_unit_test_teardown(test_cut_short, teardown),
                cmocka_unit_test_teardown(test_too_long, teardown),
                cmocka_unit_test_teardown(test_unreachable, teardown),
                cmocka_unit_test_teardown(test_token_refused, teardown),
                cmocka_unit_test_teardown(test_demands, teardown),
                cmocka_unit_test_teardown(test_missing_scope, teardown),
                cmocka_unit_test_teardown(test_forbidden_for_another_reason, teardown),
                cmocka_unit_test_teardown(test_other_statuses, teardown),
                cmocka_unit_test_teardown(test_cancel, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
