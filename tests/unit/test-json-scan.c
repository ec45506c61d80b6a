#include "tests/unit/unit.h"

#include "proto/json-scan.h"

/* In memory of just that size, so that a sanitizer sees a read behind the end. */
static bool scan(const char *text, size_t n, bool lenient, struct json_scan *ret) {
        _cleanup_(freep) char *copy = malloc(n ? n : 1);
        bool passed;

        assert_non_null(copy);
        memcpy(copy, text, n);
        passed = json_scan(ret, copy, n, 4, lenient);

        return passed;
}

#define PASSES(text) scan(text, sizeof(text) - 1, false, &(struct json_scan){})
#define PASSES_LENIENT(text) scan(text, sizeof(text) - 1, true, &(struct json_scan){})

static void test_values(void **state) {
        assert_true(PASSES("null"));
        assert_true(PASSES("true"));
        assert_true(PASSES(" false\r\n\t"));
        assert_true(PASSES("\"\""));
        assert_true(PASSES("{}"));
        assert_true(PASSES("[ ]"));
        assert_true(PASSES("{ \"a\" : [ 1 , { } , \"x\" ] , \"b\" : null }"));
}

static void test_broken_structure(void **state) {
        static const char *const broken[] = {
                "",          " ",         "{",         "[",         "}",
                "]",         "[1",        "{\"a\"",    "{\"a\":",   "{\"a\":1",
                "[1,]",      "[,1]",      "[1 2]",     "{,}",       "{\"a\":1,}",
                "{\"a\" 1}", "{a:1}",     "{'a':1}",   "{1:2}",     "[1}",
                "{\"a\":1]", "{}{}",      "null null", "nul",       "nullx",
                "True",      "undefined", "NaN",       "Infinity",  "-Infinity",
                "[1]]",      "//x\n1",    "/* */1",    "1 //",      "{\"a\"::1}",
                "{:1}",      ",",         ":",         "[\"a\":1]", "\xef\xbb\xbf{}",
                "{\"a\",1}", "\v1",
        };

        for (size_t i = 0; i < ARRAY_SIZE(broken); i++)
                assert_false(scan(broken[i], strlen(broken[i]), false, &(struct json_scan){}));

        assert_false(PASSES("1\0"));
        assert_false(PASSES("\0"));
        assert_false(PASSES("{}\0"));
}

static void test_numbers(void **state) {
        static const char *const good[] = {"0",   "-0",   "10",    "1.5",      "0.5",
                                           "1e5", "1E+5", "1e-05", "-1.25e10", "1e999"};
        static const char *const bad[] = {"-",   "01", "-01",  "1.",  ".5",  "+1", "1e",    "1e+",
                                          "0x1", "1f", "1.e5", "--1", "1_0", "00", "1e5.5", "0-1"};

        for (size_t i = 0; i < ARRAY_SIZE(good); i++)
                assert_true(scan(good[i], strlen(good[i]), false, &(struct json_scan){}));
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_false(scan(bad[i], strlen(bad[i]), false, &(struct json_scan){}));
}

static void test_strings(void **state) {
        assert_true(PASSES("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\uABCD\\uabcd\x7f\""));
        assert_true(PASSES("\"\xc3\xa9 \xf0\x9f\x98\x80 \\ud83d\\ude00\""));

        assert_false(PASSES("\"a"));
        assert_false(PASSES("\""));
        assert_false(PASSES("'a'"));
        assert_false(PASSES("\"\\"));
        assert_false(PASSES("\"\\\""));
        assert_false(PASSES("\"\\x\""));
        assert_false(PASSES("\"\\'\""));
        assert_false(PASSES("\"\\u12\""));
        assert_false(PASSES("\"\\u12G4\""));
        assert_false(PASSES("\"\\u123"));
        assert_false(PASSES("\"\\U0041\""));
        assert_false(PASSES("\"a\nb\""));
        assert_false(PASSES("\"\x1f\""));
        assert_false(PASSES("\"\0\""));
        assert_false(PASSES("\"\\\0\""));
        assert_false(PASSES("\"\xff\""));
        assert_false(PASSES("\"\xc0\x80\""));
        assert_false(PASSES("\"\xed\xa0\x80\""));
        assert_false(PASSES("\"\xc3\""));
        assert_false(PASSES("\"\xe2\x82"));
        assert_false(PASSES("{\"\xff\":1}"));
}

