#include "tests/unit/unit.h"

#include <errno.h>

#include "client/paste.h"
#include "tests/unit/captured.h"
#include "tests/unit/fake-agent.h"

static const struct globals globals = {.timeout = 60};
static struct captured captured;

#define FINISH(code)                                                                                           \
        "{\"method\":\"org.globus.Agent.FinishLogin\",\"parameters\":{\"login_id\":\"L\",\"code\":\"" code     \
        "\"}}"
#define CANCEL "{\"method\":\"org.globus.Agent.CancelLogin\",\"parameters\":{\"login_id\":\"L\"}}"
#define DONE "{\"profile\":\"work\",\"username\":\"ada\",\"resource_servers\":[\"a.org\",\"b.org\"]}"

/* There is nothing to read but this. */
static void type(const char *text) {
        int fds[2];

        assert_int_equal(pipe(fds), 0);
        assert_int_equal(write(fds[1], text, strlen(text)), (ssize_t)strlen(text));
        close(fds[1]);
        assert_true(dup2(fds[0], STDIN_FILENO) >= 0);
        close(fds[0]);
}

/* The exit status; what is said is in captured. */
static int login(const char *typed) {
        int status;

        type(typed);
        capture(&captured);
        status = paste_login(&globals, "L", "https://example.org/\x1b[31m");
        release(&captured);
        return status;
}

static void assert_said(const char *needle) {
        assert_non_null(strstr(captured.text, needle));
}

static void test_login(void **state) {
        agent_will({.text = DONE});
        assert_int_equal(login("\n  the-code \r\n"), 0);
        assert_int_equal(agent.n_calls, 1);
        assert_string_equal(agent.calls[0], FINISH("the-code"));
        assert_said("Please log in to Globus here:\n\nhttps://example.org/");
        assert_null(strchr(captured.text, '\x1b'));
        assert_null(strstr(captured.text, "Enter the authorization code")); /* nobody types */
        assert_said("Logged in as ada (profile 'work'): a.org, b.org\n");
}

/* Globus did not like the code, or was not there: the login takes another one. */
static void test_another_code(void **state) {
        agent_will({AGENT_ERROR_LOGIN_FAILED, "wrong", "invalid_grant"},
                   {AGENT_ERROR_UNAVAILABLE, "away", NULL}, {.text = DONE});
        assert_int_equal(login("one\ntwo\nthree\n"), 0);
        assert_int_equal(agent.n_calls, 3);
        assert_string_equal(agent.calls[1], FINISH("two"));
        assert_string_equal(agent.calls[2], FINISH("three"));
        assert_said("globus-agentctl: wrong\n");
        assert_said("globus-agentctl: away; try again later\n");
}

/* No code helps: the next one is not asked for. */
static void test_login_is_over(void **state) {
        agent_will({AGENT_ERROR_LOGIN_FAILED, "another identity", NULL}, {.text = "{}"});
        assert_int_equal(login("one\ntwo\n"), error_exit_status(AGENT_ERROR_LOGIN_FAILED));
        assert_int_equal(agent.n_calls, 2);
        assert_string_equal(agent.calls[1], CANCEL);
        assert_said("globus-agentctl: another identity\n");
}

static void test_no_code(void **state) {
        agent_will({.text = "{}"});
        assert_int_equal(login("\n\n"), EXIT_STATUS_FAILED);
        assert_int_equal(agent.n_calls, 1);
        assert_string_equal(agent.calls[0], CANCEL);
        assert_said("No code was given; nobody was logged in\n");
}

/* The status is that of the code that failed, and one line says so. */
static void test_codes_run_out(void **state) {
        agent_will({AGENT_ERROR_UNAVAILABLE, "away", NULL}, {.text = "{}"});
        assert_int_equal(login("one\n"), error_exit_status(AGENT_ERROR_UNAVAILABLE));
        assert_string_equal(agent.calls[1], CANCEL);
        assert_null(strstr(captured.text, "No code was given"));
}

/* One code, and the login stays open. */
static void test_finish(void **state) {
        agent_will({AGENT_ERROR_LOGIN_FAILED, "wrong", "invalid_grant"}, {.text = DONE});
        type("one\ntwo\n");
        capture(&captured);
        assert_int_equal(paste_finish(&globals, "L"), error_exit_status(AGENT_ERROR_LOGIN_FAILED));
        assert_string_equal(strstr(release(&captured), "globus-agentctl: "), "globus-agentctl: wrong\n");
        assert_int_equal(agent.n_calls, 1);

        type("two\n");
        capture(&captured);
        assert_int_equal(paste_finish(&globals, "L"), 0);
        assert_non_null(strstr(release(&captured), "Logged in as ada"));
        assert_string_equal(agent.calls[1], FINISH("two"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_login),         cmocka_unit_test(test_another_code),
                cmocka_unit_test(test_login_is_over), cmocka_unit_test(test_no_code),
                cmocka_unit_test(test_codes_run_out), cmocka_unit_test(test_finish),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
