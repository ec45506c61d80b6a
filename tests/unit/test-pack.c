/* Integers and strings as the store has them: exact, and never read past the end. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/model/pack.h"

static void test_integers(void **state) {
        _cleanup_(buffer_deinit) struct buffer out = {0};
        struct bytes from;
        uint64_t value;

        assert_int_equal(pack_integer(&out, 2, 0x0102), 0);
        assert_int_equal(pack_integer(&out, 8, UINT64_MAX - 1), 0);
        assert_int_equal(pack_integer(&out, 1, 256), -EFBIG);
        assert_int_equal(buffer_size(&out), 10);
        assert_memory_equal(buffer_bytes(&out), "\x01\x02\xff\xff\xff\xff\xff\xff\xff\xfe", 10);

        from = (struct bytes){buffer_bytes(&out), buffer_size(&out)};
        assert_int_equal(unpack_integer(&value, &from, 2), 0);
        assert_int_equal(value, 0x0102);
        assert_int_equal(unpack_integer(&value, &from, 8), 0);
        assert_true(value == UINT64_MAX - 1);
        assert_int_equal(unpack_integer(&value, &from, 1), -EBADMSG);
}

static void test_strings(void **state) {
        _cleanup_(buffer_deinit) struct buffer out = {0};
        _cleanup_(freep) char *first = NULL, *second = NULL;
        char long_text[257];
        struct bytes from;

        memset(long_text, 'x', sizeof(long_text));
        assert_int_equal(pack_bytes(&out, 1, (struct bytes){long_text, 256}), -EFBIG);
        assert_int_equal(buffer_size(&out), 0);

        assert_int_equal(pack_string(&out, 2, "Grüße"), 0);
        assert_int_equal(pack_string(&out, 2, NULL), 0);

        from = (struct bytes){buffer_bytes(&out), buffer_size(&out)};
        assert_int_equal(unpack_string(&first, &from, 2), 0);
        assert_string_equal(first, "Grüße");
        assert_int_equal(unpack_string(&second, &from, 2), 0);
        assert_null(second);
        assert_int_equal(from.n, 0);
}

static void test_lies_are_refused(void **state) {
        char *string;
        struct bytes bytes, from;

        from = (struct bytes){"\x00\x03xy", 4};
        assert_int_equal(unpack_bytes(&bytes, &from, 2), -EBADMSG);
        from = (struct bytes){"\xff\xff\xff\xff\xff\xff\xff\xff", 8};
        assert_int_equal(unpack_bytes(&bytes, &from, 8), -EBADMSG);
        from = (struct bytes){"\x03x\0y", 4};
        assert_int_equal(unpack_string(&string, &from, 1), -EBADMSG);
        from = (struct bytes){NULL, 0};
        assert_int_equal(unpack_bytes(&bytes, &from, 1), -EBADMSG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_integers),
                cmocka_unit_test(test_strings),
                cmocka_unit_test(test_lies_are_refused),
        };

        return cmocka_run_group_tests_name("pack", tests, NULL, NULL);
}
