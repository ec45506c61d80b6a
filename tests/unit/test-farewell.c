/* The end of the door: what is still answered, and what is not. */

#include "tests/unit/unit.h"

#include <pthread.h>

#include "tests/unit/door.h"

/* What has come is read once and answered, in order; who has not been let in by then is left alone. */
static void test_stop_answers_what_has_come(void **state) {
        enum { CALLS = 50 };
        static char calls[CALLS * sizeof(ECHO_CALL("c"))];
        int asks = knock(), many = knock(), waits = knock(), late;

        say(waits, CALL("Later", "{}"));
        settle();
        say(asks, ECHO_CALL("1") "\0" ECHO_CALL("2") "\0{");
        for (size_t i = 0; i < CALLS; i++)
                memcpy(calls + i * sizeof(ECHO_CALL("c")), ECHO_CALL("c"), sizeof(ECHO_CALL("c")));
        say_n(many, calls, sizeof(calls));
        late = knock();
        say(late, ECHO_CALL("l"));

        listener_stop(door.listener);
        assert_heard(asks, ECHO_REPLY("1") ECHO_REPLY("2"));
        assert_int_equal(strlen(hear(many)), CALLS * strlen(ECHO_REPLY("c")));
        assert_heard(waits, "");
        assert_heard(late, "");
        settle();
        assert_heard(late, "");
        assert_int_equal(door.handled, CALLS + 2);
        answer("{\"x\":1}"); /* until the very end */
        settle();
        assert_heard(waits, REPLY("{\"x\":1}"));

        close(late);
        close_all((int[]){asks, many, waits}, 3);
}

/* Neither Stopping, which means that nothing was done, nor any other answer would be right. */
static void test_stop_in_the_middle_of_what_has_effects(void **state) {
        int committed = knock(), other = knock();

        say(committed, CALL("LaterKeeps", "{}") "\0" ECHO_CALL("x"));
        say(other, ECHO_CALL("o"));
        settle();
        assert_heard(other, ECHO_REPLY("o"));

        listener_stop(door.listener);
        door_close();
        assert_int_equal(door.cancelled, 1);
        assert_heard(committed, "");
        assert_true(is_shut(committed) && is_shut(other));
        close(committed);
        close(other);
        door_open(DESCRIPTORS);
}

static void *read_slowly(void *fd) {
        static size_t n;
        static char bytes[65536];
        ssize_t got;

        usleep(20000); /* the listener is being freed, as a rule */
        for (n = 0; (got = read(*(int *)fd, bytes, sizeof(bytes))) > 0; n += (size_t)got)
                usleep(100);
        return &n;
}

/* A long answer is sent to its end, if somebody reads. */
static void test_stop_with_a_long_answer(void **state) {
        enum { SIZE = 3000000 };
        static const char asked[] = CALL("Large", "{\"size\":3000000}");
        int reads = knock(), deaf = knock();
        pthread_t reader;
        size_t *n;

        say_n(reads, asked, sizeof(asked));
        say_n(deaf, asked, sizeof(asked));
        settle();
        assert_int_equal(fcntl(reads, F_SETFL, 0), 0);
        assert_int_equal(pthread_create(&reader, NULL, read_slowly, &reads), 0);
        listener_stop(door.listener);
        door_close();
        assert_int_equal(pthread_join(reader, (void **)&n), 0);
        assert_int_equal(*n, SIZE + strlen(REPLY("")));

        read_until_shut(deaf);
        close(reads);
        close(deaf);
        door_open(DESCRIPTORS);
}

static void assert_stopping(int fd) {
        static const char stopping[] = "{\"error\":\"org.globus.Agent.Stopping\",";

        assert_memory_equal(hear(fd), stopping, strlen(stopping));
}

/* At the end everybody who waits hears so, but for those who want to hear nothing. */
static void test_stopping(void **state) {
        int asks = knock(), idle = knock(), oneway = knock(), gate = knock();

        door.store_opening = true;
        say(asks, CALL("Later", "{}") "\0" ECHO_CALL("x"));
        say(oneway, "{\"method\":\"org.globus.Agent.Later\",\"oneway\":true}");
        say(gate, CALL("EchoStore", "{\"text\":\"x\"}"));
        settle();
        door_close();
        assert_int_equal(door.cancelled, 2);
        assert_true(list_is_empty(&door.store_waiters));

        assert_stopping(asks);
        assert_stopping(gate);
        assert_heard(oneway, "");
        assert_true(is_shut(asks) && is_shut(idle) && is_shut(oneway) && is_shut(gate));
        assert_int_equal(door.handled, 0);
        close(asks);
        close(idle);
        close(oneway);
        close(gate);
        door_open(DESCRIPTORS);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_door, teardown_door)
        const struct CMUnitTest tests[] = {
                TEST(test_stop_answers_what_has_come),
                TEST(test_stop_in_the_middle_of_what_has_effects),
                TEST(test_stop_with_a_long_answer),
                TEST(test_stopping),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
