/* What a service asks of the user, in each of the forms in which Globus's services say so. */

#include "tests/unit/unit.h"

#include <stdio.h>

#include "daemon/remote/demand.h"
#include "proto/buffer.h"
#include "proto/error.h"
#include "proto/strv.h"

static bool parse(struct fault *fault, const char *body) {
        return demand_parse(fault, body, strlen(body));
}

static void assert_strings(char **strv, const char *expected) {
        _cleanup_(freep) char *joined = NULL;

        assert_int_equal(strv_join(&joined, strv, " "), 0);
        assert_string_equal(joined, expected);
}

/* A demand for nothing but consent. */
static void assert_consent(const char *body, const char *scopes, const char *word) {
        _cleanup_(fault_deinit) struct fault fault = {};

        if (!parse(&fault, body))
                fail_msg("no demand: %s", body);
        assert_int_equal(fault.r, AGENT_ERROR_LOGIN_NEEDED);
        assert_string_equal(fault.reason, "consent");
        assert_strings(fault.required_scopes, scopes);
        assert_true(session_is_empty(&fault.session));
        assert_non_null(strstr(fault.message, word));
        assert_null(fault.profile);
        assert_null(fault.resource_server);
}

static void assert_nothing(const char *body) {
        _cleanup_(fault_deinit) struct fault fault = {};

        if (parse(&fault, body))
                fail_msg("a demand: %s", body);
        assert_int_equal(fault.r, 0);
        assert_null(fault.message);
}

static void test_everything(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};

        assert_true(parse(&fault, "{\"code\":\"AuthorizationRequired\",\"authorization_parameters\":{"
                                  "\"session_message\":\"Please log in with your lab identity\","
                                  "\"session_required_identities\":[\"3c1f9a52\",\"a@b\"],"
                                  "\"session_required_policies\":[\"9a9a\"],"
                                  "\"session_required_single_domain\":[\"ridgeway.example\"],"
                                  "\"session_required_mfa\":true,\"required_scopes\":[\"urn:a[*b]\",\"urn:c\"],"
                                  "\"prompt\":\"login\",\"new\":{}}}"));
        assert_string_equal(fault.reason, "consent");
        assert_strings(fault.required_scopes, "urn:a[*b] urn:c");
        assert_string_equal(fault.session.session_message, "Please log in with your lab identity");
        assert_strings(fault.session.session_required_identities, "3c1f9a52 a@b");
        assert_strings(fault.session.session_required_policies, "9a9a");
        assert_strings(fault.session.session_required_single_domain, "ridgeway.example");
        assert_int_equal(fault.session.session_required_mfa, TRISTATE_TRUE);
        assert_string_equal(fault.session.prompt, "login");
        assert_non_null(strstr(fault.message, "Please log in with your lab identity"));
}

static void test_session(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {.r = 1, .message = strdup("before")};

        assert_true(parse(&fault, "{\"code\":\"x\",\"detail\":\"Too old\",\"authorization_parameters\":{"
                                  "\"session_required_mfa\":false,\"session_message\":null}}"));
        assert_string_equal(fault.reason, "session");
        assert_null(fault.required_scopes);
        assert_int_equal(fault.session.session_required_mfa, TRISTATE_FALSE);
        assert_non_null(strstr(fault.message, "Too old"));
}

static void test_older_session(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};

        assert_true(parse(&fault, "{\"errors\":[{\"code\":\"y\"},{\"authorization_parameters\":{"
                                  "\"session_required_policies\":\"a,b\","
                                  "\"session_required_single_domain\":\"c.d\"}}]}"));
        assert_string_equal(fault.reason, "session");
        assert_strings(fault.session.session_required_policies, "a b");
        assert_strings(fault.session.session_required_single_domain, "c.d");
}

static void test_consent_in_many_forms(void **state) {
        assert_consent(
                "{\"code\":\"ConsentRequired\",\"authorization_parameters\":{\"required_scopes\":[\"a\"]}}",
                "a", "consent");
        assert_consent(
                "{\"code\":\"ConsentRequired\",\"required_scopes\":[\"a\",\"b\"],\"message\":\"Missing\"}",
                "a b", "Missing");
        assert_consent("{\"code\":\"ConsentRequired\",\"required_scope\":\"a\",\"description\":\"Missing\"}",
                       "a", "Missing");
        assert_consent("{\"error\":\"dependent_consent_required\",\"error_description\":\"x\",\"errors\":[{"
                       "\"id\":\"1\","
                       "\"status\":\"403\",\"code\":\"DEPENDENT_CONSENT_REQUIRED\",\"title\":\"t\","
                       "\"detail\":\"Unapproved\",\"unapproved_scopes\":[\"urn:a\"]}]}",
                       "urn:a", "Unapproved");
}

static void test_the_document_comes_first(void **state) {
        assert_consent("{\"code\":\"ConsentRequired\",\"required_scopes\":[\"a\"],\"errors\":["
                       "{\"code\":\"ConsentRequired\",\"required_scopes\":[\"b\"]}]}",
                       "a", "");
}

