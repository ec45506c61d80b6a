#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

#include "proto/error.h"
#include "proto/fault.h"
#include "proto/json.h"
#include "proto/strv.h"

static const char everything_needed[] =
        "{\"message\":\"m\",\"reason\":\"session\",\"profile\":\"p\",\"resource_server\":\"s\",\"required_"
        "scopes\":[\"a\","
        "\"b\"],\"session_message\":\"sm\",\"session_required_identities\":[\"i\"],\"session_required_single_"
        "domain\":"
        "[\"d\"],\"session_required_policies\":[\"po\"],\"session_required_mfa\":true,\"prompt\":\"login\"}";

static void written(const struct fault *fault, struct buffer *ret) {
        struct writer writer = WRITER_INIT(ret);

        fault_write(fault, &writer);
        write_bytes(&writer, "", 1);
        assert_int_equal(writer_end(&writer), 0);
}

static void assert_written(const struct fault *fault, const char *expected) {
        _cleanup_(buffer_deinit) struct buffer buffer = {};

        written(fault, &buffer);
        assert_string_equal(buffer_bytes(&buffer), expected);
}

static void parse(struct fault *ret, const char *wire_name, const char *text) {
        _cleanup_(json_freep) struct json_object *object = NULL;

        assert_int_equal(json_parse(&object, text, strlen(text), 0), 0);
        assert_int_equal(fault_parse(ret, wire_name, object), 0);
}

static void test_sets(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};

        assert_int_equal(fault_set(&fault, -EIO, "%s %d", "broken", 5), -EIO);
        assert_int_equal(fault.r, -EIO);
        assert_string_equal(fault_message(&fault), "broken 5");

        /* from what it has already */
        assert_int_equal(fault_set(&fault, AGENT_ERROR_BUSY, "still %s", fault_message(&fault)),
                         AGENT_ERROR_BUSY);
        assert_string_equal(fault_message(&fault), "still broken 5");

        assert_int_equal(fault_set(&fault, AGENT_ERROR_STOPPING, NULL), AGENT_ERROR_STOPPING);
        assert_null(fault.message);
        assert_string_equal(fault_message(&fault), error_sentence(AGENT_ERROR_STOPPING));

        fault_deinit(&fault);
        assert_int_equal(fault.r, 0);
        assert_non_null(fault_message(&fault));
}

static void test_sets_login_needed(void **state) {
        char *scopes[] = {(char *)"x", (char *)"y", NULL};
        struct login_need need = {
                .reason = "consent", .profile = "p", .resource_server = "s", .scopes = scopes};
        _cleanup_(fault_deinit) struct fault fault = {.error = strdup("old"), .retry_at = 5};

        assert_int_equal(fault_set_login_needed(&fault, &need, "log %s", "in"), AGENT_ERROR_LOGIN_NEEDED);
        assert_null(fault.error);
        assert_int_equal(fault.retry_at, 0);
        assert_written(
                &fault,
                "{\"message\":\"log in\",\"reason\":\"consent\",\"profile\":\"p\",\"resource_server\":\"s\","
                "\"required_scopes\":[\"x\",\"y\"]}");

        need = (struct login_need){.reason = "never", .profile = fault.profile};
        assert_int_equal(fault_set_login_needed(&fault, &need, NULL), AGENT_ERROR_LOGIN_NEEDED);
        assert_string_equal(fault.profile, "p");
        assert_null(fault.required_scopes);
        assert_null(fault.resource_server);
}

static void test_sets_invalid(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};

        assert_int_equal(fault_set_invalid(&fault, "min_valid", "too %s", "long"),
                         AGENT_ERROR_INVALID_PARAMETER);
        assert_string_equal(fault_message(&fault), "too long");
        assert_written(&fault, "{\"parameter\":\"min_valid\"}");
}

