#include "tests/unit/unit.h"

#include "tests/unit/door.h"

static void test_one_call(void **state) {
        int fd = knock();

        say(fd, ECHO_CALL("hello"));
        settle();
        assert_heard(fd, ECHO_REPLY("hello"));
        settle();
        assert_heard(fd, "");
        assert_false(is_shut(fd));
        close(fd);
}

static void test_half_a_call(void **state) {
        static const char text[] = ECHO_CALL("slow") "\0" ECHO_CALL("next");
        int fd = knock();

        for (size_t i = 0; i < sizeof(text); i++) {
                if (i < sizeof(ECHO_CALL("slow")))
                        assert_int_equal(door.handled, 0);
                say_n(fd, text + i, 1);
                settle();
        }
        assert_heard(fd, ECHO_REPLY("slow") ECHO_REPLY("next"));
        close(fd);
}

/* What is answered later keeps what is answered at once waiting. */
static void test_order(void **state) {
        int fd = knock();

        say(fd, ECHO_CALL("1") "\0" CALL("Later", "{}") "\0" ECHO_CALL("3") "\0" CALL(
                        "Later", "{}") "\0" ECHO_CALL("5"));
        settle();
        assert_heard(fd, ECHO_REPLY("1"));
        assert_int_equal(door.handled, 1);

        answer("{\"text\":\"2\"}");
        settle();
        assert_heard(fd, ECHO_REPLY("2") ECHO_REPLY("3"));

        answer("{\"text\":\"4\"}");
        settle();
        assert_heard(fd, ECHO_REPLY("4") ECHO_REPLY("5"));
        close(fd);
}

/* While one is answered, no other of the same peer is even read. */
static void test_one_at_a_time(void **state) {
        int fd = knock();

        say(fd, CALL("Later", "{}"));
        settle();
        say(fd, CALL("Later", "{}") "\0" ECHO_CALL("x"));
        settle();
        answer("{}");
        assert_true(
                list_is_empty(&door.pending)); /* taken up from the loop, not below the first one's answer */
        settle();
        assert_heard(fd, REPLY("{}"));
        answer("{}");
        settle();
        assert_heard(fd, REPLY("{}") ECHO_REPLY("x"));
        close(fd);
}

#define ONEWAY(name, parameters)                                                                               \
        "{\"method\":\"org.globus.Agent." name "\",\"oneway\":true,\"parameters\":" parameters "}"

static void test_oneway(void **state) {
        int fd = knock();

        say(fd, ONEWAY("Echo", "{\"text\":\"q\"}") "\0" ECHO_CALL("1") "\0" ONEWAY("Fail", "{}") "\0" ONEWAY(
                        "Nothing", "{}") "\0" ONEWAY("Echo", "{\"text\":5}") "\0" ECHO_CALL("2"));
        settle();
        assert_heard(fd, ECHO_REPLY("1") ECHO_REPLY("2"));
        assert_string_equal(door.order, "q12");

        say(fd, ONEWAY("Later", "{}") "\0" ECHO_CALL("4"));
        settle();
        assert_heard(fd, "");
        answer("{\"x\":3}");
        settle();
        assert_heard(fd, ECHO_REPLY("4"));
        close(fd);
}

/* Its call is given up, and so is the one behind. */
static void test_vanishes(void **state) {
        int fd = knock();

        say(fd, CALL("Later", "{}") "\0" ECHO_CALL("x"));
        settle();
        assert_false(list_is_empty(&door.pending));
        close(fd);
        settle();
        assert_int_equal(door.cancelled, 1);
        assert_int_equal(listener_connections(door.listener), 0);
        assert_int_equal(door.handled, 0);
}

/* It sends no more, but it still listens. */
static void test_half_closed(void **state) {
        int fd = knock();

        say(fd, CALL("Later", "{}") "\0" ECHO_CALL("x"));
        shutdown(fd, SHUT_WR);
        settle();
        assert_int_equal(door.cancelled, 0);
        answer("{}");
        settle();
        assert_heard(fd, REPLY("{}") ECHO_REPLY("x"));
        assert_true(is_shut(fd));
        assert_int_equal(listener_connections(door.listener), 0);
        close(fd);
}

static size_t send_until_full(int fd) {
        static const char text[] = ECHO_CALL("z");
        size_t n = 0;

        while (send(fd, text, sizeof(text), MSG_NOSIGNAL) == (ssize_t)sizeof(text))
                n++;
        return n;
}

static size_t read_all(int fd) {
        static char bytes[65536];
        size_t total = 0;
        ssize_t n;

        do {
                n = recv(fd, bytes, sizeof(bytes), 0);
                total += (size_t)MAX(n, 0);
                settle();
        } while (n > 0);
        return total;
}

static void test_does_not_read(void **state) {
        static const char asked[] = CALL("Large", "{\"size\":1000000}");
        int deaf = knock(), other = knock();
        size_t n;

        say_n(deaf, asked, sizeof(asked));
        settle();
        n = send_until_full(deaf);
        assert_true(n > 0);
        settle();
        assert_int_equal(send_until_full(deaf), 0);
        assert_int_equal(door.handled, 0);

        say(other, ECHO_CALL("o"));
        settle();
        assert_heard(other, ECHO_REPLY("o"));

        assert_int_equal(read_all(deaf), strlen(REPLY("")) + 1000000 + n * strlen(ECHO_REPLY("z")));
        assert_int_equal(door.handled, n + 1);
        close(deaf);
        close(other);
}

