#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

#include "proto/error.h"
#include "proto/macro.h"

static void test_every_code_has_a_row(void **state) {
        for (int code = 1; code < _AGENT_ERROR_MAX; code++) {
                const char *name = error_wire_name(code);

                assert_non_null(name);
                assert_int_equal(error_from_wire_name(name), code);
                assert_true(error_exit_status(code) > 0);
                assert_true(strlen(error_sentence(code)) > 10);
                for (int other = 1; other < code; other++)
                        assert_string_not_equal(error_sentence(code), error_sentence(other));
        }
}

static void test_names(void **state) {
        assert_string_equal(error_wire_name(AGENT_ERROR_LOGIN_NEEDED), "org.globus.Agent.LoginNeeded");
        assert_string_equal(error_wire_name(AGENT_ERROR_STOPPING), "org.globus.Agent.Stopping");
        assert_string_equal(error_wire_name(AGENT_ERROR_INVALID_PARAMETER),
                            "org.varlink.service.InvalidParameter");
        assert_string_equal(error_wire_name(AGENT_ERROR_EXPECTED_MORE), "org.varlink.service.ExpectedMore");

        /* trouble of the agent's own is told, not shown */
        assert_string_equal(error_wire_name(-EIO), "org.globus.Agent.Busy");
        assert_string_equal(error_wire_name(_AGENT_ERROR_MAX), "org.globus.Agent.Busy");

        assert_int_equal(error_from_wire_name("org.globus.Agent.Nonsense"), 0);
        assert_int_equal(error_from_wire_name("LoginNeeded"), 0);
        assert_int_equal(error_from_wire_name(""), 0);
}

/* Each error that the interface declares is in the table. */
static void test_the_interface_is_covered(void **state) {
        extern const char interface_text[];
        char name[128], wire_name[256];
        size_t n = 0;

        for (const char *line = strstr(interface_text, "\nerror "); line; line = strstr(line + 1, "\nerror ")) {
                assert_int_equal(sscanf(line, "\nerror %127[A-Za-z]", name), 1);
                snprintf(wire_name, sizeof(wire_name), "org.globus.Agent.%s", name);
                assert_true(error_from_wire_name(wire_name) > 0);
                n++;
        }

        assert_int_equal(n, AGENT_ERROR_STOPPING);
}

static void test_exit_statuses(void **state) {
        assert_int_equal(error_exit_status(0), 0);
        assert_int_equal(error_exit_status(AGENT_ERROR_LOGIN_NEEDED), 4);
        assert_int_equal(error_exit_status(AGENT_ERROR_LOCKED), 5);
        assert_int_equal(error_exit_status(AGENT_ERROR_WRONG_PASSPHRASE), 5);
        assert_int_equal(error_exit_status(AGENT_ERROR_UNAVAILABLE), 6);
        assert_int_equal(error_exit_status(AGENT_ERROR_REFUSED), 7);
        assert_int_equal(error_exit_status(AGENT_ERROR_SHORT_VALIDITY), 8);
        assert_int_equal(error_exit_status(AGENT_ERROR_UNKNOWN_RESOURCE), 1);
        assert_int_equal(error_exit_status(AGENT_ERROR_LOGIN_FAILED), 1);
        assert_int_equal(error_exit_status(AGENT_ERROR_BUSY), 1);
        assert_int_equal(error_exit_status(AGENT_ERROR_METHOD_NOT_FOUND), 1);
        assert_int_equal(error_exit_status(-EIO), 1);
        assert_int_equal(error_exit_status(_AGENT_ERROR_MAX), 1);
}

static void test_sentences(void **state) {
        assert_string_equal(error_sentence(-ENOENT), "No such file or directory");
        assert_non_null(error_sentence(-99999));
        assert_non_null(error_sentence(99999));
        assert_non_null(error_sentence(0));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_code_has_a_row),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_the_interface_is_covered),
                cmocka_unit_test(test_exit_statuses),
                cmocka_unit_test(test_sentences),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
