/* How many calls are answered before others have their turn: other peers, and the rest of the loop. */

#include "tests/unit/unit.h"

#include "daemon/base/turn.h"
#include "tests/unit/door.h"

static void test_sixteen_calls_a_turn(void **state) {
        enum { CALLS = 40, TURN = 16 };
        int crowd = knock(), other = knock();
        size_t before = 0, most = 0;

        settle();
        door.echo_usec = TURN_USEC / (TURN + 1) + 1;
        for (int i = 0; i < CALLS; i++)
                say(crowd, ECHO_CALL("c"));
        say(other, ECHO_CALL("o"));

        while (sd_event_run(door.event, 0) > 0) {
                most = MAX(most, door.handled - before);
                before = door.handled;
        }
        assert_int_equal(door.handled, CALLS + 1);
        assert_int_equal(most, TURN + 1); /* the other one's is of the same wake-up */
        assert_true(strchr(door.order, 'o') - door.order <= TURN);
        assert_heard(other, ECHO_REPLY("o"));
        close(crowd);
        close(other);
}

/* While there is time, who has more to do is served again and again, sixteen calls at once. */
static void test_rounds_of_a_turn(void **state) {
        enum { CALLS = 40, ROUND = 16 };
        int crowd = knock(), other = knock();

        settle();
        for (int i = 0; i < CALLS; i++)
                say(crowd, ECHO_CALL("c"));
        for (int i = 0; i < ROUND + 1; i++)
                say(other, ECHO_CALL("o"));

        assert_true(sd_event_run(door.event, 0) > 0);
        assert_int_equal(door.handled, CALLS + ROUND + 1);
        assert_int_equal(strspn(strpbrk(door.order, "o"), "o"), ROUND);
        close(crowd);
        close(other);
}

/* Calls that take long are fewer a turn, of all peers together; but everyone's turn comes. */
static void test_slow_calls_a_turn(void **state) {
        enum { CALLS = 10, A_TURN = 2 };
        int crowd = knock(), other = knock();

        settle();
        door.echo_usec = TURN_USEC / A_TURN;
        for (int i = 0; i < CALLS; i++)
                say(crowd, ECHO_CALL("c"));
        say(other, ECHO_CALL("o"));
        say(other, ECHO_CALL("o"));

        assert_true(sd_event_run(door.event, 0) > 0);
        assert_string_equal(door.order, "cc");
        assert_true(sd_event_run(door.event, 0) > 0);
        assert_string_equal(door.order, "ccoo");
        settle();
        assert_int_equal(door.handled, CALLS + 2);
        close(crowd);
        close(other);
}

/* Nor does it keep who comes later from its turn, nor another source of the loop. */
static void test_many_calls_and_others(void **state) {
        enum { CALLS = 1000, TURN = 16 };
        static char calls[CALLS * sizeof(ECHO_CALL("c"))];
        int crowd = knock(), other = knock();

        settle();
        for (size_t i = 0; i < CALLS; i++)
                memcpy(calls + i * sizeof(ECHO_CALL("c")), ECHO_CALL("c"), sizeof(ECHO_CALL("c")));
        say_n(crowd, calls, sizeof(calls));
        door.echo_usec = TURN_USEC / TURN;
        assert_true(sd_event_run(door.event, 0) > 0);
        assert_int_equal(door.handled, TURN);
        say(other, ECHO_CALL("o"));
        close(knock());
        assert_true(sd_event_run(door.event, 0) > 0);
        assert_true(sd_event_run(door.event, 0) > 0);
        assert_int_equal(listener_connections(door.listener), 3);
        assert_true(sd_event_run(door.event, 0) > 0);
        assert_in_range(strchr(door.order, 'o') - door.order, TURN, 3 * TURN);

        assert_heard(other, ECHO_REPLY("o"));
        close(crowd);
        close(other);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_door, teardown_door)
        const struct CMUnitTest tests[] = {
                TEST(test_sixteen_calls_a_turn),
                TEST(test_rounds_of_a_turn),
                TEST(test_slow_calls_a_turn),
                TEST(test_many_calls_and_others),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
