#include "tests/unit/unit.h"

#include "tests/unit/door.h"

#define ERROR(name, parameters) "{\"error\":\"org.globus.Agent." name "\",\"parameters\":" parameters "}\n"
#define SERVICE_ERROR(name, parameters)                                                                        \
        "{\"error\":\"org.varlink.service." name "\",\"parameters\":" parameters "}\n"

/* One call on a connection of its own, and what comes of it. */
#define assert_answer(call, expected)                                                                          \
        do {                                                                                                   \
                int _fd = knock();                                                                             \
                say(_fd, call);                                                                                \
                settle();                                                                                      \
                assert_heard(_fd, expected);                                                                   \
                close(_fd);                                                                                    \
        } while (0)

static void test_parameters(void **state) {
        assert_answer(ECHO_CALL("x"), ECHO_REPLY("x"));
        assert_answer(CALL("Echo", "{\"number\":9,\"text\":\"x\"}"), REPLY("{\"text\":\"x\",\"number\":9}"));
        assert_answer(CALL("Echo", "{\"number\":null,\"text\":\"x\"}"), ECHO_REPLY("x"));
        assert_answer("{\"method\":\"org.globus.Agent.Empty\"}", REPLY("{}"));
        assert_answer(CALL("Empty", "{}"), REPLY("{}"));
}

static void test_invalid_parameters(void **state) {
#define INVALID(name) SERVICE_ERROR("InvalidParameter", "{\"parameter\":\"" name "\"}")
        assert_answer(CALL("Echo", "{\"text\":5}"), INVALID("text"));
        assert_answer(CALL("Echo", "{}"), INVALID("text"));
        assert_answer(CALL("Echo", "{\"text\":\"x\",\"number\":\"9\"}"), INVALID("number"));
        assert_answer(CALL("Echo", "{\"text\":\"x\",\"colour\":1}"), INVALID("colour"));
        assert_answer(CALL("Empty", "{\"text\":\"x\"}"), INVALID("text"));
        assert_int_equal(door.handled, 0);
}

static void test_unknown_methods(void **state) {
        assert_answer(CALL("Nothing", "{}"),
                      SERVICE_ERROR("MethodNotFound", "{\"method\":\"org.globus.Agent.Nothing\"}"));
        assert_answer("{\"method\":\"org.varlink.service.Echo\"}",
                      SERVICE_ERROR("MethodNotFound", "{\"method\":\"org.varlink.service.Echo\"}"));
        assert_answer("{\"method\":\"org.globus.Agents.Echo\"}",
                      SERVICE_ERROR("InterfaceNotFound", "{\"interface\":\"org.globus.Agents\"}"));
        assert_answer("{\"method\":\"org.globus.Echo\"}",
                      SERVICE_ERROR("InterfaceNotFound", "{\"interface\":\"org.globus\"}"));
        assert_answer("{\"method\":\"Echo\"}", SERVICE_ERROR("InterfaceNotFound", "{\"interface\":\"Echo\"}"));
}

static void test_upgrade(void **state) {
        int fd = knock();

        say(fd, "{\"method\":\"org.globus.Agent.Empty\",\"upgrade\":true}\0" ECHO_CALL("x"));
        settle();
        assert_heard(fd, SERVICE_ERROR("MethodNotImplemented", "{\"method\":\"org.globus.Agent.Empty\"}")
                                 ECHO_REPLY("x"));
        close(fd);
}

/* One reply is all that there is, so it does not announce another. */
static void test_more(void **state) {
        assert_answer("{\"method\":\"org.globus.Agent.Echo\",\"more\":true,\"parameters\":{\"text\":\"x\"}}",
                      ECHO_REPLY("x"));
}

static void test_fault(void **state) {
        assert_answer(CALL("Fail", "{}"), ERROR("Busy", "{\"message\":\"too much to do\"}"));
}

/* At the end nothing is begun that has effects, also when it waited for something before. */
static void test_stopping_gate(void **state) {
#define STOPPING ERROR("Stopping", "{\"message\":\"The agent is being stopped, try again\"}")
        int fd = knock();

        door.store_opening = true;
        say(fd, CALL("EchoBoth", "{\"text\":\"x\"}"));
        settle();
        door.context.stopping = true;
        assert_answer(CALL("LaterKeeps", "{}"), STOPPING);
        assert_answer(ECHO_CALL("x"), ECHO_REPLY("x"));
        store_answers(NULL);
        settle();
        assert_heard(fd, STOPPING);
        close(fd);
}

