/* Each waiter is told once, whatever the others do meanwhile. */

#include "tests/unit/unit.h"

#include "tests/unit/callers.h"

static struct list waiters = {&waiters, &waiters};
static struct caller a, b, c;

static int set_up(void **state) {
        caller_init(&a);
        caller_init(&b);
        caller_init(&c);
        waiter_join(&a.waiter, &waiters, caller_told);
        waiter_join(&b.waiter, &waiters, caller_told);
        return 0;
}

static int tear_down(void **state) {
        caller_deinit(&a);
        caller_deinit(&b);
        caller_deinit(&c);
        return 0;
}

static void test_told_once(void **state) {
        struct fault fault = {.r = AGENT_ERROR_UNAVAILABLE};

        waiter_tell_all(&waiters, &fault);
        waiter_tell_all(&waiters, NULL);
        assert_told(&a, AGENT_ERROR_UNAVAILABLE);
        assert_told(&b, AGENT_ERROR_UNAVAILABLE);
        assert_true(list_is_empty(&waiters));
}

static void test_leaves(void **state) {
        waiter_leave(&a.waiter);
        waiter_leave(&a.waiter); /* once more is allowed */
        waiter_leave(&c.waiter); /* and without ever having joined */
        waiter_tell_all(&waiters, NULL);
        assert_int_equal(a.n_told, 0);
        assert_told(&b, 0);
        waiter_leave(&b.waiter);
}

static void test_one_drops_another(void **state) {
        a.then = caller_drop_other;
        a.other = &b;
        waiter_tell_all(&waiters, NULL);
        assert_told(&a, 0);
        assert_int_equal(b.n_told, 0);
}

static void join_another_list(struct caller *caller) {
        static struct list others = {&others, &others};

        waiter_join(&caller->waiter, &others, caller_told);
}

static void test_waits_anew(void **state) {
        a.then = join_another_list;
        waiter_tell_all(&waiters, NULL);
        assert_told(&a, 0);
        assert_told(&b, 0);
        assert_false(list_is_empty(&a.waiter.link));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_told_once),
                TEST(test_leaves),
                TEST(test_one_drops_another),
                TEST(test_waits_anew),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
