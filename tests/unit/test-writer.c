#include "tests/unit/unit.h"

#include <errno.h>

#include "proto/writer.h"

static struct buffer buffer;
static struct writer writer;

static int setup(void **state) {
        writer = WRITER_INIT(&buffer);
        return 0;
}

static int teardown(void **state) {
        buffer_deinit(&buffer);
        return 0;
}

static void assert_written(const char *expected) {
        assert_int_equal(writer_end(&writer), 0);
        assert_int_equal(buffer_append(&buffer, "", 1), 0);
        assert_string_equal(buffer_bytes(&buffer), expected);
}

static void test_nests(void **state) {
        write_object_begin(&writer);
        write_name(&writer, "list");
        write_array_begin(&writer);
        write_int(&writer, 1);
        write_array_begin(&writer);
        write_array_end(&writer);
        write_object_begin(&writer);
        write_object_end(&writer);
        write_bool(&writer, true);
        write_array_end(&writer);
        write_name(&writer, "more");
        write_raw(&writer, "[null]", 6);
        write_bool_member(&writer, "last", false);
        write_object_end(&writer);

        assert_written("{\"list\":[1,[],{},true],\"more\":[null],\"last\":false}");
}

static void test_members(void **state) {
        char *list[] = {(char *)"a", (char *)"b", NULL};

        write_object_begin(&writer);
        write_string_member(&writer, "absent", NULL);
        write_strings_member(&writer, "absent", NULL);
        write_string_member(&writer, "s", "x");
        write_strings_member(&writer, "l", list);
        write_int_member(&writer, "i", -5);
        write_name(&writer, "none");
        write_strings(&writer, NULL);
        write_object_end(&writer);

        assert_written("{\"s\":\"x\",\"l\":[\"a\",\"b\"],\"i\":-5,\"none\":[]}");
}

static void test_numbers(void **state) {
        write_array_begin(&writer);
        write_int(&writer, 0);
        write_int(&writer, INT64_MIN);
        write_int(&writer, INT64_MAX);
        write_array_end(&writer);

        assert_written("[0,-9223372036854775808,9223372036854775807]");
}

static void test_escapes(void **state) {
        write_string(&writer, "\"\\/\b\f\n\r\t\x01\x1f\x7f' \xc3\xa9\xf0\x9f\x98\x80");
        assert_written("\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f' \xc3\xa9\xf0\x9f\x98\x80\"");
}

static void test_escapes_nul(void **state) {
        write_string_n(&writer, "a\0b", 3);
        assert_written("\"a\\u0000b\"");
}

static void test_replaces_what_is_no_utf8(void **state) {
        write_string(&writer, "a\xff\xc3z\xed\xa0\x80");
        assert_written("\"a\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

/* The bytes behind the given length are not part of the string, even if they would complete a character. */
static void test_stops_at_the_length(void **state) {
        write_string_n(&writer, "ab\xc3\xa9", 3);
        assert_written("\"ab\xef\xbf\xbd\"");
}

static void test_bytes_begin_a_new_text(void **state) {
        write_object_begin(&writer);
        write_object_end(&writer);
        write_bytes(&writer, "\n", 1);
        write_object_begin(&writer);
        write_object_end(&writer);
        assert_written("{}\n{}");
}

static void test_first_failure_sticks(void **state) {
        write_string(&writer, "a");
        writer.r = -ENOMEM;
        write_string(&writer, "b");
        assert_int_equal(writer_end(&writer), -ENOMEM);
        assert_int_equal(buffer_size(&buffer), 3);
}

static void test_keeps_what_stands_before(void **state) {
        assert_int_equal(buffer_append_string(&buffer, "before "), 0);
        write_string(&writer, "");
        assert_written("before \"\"");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_nests),
                TEST(test_members),
                TEST(test_numbers),
                TEST(test_escapes),
                TEST(test_escapes_nul),
                TEST(test_replaces_what_is_no_utf8),
                TEST(test_stops_at_the_length),
                TEST(test_bytes_begin_a_new_text),
                TEST(test_first_failure_sticks),
                TEST(test_keeps_what_stands_before),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
