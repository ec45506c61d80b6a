/* What a terminal would obey is shown instead. */

#include "tests/unit/unit.h"

#include "client/text.h"

typedef int (*append_fn)(struct buffer *out, const char *text, size_t n);

static void assert_appended(append_fn append, const char *text, size_t n, const char *expected) {
        struct buffer out = {};

        assert_int_equal(append(&out, text, n), 0);
        assert_int_equal(buffer_size(&out), strlen(expected));
        if (*expected)
                assert_memory_equal(buffer_bytes(&out), expected, strlen(expected));
        buffer_deinit(&out);
}

#define ASSERT_SAFE(text, expected) assert_appended(text_append_safe, text, sizeof(text) - 1, expected)
#define ASSERT_CSV(text, expected) assert_appended(text_append_csv, text, sizeof(text) - 1, expected)

static void test_safe(void **state) {
        ASSERT_SAFE("", "");
        ASSERT_SAFE("Beamline 7 \"night\" crew, \\", "Beamline 7 \"night\" crew, \\");
        ASSERT_SAFE("a\nb\tc\rd\0e", "a\\nb\\tc\\rd\\x00e");
        ASSERT_SAFE("\033[31mred\a\177", "\\x1b[31mred\\x07\\x7f");
        ASSERT_SAFE("\xc2\x9b"
                    "31m",
                    "\\u009b31m");
        ASSERT_SAFE("\u00e9\u05d0\u6f22\U0001f600", "\u00e9\u05d0\u6f22\U0001f600");
        ASSERT_SAFE("\u202a\u202e\u2066\u2069\u200f\u061c\u2028",
                    "\\u202a\\u202e\\u2066\\u2069\\u200f\\u061c\\u2028");
}

static void test_bytes_that_are_no_utf8(void **state) {
        ASSERT_SAFE("\x9b"
                    "31m",
                    "\\x9b31m");
        ASSERT_SAFE("\xc3", "\\xc3");
        ASSERT_SAFE("\xe2\x82"
                    "x",
                    "\\xe2\\x82x");
        ASSERT_SAFE("\xc0\x9b", "\\xc0\\x9b"); /* overlong */
        ASSERT_SAFE("\xed\xa0\x80", "\\xed\\xa0\\x80"); /* a surrogate */
        ASSERT_SAFE("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* beyond Unicode */
}

static void test_json_keeps_its_meaning(void **state) {
        static const char json[] = "{\"n\":\"\\u001b \u202e \xc2\x9b \177 \u6f22\"}";

        assert_appended(text_append_json_safe, json, sizeof(json) - 1,
                        "{\"n\":\"\\u001b \\u202e \\u009b \\u007f \u6f22\"}");
}

static void test_csv(void **state) {
        ASSERT_CSV("", "\"\"");
        ASSERT_CSV("plain, with a comma", "\"plain, with a comma\"");
        ASSERT_CSV("7 \"night\" crew", "\"7 \"\"night\"\" crew\"");
        ASSERT_CSV("\"\"", "\"\"\"\"\"\"");
        ASSERT_CSV("a\r\nb", "\"a\r\nb\"");
}

static void test_next(void **state) {
        uint32_t c;

        assert_int_equal(text_next("a", 1, &c), 1);
        assert_int_equal(c, 'a');
        assert_int_equal(text_next("\u00e9x", 3, &c), 2);
        assert_int_equal(c, 0xe9);
        assert_int_equal(text_next("\u6f22", 3, &c), 3);
        assert_int_equal(c, 0x6f22);
        assert_int_equal(text_next("\U0010ffff", 4, &c), 4);
        assert_int_equal(c, 0x10ffff);
        assert_int_equal(text_next("\U0001f600", 3, &c), 1);
        assert_true(c == TEXT_INVALID);
}

static void test_width(void **state) {
        assert_int_equal(text_width("", 0), 0);
        assert_int_equal(text_width("abc", 3), 3);
        assert_int_equal(text_width("\u6f22\u5b57", 6), 4);
        assert_int_equal(text_width("e\u0301", 3), 1);
        assert_int_equal(text_width("\U0001f600", 4), 2);
}

static void assert_duration(int64_t seconds, const char *expected) {
        char text[TEXT_DURATION_SIZE];

        text_duration(text, seconds);
        assert_string_equal(text, expected);
}

static void test_duration(void **state) {
        assert_duration(-5, "0 s");
        assert_duration(0, "0 s");
        assert_duration(59, "59 s");
        assert_duration(60, "1 min");
        assert_duration(61, "1 min 1 s");
        assert_duration(3600, "1 h");
        assert_duration(170000, "1 d 23 h");
        assert_duration(86400 + 59, "1 d");
        assert_duration(INT64_MAX, "106751991167300 d 15 h");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_safe),
                cmocka_unit_test(test_bytes_that_are_no_utf8),
                cmocka_unit_test(test_json_keeps_its_meaning),
                cmocka_unit_test(test_csv),
                cmocka_unit_test(test_next),
                cmocka_unit_test(test_width),
                cmocka_unit_test(test_duration),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
