/* How many calls are answered before others have their turn: other peers, and the rest of the loop. */

#include "tests/unit/unit.h"

#include "daemon/base/turn.h"
#include "tests/unit/door.h"

/* While there is time, who has more to do is served again and again; but nobody twice before the others. */
static void test_one_call_a_round(void **state) {
        enum { CALLS = 40 };
        int crowd = knock(), other = knock();

        settle();
        for (int i = 0; i < CALLS; i++)
                say(crowd, ECHO_CALL("c"));
        say(other, ECHO_CALL("o") "\0" ECHO_CALL("o") "\0" ECHO_CALL("o"));

        assert_true(sd_event_run(door.event, 0) > 0);
        assert_int_equal(door.handled, CALLS + 3);
        assert_memory_equal(door.order, "cocococ", 7);
        assert_heard(other, ECHO_REPLY("o") ECHO_REPLY("o") ECHO_REPLY("o"));
        close(crowd);
        close(other);
}

static int first, second;
static bool first_has_heard;

static void look_whether_first_has_heard(void) {
        char byte;

        first_has_heard |= recv(first, &byte, 1, MSG_PEEK) == 1;
}

/* So that who hears the first one does not have to be woken again for each of the others. */
static void test_replies_of_a_round(void **state) {
        first = knock();
        second = knock();
        settle();
        first_has_heard = false;
        door.on_echo = look_whether_first_has_heard;

        say(first, ECHO_CALL("1"));
        say(second, ECHO_CALL("2"));
        assert_true(sd_event_run(door.event, 0) > 0);
        assert_int_equal(door.handled, 2);
        assert_false(first_has_heard);
        assert_heard(first, ECHO_REPLY("1"));
        assert_heard(second, ECHO_REPLY("2"));
        close(first);
        close(second);
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
        assert_string_equal(door.order, "co");
        assert_heard(other, ECHO_REPLY("o"));
        assert_true(sd_event_run(door.event, 0) > 0);
        assert_string_equal(door.order, "coco");
        settle();
        assert_int_equal(door.handled, CALLS + 2);
        close(crowd);
        close(other);
}

/* Nor does it keep who comes later from its turn, nor another source of the loop. */
static void test_many_calls_and_others(void **state) {
        enum { CALLS = 1000, TURN = 16 };
        static char calls[CALLS * sizeof(ECHO_CALL("c"))];
        int crowd = knock(), other = knock(), late;

        settle();
        for (size_t i = 0; i < CALLS; i++)
                memcpy(calls + i * sizeof(ECHO_CALL("c")), ECHO_CALL("c"), sizeof(ECHO_CALL("c")));
        say_n(crowd, calls, sizeof(calls));
        door.echo_usec = TURN_USEC / TURN;
        assert_true(sd_event_run(door.event, 0) > 0);
        assert_int_equal(door.handled, TURN);
        say(other, ECHO_CALL("o"));
        late = knock();
        assert_true(sd_event_run(door.event, 0) > 0);
        assert_int_equal(listener_connections(door.listener), 3);
        assert_in_range(strchr(door.order, 'o') - door.order, TURN, TURN + 1);

        assert_heard(other, ECHO_REPLY("o"));
        close(late);
        close(crowd);
        close(other);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_door, teardown_door)
        const struct CMUnitTest tests[] = {
                TEST(test_one_call_a_round),
                TEST(test_replies_of_a_round),
                TEST(test_slow_calls_a_turn),
                TEST(test_many_calls_and_others),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