/* What a fault that has everything is on the wire, by its error. */
static const struct {
        int r;
        const char *expected;
} wire_texts[] = {
        {AGENT_ERROR_LOGIN_NEEDED,
         "{\"message\":\"m\",\"reason\":\"never\",\"profile\":\"p\",\"required_scopes\":[]}"},
        {AGENT_ERROR_LOCKED, "{\"message\":\"m\"}"},
        {AGENT_ERROR_WRONG_PASSPHRASE, "{\"message\":\"m\",\"retry_at\":12}"},
        {AGENT_ERROR_UNAVAILABLE, "{\"message\":\"m\",\"retry_at\":12}"},
        {AGENT_ERROR_REFUSED, "{\"message\":\"m\"}"},
        {AGENT_ERROR_SHORT_VALIDITY, "{\"message\":\"m\",\"expires_in\":34}"},
        {AGENT_ERROR_UNKNOWN_RESOURCE, "{\"message\":\"m\"}"},
        {AGENT_ERROR_UNKNOWN_LOGIN, "{\"message\":\"m\"}"},
        {AGENT_ERROR_LOGIN_FAILED, "{\"message\":\"m\",\"error\":\"e\",\"error_description\":\"d\"}"},
        {AGENT_ERROR_NOT_CONFIGURED, "{\"message\":\"m\"}"},
        {AGENT_ERROR_STORAGE_FAILED, "{\"message\":\"m\"}"},
        {AGENT_ERROR_BUSY, "{\"message\":\"m\"}"},
        {AGENT_ERROR_STOPPING, "{\"message\":\"m\"}"},
        {AGENT_ERROR_INTERFACE_NOT_FOUND, "{\"interface\":\"x\"}"},
        {AGENT_ERROR_METHOD_NOT_FOUND, "{\"method\":\"x\"}"},
        {AGENT_ERROR_METHOD_NOT_IMPLEMENTED, "{\"method\":\"x\"}"},
        {AGENT_ERROR_INVALID_PARAMETER, "{\"parameter\":\"x\"}"},
        {AGENT_ERROR_PERMISSION_DENIED, "{}"},
        {AGENT_ERROR_EXPECTED_MORE, "{}"},
        {-EIO, "{\"message\":\"m\"}"},
};

static void test_writes_what_is_declared(void **state) {
        struct fault fault = {
                .message = (char *)"m",
                .reason = (char *)"never",
                .profile = (char *)"p",
                .error = (char *)"e",
                .error_description = (char *)"d",
                .parameter = (char *)"x",
                .retry_at = 12,
                .expires_in = 34,
        };

        assert_int_equal(ARRAY_SIZE(wire_texts), _AGENT_ERROR_MAX);
        for (size_t i = 0; i < ARRAY_SIZE(wire_texts); i++) {
                fault.r = wire_texts[i].r;
                assert_written(&fault, wire_texts[i].expected);
        }
}

static void test_message_and_numbers_by_default(void **state) {
        _cleanup_(buffer_deinit) struct buffer buffer = {};

        written(&(struct fault){.r = -EIO}, &buffer);
        assert_string_equal(buffer_bytes(&buffer), "{\"message\":\"Input/output error\"}");

        buffer_clear(&buffer);
        written(&(struct fault){.r = AGENT_ERROR_UNAVAILABLE}, &buffer);
        assert_null(strstr(buffer_bytes(&buffer), "retry_at"));

        buffer_clear(&buffer);
        written(&(struct fault){.r = AGENT_ERROR_SHORT_VALIDITY}, &buffer);
        assert_non_null(strstr(buffer_bytes(&buffer), "\"expires_in\":0"));
}

static int count(const char *text, char c) {
        int n = 0;

        for (; *text; text++)
                n += *text == c;

        return n;
}

/* All of those declared, and no others. */
static void assert_writes_members(const struct fault *fault, const char *declared) {
        _cleanup_(buffer_deinit) struct buffer buffer = {};
        _cleanup_(json_freep) struct json_object *object = NULL;
        char needle[64];

        written(fault, &buffer);
        assert_int_equal(json_parse(&object, buffer_bytes(&buffer), buffer_size(&buffer) - 1, 0), 0);
        assert_int_equal(json_object_object_length(object), count(declared, ':'));

        json_object_object_foreach(object, member, value) {
                (void)value;
                snprintf(needle, sizeof(needle), "%s:", member);
                assert_non_null(strstr(declared, needle));
        }
}

static void test_agrees_with_the_interface(void **state) {
        extern const char interface_text[];
        char *list[] = {(char *)"l", NULL};
        char name[64], declared[1024], wire_name[128];
        struct fault fault = {
                .message = (char *)"m",
                .reason = (char *)"r",
                .profile = (char *)"p",
                .resource_server = (char *)"s",
                .required_scopes = list,
                .session = {.session_message = (char *)"m",
                            .session_required_identities = list,
                            .session_required_single_domain = list,
                            .session_required_policies = list,
                            .session_required_mfa = TRISTATE_TRUE,
                            .prompt = (char *)"login"},
                .error = (char *)"e",
                .error_description = (char *)"d",
                .retry_at = 1,
                .expires_in = 1,
        };

        for (const char *at = strstr(interface_text, "\nerror "); at; at = strstr(at + 1, "\nerror ")) {
                assert_int_equal(sscanf(at, "\nerror %63[A-Za-z] (%1023[^)])", name, declared), 2);
                snprintf(wire_name, sizeof(wire_name), "org.globus.Agent.%s", name);
                fault.r = (int)error_from_wire_name(wire_name);
                assert_writes_members(&fault, declared);
        }
}

