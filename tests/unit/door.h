#pragma once

/*
 * A door: a listener on a socket of the test's own, the loop behind it, and clients in front of it.
 *
 * Methods, settings and store are the test's: Echo answers at once, Later when the test says so, Fail with a
 * fault, Large with as many bytes as asked for. Include it in one file of a program.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/rpc/dispatch.h"
#include "daemon/rpc/listener.h"
#include "tests/unit/fake-clock.h"

enum { ROUNDS_MAX = 20000, DESCRIPTORS = 2048 };

struct door {
        char dir[64], path[96];
        sd_event *event;
        struct listener *listener;
        struct context context;
        struct fault problem, trouble; /* of the settings, of the store */
        bool store_opening;
        bool is_locked;
        struct list store_waiters; /* waiter.link */
        struct list pending; /* later.link: calls that wait for the test */
        size_t cancelled, handled;
        char order[256]; /* first letters of what was echoed */
        uint64_t echo_usec; /* how long it takes to echo */
        void (*on_echo)(void); /* or NULL */
        uid_t euid_offset;
};

static struct door door;

uid_t geteuid(void) {
        return (uid_t)syscall(SYS_geteuid) + door.euid_offset;
}

const struct fault *config_problem(const struct config *config) {
        return door.problem.r ? &door.problem : NULL;
}

bool lock_is_closed(const struct lock *lock) {
        return door.is_locked;
}

bool open_join(struct open *open, struct waiter *waiter, waiter_fn done) {
        if (door.store_opening)
                waiter_join(waiter, &door.store_waiters, done);

        return door.store_opening;
}

static inline void store_answers(const struct fault *fault) {
        door.store_opening = false;
        waiter_tell_all(&door.store_waiters, fault);
}

struct echo {
        char *text;
        int64_t number;
};

static const struct field echo_fields[] = {
        FIELD(struct echo, text, FIELD_STRING, FIELD_REQUIRED),
        FIELD(struct echo, number, FIELD_INT, 0),
        {},
};

static const struct echo echo_defaults = {.number = 7};

static void echo(struct call *call) {
        const struct echo *params = call->params;
        struct writer *writer;

        if (door.handled < sizeof(door.order) - 1)
                door.order[door.handled] = params->text[0];
        door.handled++;
        fake_boottime += door.echo_usec;
        if (door.on_echo)
                door.on_echo();

        writer = call_begin_reply(call);
        write_object_begin(writer);
        write_string_member(writer, "text", params->text);
        if (params->number != echo_defaults.number)
                write_int_member(writer, "number", params->number);
        write_object_end(writer);
        call_end(call);
}

struct later {
        struct list link; /* door.pending */
        struct call *call; /* borrowed */
};

static struct call *later_take(struct later *later) {
        struct call *call = later->call;

        list_unlink(&later->link);
        free(later);
        return call;
}

static void later_cancel(void *work) {
        later_take(work);
        door.cancelled++;
}

static void later(struct call *call) {
        struct later *work = calloc(1, sizeof(*work));

        assert_non_null(work);
        work->call = call;
        list_append(&door.pending, &work->link);
        call_hold(call, work, later_cancel);
}

static inline struct call *take_pending(void) {
        struct list *first = list_first(&door.pending);

        assert_non_null(first);
        return later_take(CONTAINER(first, struct later, link));
}

static void reply_text(struct call *call, const char *json, size_t n) {
        write_raw(call_begin_reply(call), json, n);
        call_end(call);
}

/* To whoever waits, the same bytes. */
static inline void answer_all(struct shared *message) {
        while (!list_is_empty(&door.pending))
                call_reply_shared(take_pending(), message);
}

static inline void answer(const char *json) {
        reply_text(take_pending(), json, strlen(json));
}

static void busy(struct call *call) {
        _cleanup_(fault_deinit) struct fault fault = {};

        (void)fault_set(&fault, AGENT_ERROR_BUSY, "too much to do");
        call_fail(call, &fault);
}

struct large {
        int64_t size;
};

static const struct field large_fields[] = {FIELD(struct large, size, FIELD_INT, FIELD_REQUIRED), {}};

/* {"x":"yyy..."} with as many bytes as asked for, in all. */
static void large(struct call *call) {
        size_t n = (size_t)((struct large *)call->params)->size;
        _cleanup_(freep) char *json = malloc(n);

        assert_non_null(json);
        memset(json, 'y', n);
        memcpy(json, "{\"x\":\"", 6);
        memcpy(json + n - 2, "\"}", 2);
        reply_text(call, json, n);
}

static const struct field no_fields[] = {{}};

#define METHOD(variable, wire_name, ...)                                                                       \
        const struct method variable = {.name = MESSAGE_INTERFACE "." wire_name, __VA_ARGS__}
