/* What a service said reaches people on one line, bounded, and tame. */

#include "tests/unit/unit.h"

#include "daemon/remote/words.h"
#include "proto/macro.h"

static void check(const char *text, const char *expected) {
        _cleanup_(freep) char *words = words_clean(text);

        assert_string_equal(words, expected);
}

static void test_plain_text_stays(void **state) {
        check("", "");
        check("Token is not active", "Token is not active");
        check("Żółw \xf0\x9f\x90\x88 \"quoted\" \\", "Żółw \xf0\x9f\x90\x88 \"quoted\" \\");
        assert_null(words_clean(NULL));
}

static void test_what_a_terminal_obeys_is_gone(void **state) {
        check("a\x1b[31mb\nc\rd\te\x7f", "a [31mb c d e ");
        check("a\xc2\x9b"
              "b\xc2\xa0",
              "a b\xc2\xa0"); /* C1; a no-break space is text */
        check("\xe2\x80\xae"
              "a\xe2\x81\xa6"
              "b\xe2\x80\xa8"
              "c\xd8\x9c"
              "d\xe2\x80\x8f",
              " a b c d ");
        check("\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa",
              "\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa");
}

static void test_bytes_that_are_no_text(void **state) {
        check("a\xff"
              "b\xc3",
              "a?b?");
        check("\xed\xa0\x80", "???");
}

static void test_long_text_is_cut(void **state) {
        char text[2 * WORDS_MAX], expected[WORDS_MAX + 4];

        memset(text, 'x', sizeof(text));
        text[WORDS_MAX] = '\0';
        check(text, text);

        text[WORDS_MAX] = 'x';
        text[WORDS_MAX + 1] = '\0';
        memset(expected, 'x', WORDS_MAX);
        strcpy(expected + WORDS_MAX, "...");
        check(text, expected);

        /* not within a character */
        memcpy(text + WORDS_MAX - 1, "é", sizeof("é"));
        strcpy(expected + WORDS_MAX - 1, "...");
        check(text, expected);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plain_text_stays),
                cmocka_unit_test(test_what_a_terminal_obeys_is_gone),
                cmocka_unit_test(test_bytes_that_are_no_text),
                cmocka_unit_test(test_long_text_is_cut),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
