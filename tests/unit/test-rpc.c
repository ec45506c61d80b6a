#include "tests/unit/unit.h"

#include <errno.h>
#include <time.h>

#include "tests/unit/captured.h"
#include "tests/unit/fake-agent.h"

static const struct globals globals = {.timeout = 60};

#define CALL "{\"method\":\"org.globus.Agent.Test\",\"parameters\":{\"x\":1}}"

/* The exit status. */
static int run(enum rpc_flags flags, struct message_reply *reply, struct fault *fault) {
        struct rpc rpc;
        int status;

        rpc_begin(&rpc, RPC_METHOD("Test"), flags);
        write_int_member(&rpc.writer, "x", 1);
        status = rpc_send(reply, &rpc, &globals, fault);
        rpc_deinit(&rpc);
        return status;
}

static void assert_fails(enum rpc_flags flags, int status, const char *needle) {
        _cleanup_(fault_deinit) struct fault fault = {};
        struct message_reply reply = {};

        assert_int_equal(run(flags, &reply, &fault), status);
        assert_non_null(strstr(fault_message(&fault), needle));
        assert_null(reply.parameters);
}

static void test_call(void **state) {
        _cleanup_(message_reply_deinit) struct message_reply reply = {};
        _cleanup_(fault_deinit) struct fault fault = {};

        agent_will({.text = "{\"y\":\"z\"}"});
        assert_int_equal(run(0, &reply, &fault), 0);
        assert_string_equal(json_get_string(reply.parameters, "y"), "z");
        assert_string_equal(agent.calls[0], CALL);
        assert_int_equal(agent.deadline_usec, FAKE_NOW_USEC + 60 * USEC_PER_SEC);
}

/* An agent that knows the deadline is left the time to say that it has passed. */
static void test_timed(void **state) {
        _cleanup_(message_reply_deinit) struct message_reply reply = {};
        _cleanup_(fault_deinit) struct fault fault = {};

        agent_will({.text = "{}"});
        assert_int_equal(run(RPC_TIMED, &reply, &fault), 0);
        assert_true(agent.deadline_usec > FAKE_NOW_USEC + 60 * USEC_PER_SEC);
}

static void assert_repeated(enum rpc_flags flags, size_t n_calls, size_t n_pauses) {
        _cleanup_(message_reply_deinit) struct message_reply reply = {};
        _cleanup_(fault_deinit) struct fault fault = {};

        assert_int_equal(run(flags, &reply, &fault), 0);
        assert_int_equal(agent.n_calls, n_calls);
        assert_int_equal(agent.n_pauses, n_pauses);
        assert_int_equal(fault.r, 0);
        for (size_t i = 0; i < n_calls; i++)
                assert_string_equal(agent.calls[i], CALL);
}

/* At once, and each time the whole call. */
static void test_repeats_what_is_repeatable(void **state) {
        static const int broken[] = {-EPIPE, -ECONNRESET, -ENODATA};

        for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
                const struct fake_answer answers[] = {{broken[i], NULL, NULL}, {.text = "{}"}};

                agent_will({0});
                agent.answers = answers;
                agent.n_answers = 2;
                assert_repeated(RPC_REPEATABLE, 2, 0);
        }
}

/* Nothing was done, whatever the call. */
static void test_repeats_all_when_stopping(void **state) {
#define STOPPING {AGENT_ERROR_STOPPING, "is stopping", NULL}
        {
                agent_will(STOPPING, STOPPING, STOPPING, {.text = "{}"});
                assert_repeated(0, 4, 3);
        }
        {
                agent_will(STOPPING, {-EPIPE, NULL, NULL}, STOPPING, {.text = "{}"});
                assert_repeated(RPC_REPEATABLE, 4, 2);
        }
}

static void test_gives_up(void **state) {
        {
                agent_will({-ENODATA, NULL, NULL}, {-ECONNRESET, NULL, NULL});
                assert_fails(RPC_REPEATABLE, EXIT_STATUS_FAILED, "went away in the middle");
                assert_int_equal(agent.n_calls, 2);
        }
        {
                agent_will(STOPPING);
                agent.always = true;
                assert_fails(RPC_REPEATABLE, EXIT_STATUS_FAILED, "is stopping");
                assert_int_equal(agent.paused_usec, 60 * USEC_PER_SEC);
        }
}

/* What may have been done is not done again; nor what got another answer. */
static void test_does_not_repeat(void **state) {
        {
                agent_will({-EPIPE, NULL, NULL});
                assert_fails(RPC_REMOTE, EXIT_STATUS_FAILED, "went away in the middle");
        }
        {
                agent_will(STOPPING, {-EPIPE, NULL, NULL});
                assert_fails(0, EXIT_STATUS_FAILED, "went away in the middle");
        }
        {
                agent_will({AGENT_ERROR_BUSY, "is busy", NULL});
                assert_fails(RPC_REPEATABLE, EXIT_STATUS_FAILED, "is busy");
        }
}

static void test_no_agent(void **state) {
        agent_will({0});
        agent.unreachable = -EPIPE; /* no reason to try again what was tried thoroughly */
        assert_fails(RPC_REPEATABLE, EXIT_STATUS_NO_AGENT, "nobody there");
        assert_int_equal(agent.n_calls, 0);
        assert_int_equal(agent.n_pauses, 0);
}