#define ECHO .fields = echo_fields, .size = sizeof(struct echo), .handle = echo, .defaults = &echo_defaults

METHOD(method_get_token, "Echo", ECHO);
METHOD(method_get_identity, "EchoSettings", ECHO, .flags = METHOD_NEEDS_SETTINGS);
METHOD(method_get_status, "EchoStore", ECHO, .flags = METHOD_NEEDS_STORE);
METHOD(method_start_login, "EchoBoth", ECHO, .flags = METHOD_NEEDS_SETTINGS | METHOD_NEEDS_STORE | METHOD_ONCE);
METHOD(method_lock, "EchoSecrets", ECHO, .flags = METHOD_NEEDS_STORE | METHOD_NEEDS_SECRETS);
METHOD(method_unlock, "LaterSecrets", .fields = no_fields, .handle = later, .flags = METHOD_NEEDS_SECRETS);
METHOD(method_set_key, "LaterKeeps", .fields = no_fields, .handle = later,
       .flags = METHOD_KEEPS_SECRETS | METHOD_ONCE);
METHOD(method_list_groups, "Later", .fields = no_fields, .handle = later);
METHOD(method_logout, "Fail", .fields = no_fields, .handle = busy);
METHOD(method_finish_login, "Large", .fields = large_fields, .size = sizeof(struct large), .handle = large);
METHOD(method_cancel_login, "Empty", .fields = no_fields, .handle = call_reply_empty);

/* Until nothing is left to do: a loop that spins fails here. */
static inline void settle(void) {
        int rounds = 0, r;

        while ((r = sd_event_run(door.event, 0)) > 0)
                assert_true(++rounds < ROUNDS_MAX);
        assert_int_equal(r, 0);
}

static inline void door_open(uint64_t descriptor_limit) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        strcpy(address.sun_path, door.path);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(fd, 100), 0);
        assert_int_equal(listener_new(&door.listener, door.event, &door.context, fd, descriptor_limit), 0);
}

static inline void door_close(void) {
        door.listener = listener_free(door.listener);
        unlink(door.path);
}

static inline int setup_door(void **state) {
        door = (struct door){.dir = "/tmp/globus-agent-test-XXXXXX"};
        fake_boottime = 1000 * USEC_PER_SEC;
        fake_look_usec = 0;
        list_init(&door.store_waiters);
        list_init(&door.pending);
        assert_non_null(mkdtemp(door.dir));
        snprintf(door.path, sizeof(door.path), "%s/socket", door.dir);
        assert_true(sd_event_new(&door.event) >= 0);
        door_open(DESCRIPTORS);
        return 0;
}

/* Nothing may be left of any call. */
static inline int teardown_door(void **state) {
        door_close();
        assert_true(list_is_empty(&door.pending));
        assert_true(list_is_empty(&door.store_waiters));
        sd_event_unref(door.event);
        fault_deinit(&door.problem);
        fault_deinit(&door.trouble);
        return rmdir(door.dir);
}

/* A client; its end does not wait either. */
static inline int knock(void) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        strcpy(address.sun_path, door.path);
        assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        return fd;
}

static inline void say_n(int fd, const char *text, size_t n) {
        assert_int_equal(send(fd, text, n, MSG_NOSIGNAL), n);
}

/* Messages with a NUL between any two, and one behind the last. */
#define say(fd, literal) say_n(fd, literal, sizeof(literal))

#define CALL(name, parameters) "{\"method\":\"org.globus.Agent." name "\",\"parameters\":" parameters "}"
#define ECHO_CALL(text) CALL("Echo", "{\"text\":\"" text "\"}")
#define REPLY(parameters) "{\"parameters\":" parameters "}\n"
#define ECHO_REPLY(text) REPLY("{\"text\":\"" text "\"}")

/* What has come, a line a message. */
static inline const char *hear(int fd) {
        static char heard[16384];
        ssize_t n = recv(fd, heard, sizeof(heard) - 1, 0);

        n = MAX(n, 0);
        heard[n] = '\0';
        for (ssize_t i = 0; i < n; i++)
                if (heard[i] == '\0')
                        heard[i] = '\n';

        return heard;
}

#define assert_heard(fd, expected) assert_string_equal(hear(fd), expected)

/* Nothing more will come. */
static inline bool is_shut(int fd) {
        char byte;
        ssize_t n = recv(fd, &byte, 1, 0);

        return n == 0 || (n < 0 && errno == ECONNRESET);
}

static inline void read_until_shut(int fd) {
        static char bytes[65536];

        while (recv(fd, bytes, sizeof(bytes), 0) > 0)
                ;
        assert_true(is_shut(fd));
}

static inline void close_all(const int *fds, size_t n) {
        for (size_t i = 0; i < n; i++)
                close(fds[i]);
        settle();
        assert_int_equal(listener_connections(door.listener), 0);
}
