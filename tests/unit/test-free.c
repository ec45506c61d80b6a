#include "tests/unit/unit.h"

#include <malloc.h>

/* Under names of their own, so that what they give to the C library can be looked at. */
void wiping_free(void *memory);
void *wiping_realloc(void *memory, size_t n);
static void release(void *memory);
static void *allocate(size_t n);

#define malloc allocate
#define free wiping_free
#define realloc wiping_realloc
#define __libc_free release
#include "daemon/free.c"
#undef malloc
#undef free
#undef realloc
#undef __libc_free

static bool full;
static unsigned int released;

static bool is_zero(const char *bytes, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (bytes[i])
                        return false;

        return true;
}

static void release(void *memory) {
        assert_non_null(memory);
        assert_true(is_zero(memory, malloc_usable_size(memory)));
        free(memory);
        released++;
}

static void *allocate(size_t n) {
        return full ? NULL : malloc(n);
}

/* Filled to the end of its place, as one who got there by realloc() would. */
static char *fill(char *memory) {
        assert_non_null(memory);
        __asm__("" : "+r"(memory)); /* or the compiler knows how much was asked for, and allows no more */
        memset(memory, 'x', malloc_usable_size(memory));
        return memory;
}

static int reset(void **state) {
        released = 0;
        full = false;
        return 0;
}

static void test_freed_is_wiped(void **state) {
        static const size_t sizes[] = {0, 1, 24, 25, 1000, 5000, 200000, 40000000};

        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
                wiping_free(fill(malloc(sizes[i])));

        wiping_free(fill(aligned_alloc(4096, 8192)));
        wiping_free(fill(calloc(7, 11)));
        assert_int_equal(released, ARRAY_SIZE(sizes) + 2);
}

static void test_nothing_is_freed(void **state) {
        wiping_free(NULL);
        assert_int_equal(released, 0);
}

static void test_grown_is_whole(void **state) {
        char *memory = NULL;
        size_t n = 1;

        for (; n < 1000000; n = n * 2 + 1) {
                memory = wiping_realloc(memory, n);
                assert_non_null(memory);
                assert_true(malloc_usable_size(memory) >= n);
                for (size_t i = 0; i < n / 2; i++)
                        assert_int_equal(memory[i], 'x');
                memset(memory, 'x', n);
        }

        assert_true(released > 5);
        wiping_free(memory);
}

static void test_shrunk_is_whole(void **state) {
        char *memory = fill(malloc(10000)), *same, *less;

        same = wiping_realloc(memory, 9000);
        assert_ptr_equal(same, memory);
        assert_int_equal(released, 0);

        less = wiping_realloc(same, 100);
        assert_int_equal(released, 1);
        assert_true(malloc_usable_size(less) < 5000);
        for (size_t i = 0; i < 100; i++)
                assert_int_equal(less[i], 'x');

        wiping_free(less);
}

static void test_aligned_moves(void **state) {
        char *memory = wiping_realloc(fill(aligned_alloc(4096, 4096)), 100000);

        assert_int_equal(memory[4095], 'x');
        assert_int_equal(released, 1);
        wiping_free(memory);
}

static void test_to_nothing(void **state) {
        assert_null(wiping_realloc(fill(malloc(50)), 0));
        assert_int_equal(released, 1);
}

static void test_no_memory(void **state) {
        char *memory = fill(malloc(50));

        full = true;
        assert_null(wiping_realloc(memory, 5000));
        assert_int_equal(released, 0);
        assert_int_equal(memory[49], 'x');
        wiping_free(memory);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_freed_is_wiped, reset),
                cmocka_unit_test_setup(test_nothing_is_freed, reset),
                cmocka_unit_test_setup(test_grown_is_whole, reset),
                cmocka_unit_test_setup(test_shrunk_is_whole, reset),
                cmocka_unit_test_setup(test_aligned_moves, reset),
                cmocka_unit_test_setup(test_to_nothing, reset),
                cmocka_unit_test_setup(test_no_memory, reset),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