static void test_surrogates_and_nul(void **state) {
        static const char *const lone[] = {
                "\"\\ud800\"",        "\"\\udc00\"",         "\"\\ud800x\"",       "\"\\ud800\\n\"",
                "\"\\ud800\\u0041\"", "\"\\ud800\\ud800\"",  "\"\\udfff\\ud800\"", "\"\\u0000\"",
                "[\"a\\u0000b\"]",    "{\"a\":\"\\udbff\"}",
        };

        for (size_t i = 0; i < ARRAY_SIZE(lone); i++) {
                assert_false(scan(lone[i], strlen(lone[i]), false, &(struct json_scan){}));
                assert_true(scan(lone[i], strlen(lone[i]), true, &(struct json_scan){}));
        }

        /* never in a name, and what is behind a lone one is still checked */
        assert_false(PASSES_LENIENT("{\"\\u0000\":1}"));
        assert_false(PASSES_LENIENT("{\"\\ud800\":1}"));
        assert_false(PASSES_LENIENT("{\"\\udc00\":1}"));
        assert_false(PASSES_LENIENT("\"\\ud800\\x\""));
        assert_false(PASSES_LENIENT("\"\\ud800\\u12\""));
        assert_false(PASSES_LENIENT("\"\\ud800\\\""));
        assert_false(PASSES_LENIENT("\"\xed\xa0\x80\""));
        assert_true(PASSES("{\"\\ud83d\\ude00\":1}"));
}

static void test_depth(void **state) {
        static char deep[100001];

        assert_true(PASSES("[[[[1]]]]"));
        assert_false(PASSES("[[[[[1]]]]]"));
        assert_false(PASSES("[[[[{}]]]]"));
        assert_true(PASSES("[{\"a\":[{}]},[[[]]]]"));

        memset(deep, '[', sizeof(deep) - 1);
        assert_false(scan(deep, sizeof(deep) - 1, false, &(struct json_scan){}));
}

static void test_depth_of_64(void **state) {
        char text[131];
        struct json_scan found;

        for (int n = 64; n <= 65; n++) {
                memset(text, '[', (size_t)n);
                memset(text + n, ']', (size_t)n);
                assert_int_equal(json_scan(&found, text, (size_t)(2 * n), 64, false), n == 64);
        }
}

/* Into found. */
#define COUNT(text) scan(text, sizeof(text) - 1, false, &found)

static void test_counts(void **state) {
        struct json_scan found = {.members = 77};

        assert_false(COUNT("["));
        assert_int_equal(found.members, 77);

        assert_true(COUNT("[{\"a\":1,\"a\":{\"b\":[]}},{},12345]"));
        assert_int_equal(found.members, 3);
        assert_int_equal(found.longest, 5);

        assert_true(COUNT("{\"twelve char.\":\"a\"}"));
        assert_true(found.longest >= 12);
        assert_true(COUNT("\"1234567890\""));
        assert_true(found.longest >= 10);
}

/* Each prefix of a text is refused, and none is read behind its end. */
static void test_prefixes(void **state) {
        static const char text[] = "{\"a\\u00e9\\ud83d\\ude00\xe2\x82\xac\":[true,false,null,-1.5e+3,{}]}";

        assert_true(PASSES(text));
        for (size_t n = 0; n < sizeof(text) - 1; n++) {
                assert_false(scan(text, n, false, &(struct json_scan){}));
                assert_false(scan(text, n, true, &(struct json_scan){}));
        }
}

/* Wherever in the text, and whatever stands around it. */
static void test_plain(void **state) {
        static const struct {
                const char *text;
                size_t n, plain;
        } ends[] = {
                {"\"", 1, 0},
                {"\\", 1, 0},
                {"\x1f", 1, 0},
                {"\0", 1, 0},
                {"\xff", 1, 0},
                {"\xc3", 1, 0},
                {"\xed\xa0\x80", 3, 0},
                {" !#[]~\x7f", 7, 7},
                {"", 0, 0},
                {"\xc3\xa9\"", 3, 2},
                {"\xf0\x9f\x98\x80", 4, 4},
        };
        char text[32];

        for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
                for (size_t before = 0; before < 20; before++) {
                        memset(text, 'a', sizeof(text));
                        memcpy(text + before, ends[i].text, ends[i].n);
                        assert_int_equal(json_scan_plain(text, before + ends[i].n), before + ends[i].plain);
                        if (ends[i].plain < ends[i].n)
                                assert_int_equal(json_scan_plain(text, sizeof(text)), before + ends[i].plain);
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plain),
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_broken_structure),
                cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_strings),
                cmocka_unit_test(test_surrogates_and_nul),
                cmocka_unit_test(test_depth),
                cmocka_unit_test(test_depth_of_64),
                cmocka_unit_test(test_counts),
                cmocka_unit_test(test_prefixes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
