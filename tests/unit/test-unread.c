/* Replies that nobody reads: how much of them waits, and who has to go when it is too much. */

#include "tests/unit/unit.h"

#include "daemon/base/turn.h"
#include "tests/unit/door.h"

enum { CROWD = 40 };

static const char large_call[] = CALL("Large", "{\"size\":16000000}");

/* Makes clients that do not read, one after the other, until the next one would be too much. */
static void fill(int *fds, size_t n) {
        for (size_t i = 0; i < n; i++) {
                fds[i] = knock();
                say_n(fds[i], large_call, sizeof(large_call));
                settle();
                fake_sleep(1);
        }
}

static void test_slowest_goes(void **state) {
        int fds[4], last = knock();

        fill(fds, ARRAY_SIZE(fds));
        assert_int_equal(listener_connections(door.listener), 5);
        say_n(last, large_call, sizeof(large_call));
        settle();
        assert_int_equal(listener_connections(door.listener), 4);
        read_until_shut(fds[0]);
        assert_true(strlen(hear(fds[1])) > 0);
        settle();
        assert_true(strlen(hear(fds[1])) > 0);
        assert_int_equal(listener_connections(door.listener), 4);

        for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
                close(fds[i]);
        close(last);
        settle();
        assert_int_equal(listener_connections(door.listener), 0);
}

/* The one that is dropped has an event in the same wake-up, behind that of the one that it is dropped for. */
static void test_dropped_with_events_to_come(void **state) {
        int fds[4], last = knock();

        fill(fds, ARRAY_SIZE(fds));
        assert_int_equal(listener_connections(door.listener), 5);
        say_n(last, large_call, sizeof(large_call));
        close(fds[0]);
        assert_true(sd_event_run(door.event, 0) > 0);
        assert_true(sd_event_run(door.event, 0) >= 0);
        settle();
        assert_int_equal(listener_connections(door.listener), 4);

        for (size_t i = 1; i < ARRAY_SIZE(fds); i++)
                close(fds[i]);
        settle();
        assert_int_equal(listener_connections(door.listener), 1);
        close(last);
}

static void make_message(struct shared **ret, size_t size) {
        struct buffer bytes = {};
        char *space;

        assert_int_equal(buffer_reserve(&bytes, size, &space), 0);
        memset(space, 'y', size);
        buffer_commit(&bytes, size);
        assert_int_equal(shared_new(ret, &bytes), 0);
}

static void tell_crowd(struct shared *message) {
        int fds[CROWD], turns = 0;

        for (int i = 0; i < CROWD; i++) {
                fds[i] = knock();
                say(fds[i], CALL("Later", "{}"));
        }
        settle();
        answer_all(message);
        fake_look_usec = TURN_USEC; /* so a turn is over soon */
        while (strlen(hear(fds[CROWD - 1])) == 0 && sd_event_run(door.event, 0) > 0)
                turns++;
        fake_look_usec = 0;
        assert_true(turns >= CROWD / LISTENER_PEERS_A_ROUND);
        settle();
        assert_int_equal(listener_connections(door.listener), CROWD);
        assert_int_equal(message->readers, CROWD);
        close_all(fds, CROWD);
        assert_int_equal(message->readers, 0);
        assert_int_equal(message->holders, 1);
}

/* A crowd that is told the same has it in memory once, and is told it in many turns. */
static void test_same_for_all(void **state) {
        _cleanup_(shared_freep) struct shared *message = NULL;

        make_message(&message, 16000000);
        for (int i = 0; i < 5; i++)
                tell_crowd(message);
}

/* Of different ones there are not too many. */
static void test_different_for_each(void **state) {
        int fds[6];

        for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
                _cleanup_(shared_freep) struct shared *message = NULL;

                make_message(&message, 16000000);
                fds[i] = knock();
                say(fds[i], CALL("Later", "{}"));
                settle();
                answer_all(message);
                settle();
        }
        assert_int_equal(listener_connections(door.listener), 4);
        read_until_shut(fds[0]);
        read_until_shut(fds[1]);
        close_all(fds, ARRAY_SIZE(fds));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_door, teardown_door)
        const struct CMUnitTest tests[] = {
                TEST(test_slowest_goes),
                TEST(test_dropped_with_events_to_come),
                TEST(test_same_for_all),
                TEST(test_different_for_each),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
