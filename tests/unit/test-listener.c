#include "tests/unit/unit.h"

#include <sys/resource.h>

#include "daemon/base/turn.h"
#include "tests/unit/door.h"

enum { CROWD = 40, KEPT = LISTENER_DESCRIPTORS_KEPT };

static void door_reopen(uint64_t descriptor_limit) {
        door_close();
        door_open(descriptor_limit);
}

/* Who is in is served between them. */
static void test_few_accepted_a_round(void **state) {
        int fds[CROWD], inside = knock();

        settle();
        for (int i = 0; i < CROWD; i++)
                fds[i] = knock();
        say(inside, ECHO_CALL("x"));
        door.echo_usec = TURN_USEC;
        assert_true(sd_event_run(door.event, 0) > 0);
        assert_heard(inside, ECHO_REPLY("x"));
        assert_int_equal(listener_connections(door.listener), 1 + LISTENER_ACCEPTS_A_ROUND);
        settle();
        assert_int_equal(listener_connections(door.listener), 1 + CROWD);
        close(inside);

        for (int i = 0; i < CROWD; i++)
                close(fds[i]);
        settle();
        assert_int_equal(listener_connections(door.listener), 0);
}

static void test_most_connections(void **state) {
        assert_int_equal(listener_connections_max(door.listener), LISTENER_CONNECTIONS_MAX);
        door_reopen(LISTENER_CONNECTIONS_MAX + KEPT - 1);
        assert_int_equal(listener_connections_max(door.listener), LISTENER_CONNECTIONS_MAX - 1);
        door_reopen(KEPT + 3);
        assert_int_equal(listener_connections_max(door.listener), 3);
        door_reopen(10);
        assert_int_equal(listener_connections_max(door.listener), 1);
}

static bool is_served(int fd) {
        const char *heard;

        if (send(fd, ECHO_CALL("x"), sizeof(ECHO_CALL("x")), MSG_NOSIGNAL) < 0)
                return false;
        settle();
        heard = hear(fd);
        return streq(heard, ECHO_REPLY("x"));
}

/* When the house is full, whoever has been idle for the longest makes room for who comes. */
static void test_full_of_idle(void **state) {
        int fds[5];

        door_reopen(KEPT + 3);
        for (size_t i = 0; i < 3; i++)
                fds[i] = knock();
        settle();
        assert_true(is_served(fds[0]));

        fds[3] = knock();
        assert_true(is_served(fds[3]));
        assert_true(is_shut(fds[1]));
        fds[4] = knock();
        assert_true(is_served(fds[4]));
        assert_true(is_shut(fds[2]));
        assert_true(is_served(fds[0]));
        assert_int_equal(listener_connections(door.listener), 3);
        close_all(fds, ARRAY_SIZE(fds));
}

/* One that has begun to say something is idle, too, but goes last; one that has called is not. */
static void test_full_of_halves(void **state) {
        static const char call[] = ECHO_CALL("x");
        int fds[6];

        door_reopen(KEPT + 3);
        for (size_t i = 0; i < 3; i++) {
                fds[i] = knock();
                settle();
                if (i < 2)
                        say_n(fds[i], call, 20);
        }
        settle();

        fds[3] = knock();
        settle();
        assert_true(is_shut(fds[2]));
        say(fds[3], CALL("Later", "{}"));
        settle();
        fds[4] = knock();
        settle();
        assert_true(is_shut(fds[0]));

        say(fds[4], ECHO_CALL("x"));
        say_n(fds[1], call + 20, sizeof(call) - 20);
        fds[5] = knock(); /* all are busy when it comes, whatever is looked at first */
        settle();
        assert_heard(fds[1], ECHO_REPLY("x"));
        assert_heard(fds[4], ECHO_REPLY("x"));
        answer("{}");
        settle();
        close_all(fds, ARRAY_SIZE(fds));
}

/* Who comes while all are being served is refused at once, and may come again. */
static void test_full_of_busy(void **state) {
        int fds[3];

        door_reopen(KEPT + 2);
        for (size_t i = 0; i < 2; i++) {
                fds[i] = knock();
                say(fds[i], CALL("Later", "{}"));
        }
        settle();
        fds[2] = knock();
        settle();
        assert_true(is_shut(fds[2]));
        close(fds[2]);

        answer("{}");
        settle();
        assert_heard(fds[0], REPLY("{}"));
        fds[2] = knock();
        assert_true(is_served(fds[2]));
        assert_true(is_shut(fds[0]));
        answer("{}");
        settle();
        assert_heard(fds[1], REPLY("{}"));
        close_all(fds, ARRAY_SIZE(fds));
}