static void test_no_demand(void **state) {
        assert_nothing("");
        assert_nothing("<html>");
        assert_nothing("null");
        assert_nothing("[]");
        assert_nothing("{}");
        assert_nothing("{\"code\":\"INVALID_TOKEN\",\"detail\":\"x\",\"authorization_parameters\":{}}");
        assert_nothing("{\"code\":\"x\",\"authorization_parameters\":null}");
        assert_nothing("{\"code\":\"x\",\"authorization_parameters\":[1]}");
        assert_nothing("{\"code\":\"x\",\"authorization_parameters\":{\"session_required_mfa\":\"yes\"}}");
        assert_nothing("{\"code\":\"x\",\"authorization_parameters\":{\"required_scopes\":\"a\"}}");
        assert_nothing("{\"code\":\"x\",\"authorization_parameters\":{\"required_scopes\":[1]}}");
        assert_nothing("{\"code\":\"x\",\"authorization_parameters\":{\"session_required_identities\":{}}}");
        assert_nothing("{\"code\":\"FORBIDDEN\",\"required_scopes\":[\"a\"]}");
        assert_nothing("{\"code\":\"ConsentRequired\"}");
        assert_nothing("{\"code\":\"ConsentRequired\",\"required_scopes\":[]}");
        assert_nothing("{\"code\":\"ConsentRequired\",\"required_scope\":7}");
        assert_nothing("{\"code\":\"DEPENDENT_CONSENT_REQUIRED\"}");
        assert_nothing("{\"errors\":[7,null,[]]}");
}

static void test_what_would_do_harm_is_left_out(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};
        _cleanup_(buffer_deinit) struct buffer body = {};

        assert_true(parse(&fault, "{\"code\":\"x\",\"authorization_parameters\":{"
                                  "\"session_message\":\"a\\u001b[2Jb\\nc\","
                                  "\"session_required_identities\":[\"a,b\",\"c d\",\"e\\u0007\",\"\",\"f\"],"
                                  "\"required_scopes\":[\"a&b\",\"c\\nd\",\"e[\",\"g h\"],"
                                  "\"prompt\":\"none\"}}"));
        assert_string_equal(fault.session.session_message, "a [2Jb c");
        assert_strings(fault.session.session_required_identities, "f");
        assert_strings(fault.required_scopes, "a&b g h");
        assert_null(fault.session.prompt);

        /* more than anyone asks for */
        assert_int_equal(
                buffer_append_string(&body, "{\"code\":\"ConsentRequired\",\"required_scopes\":[\"x\""), 0);
        for (int i = 0; i < 1000; i++) {
                char scope[16];

                snprintf(scope, sizeof(scope), ",\"s%d\"", i);
                assert_int_equal(buffer_append_string(&body, scope), 0);
        }
        assert_int_equal(buffer_append(&body, "]}", sizeof("]}")), 0);
        assert_true(parse(&fault, buffer_bytes(&body)));
        assert_int_equal(strv_length(fault.required_scopes), 64);
}

static void assert_described(const char *body, const char *code, const char *detail) {
        _cleanup_(freep) char *c = (char *)1, *d = (char *)1;

        demand_describe(&c, &d, body, strlen(body));
        assert_true(code ? c && streq(c, code) : !c);
        assert_true(detail ? d && streq(d, detail) : !d);
}

static void test_describe(void **state) {
        assert_described("{\"code\":\"INVALID_TOKEN\",\"detail\":\"a\\nb\"}", "INVALID_TOKEN", "a b");
        assert_described("{\"code\":\"x\",\"message\":\"m\",\"detail\":\"d\",\"title\":\"t\"}", "x", "m");
        assert_described("{\"errors\":[{\"code\":\"A\",\"title\":\"t\"},{\"code\":\"B\"}],\"error\":\"e\"}",
                         "A", "t");
        assert_described("{\"error\":\"e\",\"error_description\":\"d\"}", "e", "d");
        assert_described("{\"detail\":[{\"loc\":[\"query\"],\"msg\":\"Bad status\",\"type\":\"y\"}]}", NULL,
                         "Bad status");
        assert_described("{\"detail\":[]}", NULL, NULL);
        assert_described("{\"code\":7,\"detail\":null}", NULL, NULL);
        assert_described("{\"errors\":[7]}", NULL, NULL);
        assert_described("[1]", NULL, NULL);
        assert_described("oops", NULL, NULL);
        assert_described("", NULL, NULL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_everything),
                cmocka_unit_test(test_session),
                cmocka_unit_test(test_older_session),
                cmocka_unit_test(test_consent_in_many_forms),
                cmocka_unit_test(test_the_document_comes_first),
                cmocka_unit_test(test_no_demand),
                cmocka_unit_test(test_what_would_do_harm_is_left_out),
                cmocka_unit_test(test_describe),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