static void test_vanishes_unread(void **state) {
        int fd = knock();

        say(fd, CALL("Large", "{\"size\":1000000}"));
        settle();
        assert_int_equal(listener_connections(door.listener), 1);
        close(fd);
        settle();
        assert_int_equal(listener_connections(door.listener), 0);
}

static void test_malformed(void **state) {
        static const char *const texts[] = {
                "",
                "nonsense",
                "[]",
                "{}",
                "{\"method\":5}",
                "{\"method\":\"a.B\",\"parameters\":[]}",
                "{\"method\":\"a.B\",\"other\":1}",
                "{\"method\":\"a.B\",\"oneway\":true,\"more\":true}",
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                int fd = knock();

                say_n(fd, texts[i], strlen(texts[i]) + 1);
                settle();
                assert_true(is_shut(fd));
                close(fd);
        }
        assert_int_equal(listener_connections(door.listener), 0);
}

/* What came before is answered first, what comes behind is not looked at. */
static void test_malformed_behind_others(void **state) {
        int fd = knock();

        say(fd, ECHO_CALL("1") "\0" CALL("Later", "{}") "\0{'method':1}\0" ECHO_CALL("4"));
        settle();
        assert_heard(fd, ECHO_REPLY("1"));
        assert_false(is_shut(fd));
        answer("{}");
        settle();
        assert_heard(fd, REPLY("{}"));
        assert_true(is_shut(fd));
        assert_int_equal(door.handled, 1);
        close(fd);
}

/* A call of so many bytes, its NUL counted. */
static char *make_call(size_t n) {
        static const char head[] = "{\"method\":\"org.globus.Agent.Echo\",\"parameters\":{\"text\":\"",
                          tail[] = "\"}}";
        char *text = malloc(n);

        assert_non_null(text);
        memset(text, 'x', n);
        memcpy(text, head, sizeof(head) - 1);
        memcpy(text + n - sizeof(tail), tail, sizeof(tail));
        return text;
}

static void say_large(int fd, size_t n) {
        _cleanup_(freep) char *text = make_call(n);

        for (size_t sent = 0; sent < n;) {
                ssize_t part = send(fd, text + sent, n - sent, MSG_NOSIGNAL);

                if (part < 0 && errno == EPIPE)
                        return;
                assert_true(part > 0 || errno == EAGAIN);
                sent += (size_t)MAX(part, 0);
                settle();
        }
}

static void test_large_calls(void **state) {
        int fd = knock();

        say_large(fd, MESSAGE_CALL_MAX);
        assert_int_equal(door.handled, 1);
        assert_int_equal(read_all(fd), MESSAGE_CALL_MAX - strlen(ECHO_CALL("")) + strlen(ECHO_REPLY("")) - 1);

        say_large(fd, MESSAGE_CALL_MAX + 1);
        assert_int_equal(door.handled, 1);
        assert_true(is_shut(fd));
        close(fd);
}

static void ask_large(int fd, size_t size) {
        char text[128];
        int n = snprintf(text, sizeof(text), CALL("Large", "{\"size\":%zu}"),
                         size - strlen("{\"parameters\":}"));

        say_n(fd, text, (size_t)n + 1);
        settle();
}

static void test_large_replies(void **state) {
        int fd = knock();

        ask_large(fd, MESSAGE_REPLY_MAX);
        assert_int_equal(read_all(fd), MESSAGE_REPLY_MAX + 1);
        assert_int_equal(listener_connections(door.listener), 1);
        ask_large(fd, MESSAGE_REPLY_MAX + 1);
        assert_int_equal(listener_connections(door.listener), 0);
        close(fd);
}

/* The same of one that is answered later. */
static void test_large_reply_later(void **state) {
        static char json[MESSAGE_REPLY_MAX];
        int fd = knock(), other = knock();

        say(fd, CALL("Later", "{}"));
        settle();
        memset(json, '1', sizeof(json));
        reply_text(take_pending(), json, sizeof(json));
        settle();
        assert_true(is_shut(fd));
        assert_int_equal(listener_connections(door.listener), 1);
        say(other, ECHO_CALL("o"));
        settle();
        assert_heard(other, ECHO_REPLY("o"));
        close(fd);
        close(other);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_door, teardown_door)
        const struct CMUnitTest tests[] = {
                TEST(test_one_call),
                TEST(test_half_a_call),
                TEST(test_order),
                TEST(test_one_at_a_time),
                TEST(test_oneway),
                TEST(test_vanishes),
                TEST(test_half_closed),
                TEST(test_does_not_read),
                TEST(test_vanishes_unread),
                TEST(test_malformed),
                TEST(test_malformed_behind_others),
                TEST(test_large_calls),
                TEST(test_large_replies),
                TEST(test_large_reply_later),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
