#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/client.h"
#include "proto/error.h"
#include "proto/json.h"

static char directory[64], path[96];
static int listener;
static uid_t euid_offset; /* to be somebody else than the socket's owner */

uid_t geteuid(void) {
        return (uid_t)syscall(SYS_geteuid) + euid_offset;
}

/* An agent that takes one connection, reads one call and sends a text, then closes. */
static struct agent {
        pthread_t thread;
        const char *text;
        size_t n;
        char call[200000];
} agent;

static void *agent_run(void *unused) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        size_t received = 0;
        ssize_t n;

        while (received < sizeof(agent.call) && (received == 0 || agent.call[received - 1] != '\0')) {
                n = read(fd, agent.call + received, sizeof(agent.call) - received);
                if (n <= 0)
                        break;
                received += (size_t)n;
        }

        for (size_t sent = 0; sent < agent.n; sent += (size_t)n) {
                n = send(fd, agent.text + sent, agent.n - sent, MSG_NOSIGNAL);
                if (n <= 0)
                        break;
        }

        close(fd);
        return NULL;
}

static void agent_start_n(const char *text, size_t n) {
        agent.text = text;
        agent.n = n;
        assert_int_equal(pthread_create(&agent.thread, NULL, agent_run, NULL), 0);
}

#define agent_start(literal) agent_start_n(literal, sizeof(literal) - 1)

static void agent_join(void) {
        pthread_join(agent.thread, NULL);
}

static int setup(void **state) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        strcpy(directory, "/tmp/test-client-XXXXXX");
        if (!mkdtemp(directory))
                return -1;

        snprintf(path, sizeof(path), "%s/socket", directory);
        strcpy(address.sun_path, path);
        euid_offset = 0;
        listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        return bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ? -1 : listen(listener, 0);
}

static int teardown(void **state) {
        close(listener);
        unlink(path);
        return rmdir(directory);
}

static uint64_t soon(void) {
        return client_now_usec() + 30 * USEC_PER_MSEC;
}

static uint64_t late(void) {
        return client_now_usec() + 30 * USEC_PER_SEC;
}

static struct client *connect_to_agent(void) {
        _cleanup_(fault_deinit) struct fault fault = {};
        struct client *client = NULL;

        assert_int_equal(client_connect(&client, path, late(), &fault), 0);
        assert_int_equal(fault.r, 0);
        return client;
}

static void make_call(struct buffer *ret) {
        struct writer writer = WRITER_INIT(ret);

        message_begin_call(&writer, "org.globus.Agent.GetStatus", 0);
        write_object_begin(&writer);
        write_object_end(&writer);
        message_end(&writer);
        assert_int_equal(writer_end(&writer), 0);
}

/* Calls the agent that was started, and ends it. */
static int call(struct message_reply *ret, struct fault *fault) {
        _cleanup_(client_freep) struct client *client = connect_to_agent();
        _cleanup_(buffer_deinit) struct buffer message = {};
        int r;

        make_call(&message);
        r = client_call(client, &message, late(), ret, fault);
        assert_null(message.data);
        assert_int_equal(r, fault->r);
        agent_join();
        return r;
}

static void test_call(void **state) {
        _cleanup_(message_reply_deinit) struct message_reply reply = {};
        struct fault fault = {};

        agent_start("{\"parameters\":{\"version\":\"1\"}}\0");
        assert_int_equal(call(&reply, &fault), 0);
        assert_string_equal(json_get_string(reply.parameters, "version"), "1");
        assert_string_equal(agent.call, "{\"method\":\"org.globus.Agent.GetStatus\",\"parameters\":{}}");
}

static void test_error_reply(void **state) {
        struct message_reply reply = {};
        _cleanup_(fault_deinit) struct fault fault = {};

        agent_start("{\"error\":\"org.globus.Agent.Unavailable\",\"parameters\":{\"message\":\"later\","
                    "\"retry_at\":123}}\0");
        assert_int_equal(call(&reply, &fault), AGENT_ERROR_UNAVAILABLE);
        assert_string_equal(fault_message(&fault), "later");
        assert_int_equal(fault.retry_at, 123);
        assert_null(reply.error);
}

static void test_agent_that_goes_away(void **state) {
        struct message_reply reply = {};
        _cleanup_(fault_deinit) struct fault fault = {};

        agent_start("");
        assert_int_equal(call(&reply, &fault), -ENODATA);
        assert_string_equal(fault_message(&fault), "The agent went away before it answered");
        agent_start("{\"parameters\":");
        assert_int_equal(call(&reply, &fault), -ENODATA);
}

static void test_answers_that_are_none(void **state) {
        struct message_reply reply = {};
        _cleanup_(fault_deinit) struct fault fault = {};

        agent_start("nonsense\0");
        assert_int_equal(call(&reply, &fault), -EBADMSG);
        agent_start("{\"continues\":true}\0");
        assert_int_equal(call(&reply, &fault), -EBADMSG);
        agent_start("{\"error\":\"com.example.Strange\"}\0");
        assert_int_equal(call(&reply, &fault), AGENT_ERROR_BUSY);
        assert_null(reply.parameters);
}

