/* Both forms, huge ones, past ones, and those that are none. */

#include "tests/unit/unit.h"

#include "daemon/remote/retry-after.h"
#include "tests/unit/fake-clock.h"

/* 1700000000 is Tue, 14 Nov 2023 22:13:20 GMT. */
#define IN_A_MINUTE "Tue, 14 Nov 2023 22:14:20 GMT"

static void test_seconds(void **state) {
        assert_int_equal(retry_after_seconds("120", NULL), 120);
        assert_int_equal(retry_after_seconds("0", NULL), 0);
        assert_int_equal(retry_after_seconds("007", NULL), 7);
        assert_int_equal(retry_after_seconds("2147483648", NULL), INT32_MAX);
        assert_int_equal(retry_after_seconds("99999999999999999999999999999999999999", NULL), INT32_MAX);
}

static void test_date(void **state) {
        assert_int_equal(retry_after_seconds(IN_A_MINUTE, NULL), 60);
        assert_int_equal(retry_after_seconds("Tue, 14 Nov 2023 22:12:20 GMT", NULL), 0);
        assert_int_equal(retry_after_seconds("Fri, 31 Dec 9999 23:59:59 GMT", NULL), INT32_MAX);
}

/* Whatever our clock says. */
static void test_date_from_that_of_the_answer(void **state) {
        assert_int_equal(retry_after_seconds(IN_A_MINUTE, "Tue, 14 Nov 2023 22:14:15 GMT"), 5);
        assert_int_equal(retry_after_seconds(IN_A_MINUTE, "Tue, 14 Nov 2023 22:14:25 GMT"), 0);
        assert_int_equal(retry_after_seconds(IN_A_MINUTE, "yesterday"), 60);
        assert_int_equal(retry_after_seconds("7", "Tue, 14 Nov 2023 22:14:25 GMT"), 7);
}

static void test_none(void **state) {
        static const char *const none[] = {"", " ", "-5", "+5", "1.5", "1e3", "soon", "120 seconds", "\xff"};

        for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
                assert_int_equal(retry_after_seconds(none[i], NULL), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_seconds),
                cmocka_unit_test(test_date),
                cmocka_unit_test(test_date_from_that_of_the_answer),
                cmocka_unit_test(test_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
