#include "tests/unit/unit.h"

#include "proto/utf8.h"

/* The length found, where the text ends with it. */
#define LENGTH(text) utf8_sequence(text, sizeof(text) - 1)

static void test_takes_what_is_well_formed(void **state) {
        assert_int_equal(LENGTH("a"), 1);
        assert_int_equal(LENGTH("\0"), 1);
        assert_int_equal(LENGTH("\x7f"), 1);
        assert_int_equal(LENGTH("\xc2\x80"), 2);
        assert_int_equal(LENGTH("\xdf\xbf"), 2);
        assert_int_equal(LENGTH("\xe0\xa0\x80"), 3);
        assert_int_equal(LENGTH("\xed\x9f\xbf"), 3);
        assert_int_equal(LENGTH("\xee\x80\x80"), 3);
        assert_int_equal(LENGTH("\xef\xbf\xbf"), 3);
        assert_int_equal(LENGTH("\xf0\x90\x80\x80"), 4);
        assert_int_equal(LENGTH("\xf4\x8f\xbf\xbf"), 4);
        assert_int_equal(LENGTH("\xc3\xa9 and more"), 2);
}

static void test_refuses_what_is_not(void **state) {
        assert_int_equal(utf8_sequence("", 0), 0);
        assert_int_equal(LENGTH("\x80"), 0); /* a tail alone */
        assert_int_equal(LENGTH("\xbf"), 0);
        assert_int_equal(LENGTH("\xc0\x80"), 0); /* overlong */
        assert_int_equal(LENGTH("\xc1\xbf"), 0);
        assert_int_equal(LENGTH("\xe0\x9f\xbf"), 0);
        assert_int_equal(LENGTH("\xf0\x8f\xbf\xbf"), 0);
        assert_int_equal(LENGTH("\xed\xa0\x80"), 0); /* surrogates */
        assert_int_equal(LENGTH("\xed\xbf\xbf"), 0);
        assert_int_equal(LENGTH("\xf4\x90\x80\x80"), 0); /* above U+10FFFF */
        assert_int_equal(LENGTH("\xf5\x80\x80\x80"), 0);
        assert_int_equal(LENGTH("\xff"), 0);
        assert_int_equal(LENGTH("\xc3("), 0); /* no tail */
        assert_int_equal(LENGTH("\xe2\x82("), 0);
        assert_int_equal(LENGTH("\xf0\x9f\x98("), 0);
        assert_int_equal(LENGTH("\xf0\x9f\xc0\x80"), 0);
}

/* Nothing behind n is looked at. */
static void test_refuses_what_is_cut(void **state) {
        assert_int_equal(utf8_sequence("\xc3\xa9", 1), 0);
        assert_int_equal(utf8_sequence("\xe2\x82\xac", 2), 0);
        assert_int_equal(utf8_sequence("\xf0\x9f\x98\x80", 3), 0);
}

/* Every code point, encoded by the rule, and nothing else in the two and three byte range. */
static void test_agrees_with_the_rule(void **state) {
        for (unsigned int c = 0x800; c < 0x10000; c++) {
                char text[] = {(char)(0xe0 | c >> 12), (char)(0x80 | (c >> 6 & 0x3f)),
                               (char)(0x80 | (c & 0x3f))};

                assert_int_equal(utf8_sequence(text, 3), c >= 0xd800 && c <= 0xdfff ? 0 : 3);
        }

        for (unsigned int c = 0; c < 0x800; c++) {
                char text[] = {(char)(0xc0 | c >> 6), (char)(0x80 | (c & 0x3f))};

                assert_int_equal(utf8_sequence(text, 2), c < 0x80 ? 0 : 2);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_takes_what_is_well_formed),
                cmocka_unit_test(test_refuses_what_is_not),
                cmocka_unit_test(test_refuses_what_is_cut),
                cmocka_unit_test(test_agrees_with_the_rule),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