/* As large as they get, and one byte more. */
static void test_large_answers(void **state) {
        static const char head[] = "{\"parameters\":{\"x\":\"", tail[] = "\"}}";
        size_t n = MESSAGE_REPLY_MAX;
        _cleanup_(message_reply_deinit) struct message_reply reply = {}, none = {};
        _cleanup_(freep) char *text = malloc(n + 2);
        struct fault fault = {};

        assert_non_null(text);
        memset(text, 'y', n);
        memcpy(text, head, strlen(head));
        memcpy(text + n - strlen(tail), tail, sizeof(tail));
        agent_start_n(text, n + 1);
        assert_int_equal(call(&reply, &fault), 0);
        assert_int_equal(strlen(json_get_string(reply.parameters, "x")), n - strlen(head) - strlen(tail));

        memmove(text + n - 2, tail, sizeof(tail));
        text[n - 3] = 'y';
        agent_start_n(text, n + 2);
        assert_int_equal(call(&none, &fault), -EMSGSIZE);
        fault_deinit(&fault);
}

static void test_silent_agent(void **state) {
        _cleanup_(client_freep) struct client *client = connect_to_agent();
        _cleanup_(buffer_deinit) struct buffer message = {};
        _cleanup_(fault_deinit) struct fault fault = {};
        struct message_reply reply = {};
        uint64_t deadline_usec = soon();

        make_call(&message);
        assert_int_equal(client_call(client, &message, deadline_usec, &reply, &fault), -ETIMEDOUT);
        assert_int_equal(fault.r, -ETIMEDOUT);
        assert_true(client_now_usec() >= deadline_usec);
        assert_null(message.data);
}

/* Nobody takes what was sent. */
static void test_agent_that_does_not_read(void **state) {
        _cleanup_(client_freep) struct client *client = connect_to_agent();
        _cleanup_(buffer_deinit) struct buffer message = {};
        _cleanup_(fault_deinit) struct fault fault = {};
        struct message_reply reply = {};
        char *space;

        assert_int_equal(buffer_reserve(&message, 10000000, &space), 0);
        memset(space, 'x', 10000000);
        buffer_commit(&message, 10000000);
        assert_int_equal(client_call(client, &message, soon(), &reply, &fault), -ETIMEDOUT);
        assert_null(message.data);
}

static void test_large_call(void **state) {
        _cleanup_(client_freep) struct client *client = connect_to_agent();
        _cleanup_(buffer_deinit) struct buffer message = {};
        _cleanup_(fault_deinit) struct fault fault = {};
        struct message_reply reply = {};
        char *space;

        agent_start("{}\0");
        assert_int_equal(buffer_reserve(&message, sizeof(agent.call), &space), 0);
        memset(space, 'x', sizeof(agent.call));
        space[sizeof(agent.call) - 1] = '\0';
        buffer_commit(&message, sizeof(agent.call));
        assert_int_equal(client_call(client, &message, late(), &reply, &fault), 0);
        agent_join();
}

static void assert_no_connection(int r, const char *needle) {
        _cleanup_(fault_deinit) struct fault fault = {};
        struct client *client = NULL;

        assert_int_equal(client_connect(&client, path, soon(), &fault), r);
        assert_int_equal(fault.r, r);
        assert_null(client);
        assert_non_null(strstr(fault_message(&fault), needle));
}

static void test_nobody_there(void **state) {
        close(listener);
        assert_no_connection(-ECONNREFUSED, path);
        unlink(path);
        assert_no_connection(-ENOENT, path);
        listener = -1;
}

static void test_foreign_agent(void **state) {
        char byte;
        int fd;

        euid_offset = 1;
        assert_no_connection(-EPERM, "not by you");

        /* and it was told nothing */
        fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        assert_int_equal(read(fd, &byte, 1), 0);
        close(fd);
}

static void test_path_too_long(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};
        struct client *client = NULL;
        char long_path[109];

        memset(long_path, 'x', sizeof(long_path));
        long_path[108] = '\0';
        assert_int_equal(client_connect(&client, long_path, late(), &fault), -ENAMETOOLONG);
        assert_non_null(strstr(fault_message(&fault), "107"));
        assert_null(client);
}

/* A stopped agent whose queue of connections is full. */
static void test_full_queue(void **state) {
        _cleanup_(client_freep) struct client *first = connect_to_agent();
        uint64_t deadline_usec = soon();

        assert_non_null(first);
        assert_no_connection(-ETIMEDOUT, "in time");
        assert_true(client_now_usec() >= deadline_usec);
}

static void test_descriptor_is_not_inherited(void **state) {
        int next = dup(listener);
        _cleanup_(client_freep) struct client *client = NULL;

        close(next);
        client = connect_to_agent();
        assert_int_equal(fcntl(next, F_GETFD), FD_CLOEXEC); /* the lowest one that is free was taken */
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_call),
                TEST(test_error_reply),
                TEST(test_agent_that_goes_away),
                TEST(test_answers_that_are_none),
                TEST(test_large_answers),
                TEST(test_silent_agent),
                TEST(test_agent_that_does_not_read),
                TEST(test_large_call),
                TEST(test_nobody_there),
                TEST(test_foreign_agent),
                TEST(test_path_too_long),
                TEST(test_full_queue),
                TEST(test_descriptor_is_not_inherited),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