static void test_settings_gate(void **state) {
        (void)fault_set(&door.problem, AGENT_ERROR_NOT_CONFIGURED, "/etc/x: no key 'y'");
        assert_answer(CALL("EchoSettings", "{\"text\":\"x\"}"),
                      ERROR("NotConfigured", "{\"message\":\"/etc/x: no key 'y'\"}"));
        assert_answer(CALL("EchoBoth", "{\"text\":\"x\"}"),
                      ERROR("NotConfigured", "{\"message\":\"/etc/x: no key 'y'\"}"));
        assert_answer(CALL("EchoSettings", "{\"text\":5}"), INVALID("text"));
        assert_int_equal(door.handled, 0);
        assert_answer(CALL("EchoStore", "{\"text\":\"x\"}"), ECHO_REPLY("x"));
        assert_answer(ECHO_CALL("x"), ECHO_REPLY("x"));

        fault_deinit(&door.problem);
        assert_answer(CALL("EchoSettings", "{\"text\":\"x\"}"), ECHO_REPLY("x"));
}

/* What needs the store waits for it, in order; what does not is served. */
static void test_store_gate(void **state) {
        int fd = knock(), other = knock();

        door.store_opening = true;
        say(fd, CALL("EchoStore", "{\"text\":\"1\"}") "\0" ECHO_CALL("2") "\0" CALL("EchoBoth",
                                                                                    "{\"text\":\"3\"}"));
        say(other, ECHO_CALL("o") "\0" CALL("EchoSettings", "{\"text\":\"o\"}"));
        settle();
        assert_heard(fd, "");
        assert_heard(other, ECHO_REPLY("o") ECHO_REPLY("o"));

        store_answers(NULL);
        settle();
        assert_heard(fd, ECHO_REPLY("1") ECHO_REPLY("2") ECHO_REPLY("3"));
        close(fd);
        close(other);
}

static void test_store_gate_fails(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};
        int fd = knock();

        door.store_opening = true;
        say(fd, CALL("EchoStore", "{\"text\":\"1\"}") "\0" ECHO_CALL("2"));
        settle();
        (void)fault_set(&fault, AGENT_ERROR_STORAGE_FAILED, "no");
        store_answers(&fault);
        settle();
        assert_heard(fd, ERROR("StorageFailed", "{\"message\":\"no\"}") ECHO_REPLY("2"));
        close(fd);
}

/* A peer that leaves takes its call out of the queue. */
static void test_leaves_at_the_store_gate(void **state) {
        int fd = knock();

        door.store_opening = true;
        say(fd, CALL("EchoStore", "{\"text\":\"1\"}"));
        settle();
        assert_false(list_is_empty(&door.store_waiters));
        close(fd);
        settle();
        assert_true(list_is_empty(&door.store_waiters));
        store_answers(NULL);
        assert_int_equal(door.handled, 0);
}

#define LOCKED ERROR("Locked", "{\"message\":\"The agent is locked: globus-agentctl unlock\"}")

/* Calls wait for a store that is being read before the gate looks at them. */
static void test_lock_gate(void **state) {
        int fd = knock();

        door.is_locked = true;
        say(fd, CALL("EchoSecrets", "{\"text\":\"1\"}") "\0" ECHO_CALL("2"));
        settle();
        assert_heard(fd, LOCKED ECHO_REPLY("2"));

        door.store_opening = true;
        say(fd, CALL("EchoSecrets", "{\"text\":\"3\"}"));
        settle();
        assert_heard(fd, "");
        door.is_locked = false;
        store_answers(NULL);
        settle();
        assert_heard(fd, ECHO_REPLY("3"));
        close(fd);
}

/* When the gate is closed, whoever waits behind it is told, and what was begun for them is given up. */
static void test_lock_tells_those_who_wait(void **state) {
        _cleanup_(fault_deinit) struct fault locked = {};
        int fds[] = {knock(), knock(), knock(), knock()};

        say(fds[0], CALL("LaterSecrets", "{}") "\0" ECHO_CALL("n"));
        say(fds[1], CALL("LaterKeeps", "{}"));
        say(fds[2], CALL("Later", "{}"));
        settle();
        (void)fault_set(&locked, AGENT_ERROR_LOCKED, NULL);
        listener_refuse(door.listener, METHOD_NEEDS_SECRETS, &locked);
        settle();
        assert_heard(fds[0], LOCKED ECHO_REPLY("n"));
        assert_heard(fds[1], "");
        assert_int_equal(door.cancelled, 1);

        listener_refuse(door.listener, METHOD_KEEPS_SECRETS, &locked);
        settle();
        assert_heard(fds[1], LOCKED);
        assert_heard(fds[2], "");
        assert_int_equal(door.cancelled, 2);
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
                close(fds[i]);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_door, teardown_door)
        const struct CMUnitTest tests[] = {
                TEST(test_parameters),
                TEST(test_invalid_parameters),
                TEST(test_unknown_methods),
                TEST(test_upgrade),
                TEST(test_more),
                TEST(test_fault),
                TEST(test_stopping_gate),
                TEST(test_settings_gate),
                TEST(test_store_gate),
                TEST(test_store_gate_fails),
                TEST(test_leaves_at_the_store_gate),
                TEST(test_lock_gate),
                TEST(test_lock_tells_those_who_wait),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
