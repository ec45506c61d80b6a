#include "tests/unit/unit.h"

#include <errno.h>

#include "proto/buffer.h"
#include "tests/unit/wiped.h"

static void assert_bytes(const struct buffer *buffer, const char *expected) {
        assert_int_equal(buffer_size(buffer), strlen(expected));
        assert_memory_equal(buffer_bytes(buffer), expected, strlen(expected));
}

static void test_empty(void **state) {
        struct buffer buffer = {};

        assert_int_equal(buffer_size(&buffer), 0);
        assert_null(buffer_bytes(&buffer));
        assert_int_equal(buffer_append(&buffer, NULL, 0), 0);
        assert_null(buffer.data);
        buffer_consume(&buffer, 0);
        buffer_clear(&buffer);
        buffer_deinit(&buffer);
}

static void test_appends_and_consumes(void **state) {
        struct buffer buffer = {};

        assert_int_equal(buffer_append_string(&buffer, "hello "), 0);
        assert_int_equal(buffer_append(&buffer, "world!", 5), 0);
        assert_bytes(&buffer, "hello world");

        buffer_consume(&buffer, 6);
        assert_bytes(&buffer, "world");
        assert_int_equal(buffer_append_string(&buffer, "s"), 0);
        assert_bytes(&buffer, "worlds");

        buffer_consume(&buffer, 6);
        assert_int_equal(buffer_size(&buffer), 0);
        buffer_deinit(&buffer);
}

static void test_reserves(void **state) {
        struct buffer buffer = {};
        char *space;

        assert_int_equal(buffer_reserve(&buffer, 10000, &space), 0);
        assert_true(buffer.allocated - buffer.end >= 10000);
        assert_int_equal(buffer_size(&buffer), 0);
        memcpy(space, "abc", 3);
        buffer_commit(&buffer, 3);
        assert_bytes(&buffer, "abc");

        assert_int_equal(buffer_reserve(&buffer, SIZE_MAX, &space), -ENOMEM);
        assert_int_equal(buffer_reserve(&buffer, SIZE_MAX / 2, &space), -ENOMEM);
        assert_bytes(&buffer, "abc");
        buffer_deinit(&buffer);
}

static void test_wipes_what_it_consumes(void **state) {
        struct buffer buffer = {};

        assert_int_equal(buffer_append_string(&buffer, "secret and rest"), 0);
        buffer_consume(&buffer, 6);
        assert_memory_equal(buffer.data, "\0\0\0\0\0\0 and rest", 15);
        buffer_deinit(&buffer);
}

static void test_wipes_when_it_grows(void **state) {
        struct buffer buffer = {};
        uintptr_t old;
        char *space;

        assert_int_equal(buffer_append_string(&buffer, "secret"), 0);
        old = (uintptr_t)buffer.data;
        wiped_forget();
        assert_int_equal(buffer_reserve(&buffer, 100000, &space), 0);
        assert_true(wiped_includes(old, 6));
        assert_bytes(&buffer, "secret");

        old = (uintptr_t)buffer.data;
        wiped_forget();
        buffer_clear(&buffer);
        assert_true(wiped_includes(old, 6));
        assert_null(buffer.data);
        assert_int_equal(buffer.allocated, 0);
}

/* Without a copy, nor what was consumed in front of it coming back. */
static void test_grows_large(void **state) {
        struct buffer buffer = {};
        uintptr_t old;
        char *space;

        assert_int_equal(buffer_reserve(&buffer, 1000000, &space), 0);
        memset(space, 'x', 1000000);
        buffer_commit(&buffer, 1000000);
        buffer_consume(&buffer, 10);
        memcpy(buffer_bytes(&buffer), "first", 5);

        wiped_forget();
        assert_int_equal(buffer_reserve(&buffer, 5000000, &space), 0);
        assert_int_equal(wiped_count, 0);
        memset(space, 'y', 5000000);
        buffer_commit(&buffer, 5000000);
        assert_int_equal(buffer_size(&buffer), 5999990);
        assert_memory_equal(buffer_bytes(&buffer), "firstx", 6);
        assert_memory_equal(buffer_bytes(&buffer) + 999989, "xy", 2);
        assert_int_equal(buffer_bytes(&buffer)[5999989], 'y');
        assert_int_equal(buffer_reserve(&buffer, SIZE_MAX / 5, &space), -ENOMEM);
        assert_memory_equal(buffer_bytes(&buffer), "firstx", 6);

        old = (uintptr_t)buffer_bytes(&buffer);
        buffer_clear(&buffer);
        assert_true(wiped_includes(old, 5999990));
        assert_null(buffer.data);
}

/* What was consumed in front makes room behind, and moving leaves no copy. */
static void test_wipes_when_it_moves(void **state) {
        struct buffer buffer = {};
        size_t allocated;
        char *space;

        assert_int_equal(buffer_reserve(&buffer, 1000, &space), 0);
        allocated = buffer.allocated;
        memset(space, 'x', allocated);
        buffer_commit(&buffer, allocated);
        memcpy(buffer.data + allocated - 6, "secret", 6);
        buffer_consume(&buffer, allocated - 6);

        assert_int_equal(buffer_reserve(&buffer, allocated - 6, &space), 0);
        assert_int_equal(buffer.allocated, allocated);
        assert_bytes(&buffer, "secret");
        for (size_t i = 6; i < allocated; i++)
                assert_int_equal(buffer.data[i], 0);

        buffer_deinit(&buffer);
}

/* More than half of it in use: moving for each byte would take quadratic time. */
static void test_does_not_move_for_little(void **state) {
        struct buffer buffer = {};
        size_t allocated;
        char *space;

        assert_int_equal(buffer_reserve(&buffer, 1000, &space), 0);
        allocated = buffer.allocated;
        memset(space, 'x', allocated);
        buffer_commit(&buffer, allocated);
        buffer_consume(&buffer, 1);

        assert_int_equal(buffer_append_string(&buffer, "y"), 0);
        assert_true(buffer.allocated >= 2 * (allocated - 1));
        assert_int_equal(buffer_size(&buffer), allocated);
        assert_memory_equal(buffer_bytes(&buffer) + allocated - 2, "xy", 2);
        buffer_deinit(&buffer);
}

static void test_swaps(void **state) {
        struct buffer a = {}, b = {};

        assert_int_equal(buffer_append_string(&a, "a"), 0);
        buffer_swap(&a, &b);
        assert_int_equal(buffer_size(&a), 0);
        assert_bytes(&b, "a");
        buffer_deinit(&a);
        buffer_deinit(&b);
}

/* As many bytes as a large reply has, in small pieces: growth has to be geometric. */
static void test_grows_geometrically(void **state) {
        struct buffer buffer = {};
        size_t moves = 0;
        char *last = NULL;

        for (size_t i = 0; i < 200000; i++) {
                assert_int_equal(buffer_append(&buffer, "0123456789", 10), 0);
                moves += buffer.data != last;
                last = buffer.data;
        }

        assert_int_equal(buffer_size(&buffer), 2000000);
        assert_true(moves < 32);
        buffer_deinit(&buffer);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_empty),
                cmocka_unit_test(test_appends_and_consumes),
                cmocka_unit_test(test_reserves),
                cmocka_unit_test(test_wipes_what_it_consumes),
                cmocka_unit_test(test_wipes_when_it_grows),
                cmocka_unit_test(test_grows_large),
                cmocka_unit_test(test_wipes_when_it_moves),
                cmocka_unit_test(test_does_not_move_for_little),
                cmocka_unit_test(test_swaps),
                cmocka_unit_test(test_grows_geometrically),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
