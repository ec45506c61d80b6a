#include "tests/unit/unit.h"

#include "proto/strv.h"

static char **const none = NULL;

static void assert_strv(char *const *strv, const char *expected) {
        _cleanup_(freep) char *joined = NULL;

        assert_int_equal(strv_join(&joined, strv, "|"), 0);
        assert_string_equal(joined, expected);
}

static char **make(const char *parts) {
        char **strv = NULL;

        assert_int_equal(strv_split(&strv, parts, " "), 0);
        return strv;
}

static void test_splits_and_joins(void **state) {
        _cleanup_(strv_freep) char **strv = NULL, **empty = NULL;
        _cleanup_(freep) char *joined = NULL;

        assert_int_equal(strv_split(&strv, ", a,b  c,", " ,"), 0);
        assert_int_equal(strv_length(strv), 3);
        assert_strv(strv, "a|b|c");
        assert_int_equal(strv_join(&joined, strv, ", "), 0);
        assert_string_equal(joined, "a, b, c");

        assert_int_equal(strv_split(&empty, " , ", " ,"), 0);
        assert_int_equal(strv_length(empty), 0);
        assert_strv(none, "");
}

static void test_contains(void **state) {
        _cleanup_(strv_freep) char **strv = make("a b c"), **part = make("c a"), **more = make("a d");

        assert_true(strv_contains(strv, "b"));
        assert_false(strv_contains(strv, "bb"));
        assert_false(strv_contains(none, "a"));

        assert_true(strv_includes(strv, part));
        assert_false(strv_includes(strv, more));
        assert_true(strv_includes(strv, none));
        assert_true(strv_includes(none, none));
        assert_false(strv_includes(none, part));
}

static void test_appends(void **state) {
        _cleanup_(strv_freep) char **strv = NULL, **more = make("b c b d");

        assert_int_equal(strv_append(&strv, "a"), 0);
        assert_int_equal(strv_append(&strv, "b"), 0);
        assert_int_equal(strv_append(&strv, "a"), 0);
        assert_strv(strv, "a|b|a");

        assert_int_equal(strv_append_new(&strv, more), 0);
        assert_strv(strv, "a|b|a|c|d");
        assert_int_equal(strv_append_new(&strv, none), 0);
        assert_int_equal(strv_length(strv), 5);
}

static void test_copies(void **state) {
        _cleanup_(strv_freep) char **strv = make("a b"), **copy = NULL, **empty = make("x");

        assert_int_equal(strv_copy(&copy, strv), 0);
        assert_strv(copy, "a|b");
        assert_ptr_not_equal(copy[0], strv[0]);

        strv_free(empty);
        assert_int_equal(strv_copy(&empty, NULL), 0);
        assert_null(empty);
}

static void test_sorts(void **state) {
        _cleanup_(strv_freep) char **strv = make("b a Z b a a"), **one = make("x");

        strv_sort(strv);
        assert_strv(strv, "Z|a|b");
        strv_sort(one);
        assert_strv(one, "x");
        strv_sort(NULL);
}

static void test_equal(void **state) {
        _cleanup_(strv_freep) char **a = make("a b"), **b = make("a b"), **c = make("b a"), **d = make("a");

        assert_true(strv_equal(a, b));
        assert_false(strv_equal(a, c));
        assert_false(strv_equal(a, d));
        assert_false(strv_equal(d, a));
        assert_true(strv_equal(none, none));
        assert_false(strv_equal(none, a));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_splits_and_joins),
                cmocka_unit_test(test_contains),
                cmocka_unit_test(test_appends),
                cmocka_unit_test(test_copies),
                cmocka_unit_test(test_sorts),
                cmocka_unit_test(test_equal),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