static void test_parses(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {.error = strdup("old")};

        parse(&fault, "org.globus.Agent.LoginNeeded", everything_needed);
        assert_int_equal(fault.r, AGENT_ERROR_LOGIN_NEEDED);
        assert_null(fault.error);
        assert_string_equal(fault_message(&fault), "m");
        assert_int_equal(fault.session.session_required_mfa, TRISTATE_TRUE);
        assert_written(&fault, everything_needed);

        parse(&fault, "org.globus.Agent.Unavailable", "{\"message\":\"later\",\"retry_at\":99,\"added\":[]}");
        assert_int_equal(fault.r, AGENT_ERROR_UNAVAILABLE);
        assert_int_equal(fault.retry_at, 99);
        assert_null(fault.reason);

        parse(&fault, "org.globus.Agent.LoginFailed", "{\"message\":\"x\",\"error\":\"invalid_grant\"}");
        assert_string_equal(fault.error, "invalid_grant");
}

static void test_explains_what_has_no_message(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};

        parse(&fault, "org.varlink.service.InvalidParameter", "{\"parameter\":\"min_valid\"}");
        assert_int_equal(fault.r, AGENT_ERROR_INVALID_PARAMETER);
        assert_string_equal(fault.parameter, "min_valid");
        assert_non_null(strstr(fault_message(&fault), "min_valid"));

        parse(&fault, "org.varlink.service.MethodNotFound", "{\"method\":\"org.globus.Agent.Dance\"}");
        assert_int_equal(fault.r, AGENT_ERROR_METHOD_NOT_FOUND);
        assert_non_null(strstr(fault_message(&fault), "org.globus.Agent.Dance"));
        assert_non_null(strstr(fault_message(&fault), "systemctl --user restart globus-agent.service"));

        parse(&fault, "org.varlink.service.InterfaceNotFound", "{\"interface\":\"org.globus.Agent\"}");
        assert_string_equal(fault.parameter, "org.globus.Agent");
        assert_non_null(strstr(fault_message(&fault), "org.globus.Agent"));

        parse(&fault, "org.varlink.service.PermissionDenied", "{}");
        assert_int_equal(fault.r, AGENT_ERROR_PERMISSION_DENIED);
        assert_string_equal(fault_message(&fault), error_sentence(AGENT_ERROR_PERMISSION_DENIED));
}

static void test_parses_what_is_odd(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};

        parse(&fault, "com.example.Strange", "{\"message\":\"not ours\"}");
        assert_int_equal(fault.r, AGENT_ERROR_BUSY);
        assert_non_null(strstr(fault_message(&fault), "com.example.Strange"));

        assert_int_equal(fault_parse(&fault, "org.globus.Agent.StorageFailed", NULL), 0);
        assert_int_equal(fault.r, AGENT_ERROR_STORAGE_FAILED);
        assert_string_equal(fault_message(&fault), error_sentence(AGENT_ERROR_STORAGE_FAILED));

        parse(&fault, "org.varlink.service.MethodNotFound", "{\"method\":5}");
        assert_int_equal(fault.r, AGENT_ERROR_METHOD_NOT_FOUND);
        assert_string_equal(fault_message(&fault), error_sentence(AGENT_ERROR_METHOD_NOT_FOUND));

        parse(&fault, "org.globus.Agent.Unavailable", "{\"message\":\"later\",\"retry_at\":\"soon\"}");
        assert_string_equal(fault_message(&fault), "later");
}

static void test_copies(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {}, copy = {.message = strdup("old")};

        parse(&fault, "org.globus.Agent.LoginNeeded", everything_needed);
        fault.retry_at = 7;
        assert_int_equal(fault_copy(&copy, &fault), 0);
        fault_deinit(&fault);
        assert_int_equal(copy.r, AGENT_ERROR_LOGIN_NEEDED);
        assert_int_equal(copy.retry_at, 7);
        assert_written(&copy, everything_needed);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sets),
                cmocka_unit_test(test_sets_login_needed),
                cmocka_unit_test(test_sets_invalid),
                cmocka_unit_test(test_writes_what_is_declared),
                cmocka_unit_test(test_message_and_numbers_by_default),
                cmocka_unit_test(test_agrees_with_the_interface),
                cmocka_unit_test(test_parses),
                cmocka_unit_test(test_explains_what_has_no_message),
                cmocka_unit_test(test_parses_what_is_odd),
                cmocka_unit_test(test_copies),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