/* A reader is given time; one that does not read is not. */
static void test_full_of_unread(void **state) {
        int fds[3];

        door_reopen(KEPT + 2);
        for (size_t i = 0; i < 2; i++) {
                fds[i] = knock();
                say(fds[i], CALL("Large", "{\"size\":1000000}"));
                settle();
        }
        fake_sleep(9);
        fds[2] = knock();
        settle();
        assert_true(is_shut(fds[2]));
        close(fds[2]);

        for (size_t i = 0; i < 30; i++) { /* the first one does read */
                (void)hear(fds[0]);
                settle();
        }
        fake_sleep(1);
        fds[2] = knock();
        assert_true(is_served(fds[2]));
        read_until_shut(fds[1]);
        close_all(fds, ARRAY_SIZE(fds));
}

/* What is answered at the end may be too much, too: who is given up for it is let go like anyone. */
static void test_end_with_too_much_unread(void **state) {
        enum { SLOW = 4, LAST = 12000000 };
        _cleanup_(freep) char *last = calloc(1, LAST + 1);
        int fds[1 + SLOW];

        assert_non_null(last);
        memset(last, ' ', LAST);
        memcpy(last, "{}", 2);
        fds[0] = knock();
        say(fds[0], CALL("Later", "{}"));
        settle();
        for (size_t i = 1; i <= SLOW; i++) {
                fds[i] = knock();
                say(fds[i], CALL("Large", "{\"size\":15000000}"));
                settle();
        }

        answer(last);
        door_close();
        for (size_t i = 0; i <= SLOW; i++) {
                read_until_shut(fds[i]);
                close(fds[i]);
        }
}

/* What it has sent may not have been looked at yet. */
static void test_full_of_unheard(void **state) {
        int fds[3];

        door_reopen(KEPT + 2);
        for (size_t i = 0; i < 2; i++) {
                fds[i] = knock();
                settle();
        }
        fds[2] = knock();
        assert_int_equal(sd_event_prepare(door.event), 0);
        assert_true(sd_event_wait(door.event, 0) > 0);
        say(fds[0], ECHO_CALL("x"));
        assert_true(sd_event_dispatch(door.event) > 0);
        settle();
        assert_heard(fds[0], ECHO_REPLY("x"));
        assert_true(is_shut(fds[1]));
        assert_true(is_served(fds[2]));
        close_all(fds, ARRAY_SIZE(fds));
}

static void test_other_user(void **state) {
        int fd = knock();

        say(fd, ECHO_CALL("x"));
        door.euid_offset = 1;
        settle();
        assert_true(is_shut(fd));
        assert_int_equal(door.handled, 0);
        assert_int_equal(listener_connections(door.listener), 0);
        close(fd);

        door.euid_offset = 0;
        fd = knock();
        say(fd, ECHO_CALL("x"));
        settle();
        assert_heard(fd, ECHO_REPLY("x"));
        close(fd);
}

/* No descriptor is left to accept with. */
static void exhaust(const struct rlimit *limit) {
        const struct rlimit none = {0, limit->rlim_max};

        assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
        settle(); /* does not try again and again */
        assert_int_equal(listener_connections(door.listener), 0);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, limit), 0);
}

/* An idle connection's is as good as any. */
static void test_descriptor_of_the_idle(void **state) {
        struct rlimit limit, low;
        int fds[3];

        assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
        fds[0] = knock();
        settle();
        fds[1] = knock();
        settle();
        fds[2] = knock();
        low = (struct rlimit){(rlim_t)fds[2] + 1, limit.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
        settle();
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        assert_true(is_shut(fds[0]));
        assert_true(is_served(fds[1]));
        assert_true(is_served(fds[2]));
        close_all(fds, ARRAY_SIZE(fds));
}

/* Accepting pauses for a second, which is still to come. */
static void test_no_descriptors(void **state) {
        struct rlimit limit;
        int fd = knock();

        assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
        fake_boottime = USEC_INFINITY / 2;
        exhaust(&limit);
        settle();
        assert_int_equal(listener_connections(door.listener), 0);
        close(fd);
}

/* The same second, long ago. */
static void test_descriptors_again(void **state) {
        struct rlimit limit, none;
        int fd;

        assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
        none = (struct rlimit){0, limit.rlim_max};
        fake_boottime = 0;
        settle();
        fd = knock();
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
        assert_true(sd_event_run(door.event, 0) > 0);
        assert_int_equal(listener_connections(door.listener), 0);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        assert_true(sd_event_run(door.event, USEC_PER_SEC) > 0);
        settle();
        assert_int_equal(listener_connections(door.listener), 1);
        close(fd);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_door, teardown_door)
        const struct CMUnitTest tests[] = {
                TEST(test_few_accepted_a_round),     TEST(test_most_connections), TEST(test_full_of_idle),
                TEST(test_full_of_halves),           TEST(test_full_of_busy),     TEST(test_full_of_unread),
                TEST(test_end_with_too_much_unread), TEST(test_full_of_unheard),  TEST(test_other_user),
                TEST(test_descriptor_of_the_idle),   TEST(test_no_descriptors),   TEST(test_descriptors_again),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