static void test_timeouts(void **state) {
        {
                agent_will({-ETIMEDOUT, "late", NULL}, {.text = "{}"});
                assert_fails(RPC_REMOTE, error_exit_status(AGENT_ERROR_UNAVAILABLE), "--timeout");
        }
        {
                agent_will({-ETIMEDOUT, "late", NULL},
                           {-ETIMEDOUT, "late", NULL}); /* nor to who asks nothing */
                assert_fails(RPC_REMOTE, EXIT_STATUS_FAILED, "systemctl --user restart");
                assert_non_null(strstr(agent.calls[1], "org.varlink.service.GetInfo"));
        }
        {
                agent_will({-ETIMEDOUT, "late", NULL}); /* it would have said so itself, were it well */
                assert_fails(RPC_REMOTE | RPC_TIMED, EXIT_STATUS_FAILED, "systemctl --user restart");
        }
        {
                agent_will({-ETIMEDOUT, "late", NULL});
                assert_fails(0, EXIT_STATUS_FAILED, "systemctl --user restart");
        }
}

static void test_other_versions(void **state) {
        {
                agent_will({AGENT_ERROR_METHOD_NOT_FOUND, "?", NULL});
                assert_fails(0, EXIT_STATUS_FAILED, "does not know org.globus.Agent.Test; restart it");
        }
        {
                agent_will({AGENT_ERROR_INTERFACE_NOT_FOUND, "?", NULL});
                assert_fails(0, EXIT_STATUS_FAILED, "another version");
        }
}

static void test_other_trouble(void **state) {
        {
                agent_will({AGENT_ERROR_LOGIN_NEEDED, "log in", NULL});
                assert_fails(0, error_exit_status(AGENT_ERROR_LOGIN_NEEDED), "log in");
        }
        {
                agent_will({-EBADMSG, NULL, NULL});
                assert_fails(0, EXIT_STATUS_FAILED, "Talking to globus-agent failed: ");
        }
        {
                agent_will({-EBADMSG, "it babbles", NULL});
                assert_fails(0, EXIT_STATUS_FAILED, "it babbles");
        }
}

static void test_profile_and_environment(void **state) {
        const struct globals named = {.profile = "work"}, unnamed = {};
        struct rpc rpc;

        unsetenv("GLOBUS_SDK_ENVIRONMENT");
        rpc_begin(&rpc, "a.B", 0);
        rpc_write_profile(&rpc, &unnamed);
        rpc_write_environment(&rpc, NULL);
        rpc_write_profile(&rpc, &named);
        setenv("GLOBUS_SDK_ENVIRONMENT", "preview", 1);
        rpc_write_environment(&rpc, NULL);
        rpc_write_environment(&rpc, "sandbox");
        unsetenv("GLOBUS_SDK_ENVIRONMENT");

        assert_int_equal(buffer_append(&rpc.message, "", 1), 0);
        assert_string_equal(
                buffer_bytes(&rpc.message),
                "{\"method\":\"a.B\",\"parameters\":{\"profile\":\"work\",\"environment\":\"preview\","
                "\"environment\":\"sandbox\"");
        rpc_deinit(&rpc);
}

static void assert_complains(const struct fault *fault, const char *expected) {
        struct captured captured;

        capture(&captured);
        rpc_complain(fault);
        assert_string_equal(release(&captured), expected);
}

/* The command that helps can be pasted into a shell as it is. */
static void test_complains(void **state) {
        char *scopes[] = {(char *)"openid", (char *)"it's", NULL};
        struct fault fault = {.r = AGENT_ERROR_LOGIN_NEEDED, .message = (char *)"No"};

        assert_complains(&fault, "globus-agentctl: No; log in with: globus-agentctl login\n");
        fault.profile = (char *)"default";
        assert_complains(&fault, "globus-agentctl: No; log in with: globus-agentctl login\n");
        fault.profile = (char *)"work";
        fault.required_scopes = scopes;
        assert_complains(&fault, "globus-agentctl: No; log in with: globus-agentctl login --profile 'work' "
                                 "--scope 'openid' --scope 'it'\\''s'\n");
        fault.reason = (char *)"never"; /* the usual scopes are asked for without being named */
        assert_complains(&fault, "globus-agentctl: No; log in with: globus-agentctl login --profile 'work'\n");
        fault.reason = (char *)"client";
        assert_complains(&fault, "globus-agentctl: No; log in with: globus-agentctl login --profile 'work' "
                                 "--client-id ANOTHER-ID --scope 'openid' --scope 'it'\\''s'\n");
        fault.message = (char *)"try globus-agentctl login";
        assert_complains(&fault, "globus-agentctl: try globus-agentctl login\n");
        fault.r = AGENT_ERROR_WRONG_PASSPHRASE;
        fault.message = (char *)"Wrong";
        assert_complains(&fault, "globus-agentctl: Wrong\n");
        fault.retry_at = time(NULL) + 7000;
        assert_complains(&fault, "globus-agentctl: Wrong; try again in 1 h 56 min\n");
        fault.retry_at = 0;
        fault.r = -ENOTCONN;
        fault.message = (char *)"Nobody";
        assert_complains(&fault, "globus-agentctl: Nobody; leave out --no-autostart to start one\n");
        fault.r = AGENT_ERROR_UNAVAILABLE;
        fault.message = (char *)"later";
        assert_complains(&fault, "globus-agentctl: later; try again later\n");
        fault.retry_at = time(NULL) + 7000;
        assert_complains(&fault, "globus-agentctl: later; try again in 1 h 56 min\n");
        fault.message = (char *)"gone, try again later";
        assert_complains(&fault, "globus-agentctl: gone, try again later\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_call),
                cmocka_unit_test(test_timed),
                cmocka_unit_test(test_repeats_what_is_repeatable),
                cmocka_unit_test(test_repeats_all_when_stopping),
                cmocka_unit_test(test_gives_up),
                cmocka_unit_test(test_does_not_repeat),
                cmocka_unit_test(test_no_agent),
                cmocka_unit_test(test_timeouts),
                cmocka_unit_test(test_other_versions),
                cmocka_unit_test(test_other_trouble),
                cmocka_unit_test(test_profile_and_environment),
                cmocka_unit_test(test_complains),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
