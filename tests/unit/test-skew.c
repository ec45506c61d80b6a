/* A clock that is wrong by more than minutes is told, by the latest answer, and only until it is right again.
 * */

#include "tests/unit/unit.h"

#include "daemon/remote/skew.h"
#include "tests/unit/fake-clock.h"

/* 1700000000 is Tue, 14 Nov 2023 22:13:20 GMT. */

static int64_t noted(const char *date) {
        struct skew skew = {};

        skew_note(&skew, date);
        return skew_seconds(&skew);
}

static void test_small_or_unknown(void **state) {
        assert_int_equal(skew_seconds(&(struct skew){}), 0);
        assert_int_equal(noted("Tue, 14 Nov 2023 22:13:20 GMT"), 0);
        assert_int_equal(noted("Tue, 14 Nov 2023 22:18:20 GMT"), 0);
        assert_int_equal(noted("Tue, 14 Nov 2023 22:08:20 GMT"), 0);
        assert_int_equal(noted("soon"), 0);
        assert_int_equal(noted(""), 0);
}

static void test_large(void **state) {
        assert_int_equal(noted("Tue, 14 Nov 2023 22:18:21 GMT"), 301);
        assert_int_equal(noted("Tue, 14 Nov 2023 22:08:19 GMT"), -301);
        assert_int_equal(noted("Thu, 01 Jan 1970 00:00:00 GMT"), -1700000000);
        assert_int_equal(noted("Fri, 31 Dec 9999 23:59:59 GMT"), 253402300799 - 1700000000);
}

static void test_latest_counts(void **state) {
        struct skew skew = {};

        skew_note(&skew, "Tue, 14 Nov 2023 23:13:20 GMT");
        assert_int_equal(skew_seconds(&skew), 3600);
        skew_note(&skew, "no date");
        assert_int_equal(skew_seconds(&skew), 3600);
        skew_note(&skew, "Tue, 14 Nov 2023 22:13:20 GMT");
        assert_int_equal(skew_seconds(&skew), 0);
}

static void test_follows_our_clock(void **state) {
        struct skew skew = {};

        skew_note(&skew, "Tue, 14 Nov 2023 23:13:20 GMT");
        fake_sleep(86400);
        assert_int_equal(skew_seconds(&skew), 3600);
        fake_unix += 3600; /* a person sets it right */
        assert_int_equal(skew_seconds(&skew), 0);
        fake_unix += 3600;
        assert_int_equal(skew_seconds(&skew), -3600);
        fake_unix -= 86400 + 2 * 3600;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_small_or_unknown),
                cmocka_unit_test(test_large),
                cmocka_unit_test(test_latest_counts),
                cmocka_unit_test(test_follows_our_clock),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
