/* UUIDs are random and marked as version 4. */

#include "tests/unit/unit.h"

#include "daemon/model/uuid.h"

static void test_new(void **state) {
        unsigned char a[UUID_SIZE], b[UUID_SIZE];

        assert_int_equal(uuid_new(a), 0);
        assert_int_equal(uuid_new(b), 0);
        assert_false(uuid_equal(a, b));
        assert_true(uuid_equal(a, a));
        assert_int_equal(a[6] >> 4, 4);
        assert_int_equal(a[8] >> 6, 2);
}

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_new)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
