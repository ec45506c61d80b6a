#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

#include "proto/json-text.h"
#include "proto/json.h"

static struct bytes parse(const char *text) {
        struct bytes value;

        assert_int_equal(json_text_parse(&value, text, strlen(text)), 0);
        return value;
}

static void assert_bytes(struct bytes bytes, const char *expected) {
        assert_int_equal(bytes.n, strlen(expected));
        assert_memory_equal(bytes.data, expected, bytes.n);
}

static void test_kinds(void **state) {
        static const struct {
                const char *text;
                enum json_text_kind kind;
        } cases[] = {
                {"null", JSON_TEXT_NULL},     {" true", JSON_TEXT_BOOL},  {"false ", JSON_TEXT_BOOL},
                {"-1.5e3", JSON_TEXT_NUMBER}, {"0", JSON_TEXT_NUMBER},    {"\"\"", JSON_TEXT_STRING},
                {"\n[ ]", JSON_TEXT_ARRAY},   {"\t{}", JSON_TEXT_OBJECT},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_int_equal(json_text_kind(parse(cases[i].text)), cases[i].kind);
}

static void test_members(void **state) {
        struct bytes object = parse(" { \"a\" : 1 ,\"b\":[2,{\"c\":\"}]\\\"\"}] , \"d\":{}, \"\":null\n} ");
        static const struct {
                const char *name, *value;
        } members[] = {{"\"a\"", "1"}, {"\"b\"", "[2,{\"c\":\"}]\\\"\"}]"}, {"\"d\"", "{}"}, {"\"\"", "null"}};
        struct bytes name, value;

        for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
                assert_true(json_text_next(&object, &name, &value));
                assert_bytes(name, members[i].name);
                assert_bytes(value, members[i].value);
        }
        assert_false(json_text_next(&object, &name, &value));
        assert_false(json_text_next(&object, &name, &value));
}

static void test_elements(void **state) {
        struct bytes array = parse("[[], \"a,]\" ,true,[[1]]]");
        static const char *const elements[] = {"[]", "\"a,]\"", "true", "[[1]]"};
        struct bytes value;

        for (size_t i = 0; i < ARRAY_SIZE(elements); i++) {
                assert_true(json_text_next(&array, NULL, &value));
                assert_bytes(value, elements[i]);
        }
        assert_false(json_text_next(&array, NULL, &value));
}

static void test_nothing(void **state) {
        struct bytes empty = {}, object = parse("{ }"), array = parse("[\n]"), name, value;

        assert_false(json_text_next(&empty, &name, &value));
        assert_false(json_text_next(&object, &name, &value));
        assert_false(json_text_next(&array, NULL, &value));
}

static void test_strings(void **state) {
        static const struct {
                const char *text, *says;
        } cases[] = {
                {"\"\"", ""},
                {"\"plain\"", "plain"},
                {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
                {"\"\\u0041\\u00e9\\u20AC\"", "A\xc3\xa9\xe2\x82\xac"},
                {"\"\\uD83D\\ude00 \xf0\x9f\x98\x80\"", "\xf0\x9f\x98\x80 \xf0\x9f\x98\x80"},
                {"\"\\u007f\\u0080\\u07ff\\u0800\\uffff\"", "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf"},
                {"\"\\ud800\\udc00\\udbff\\udfff\"", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(freep) char *string = NULL;
                size_t n;

                assert_int_equal(json_text_string(&string, &n, parse(cases[i].text)), 0);
                assert_int_equal(n, strlen(cases[i].says));
                assert_string_equal(string, cases[i].says);
                assert_true(json_text_equals(parse(cases[i].text), cases[i].says));
        }
}

static void test_unequal(void **state) {
        assert_false(json_text_equals(parse("\"a\""), ""));
        assert_false(json_text_equals(parse("\"a\""), "ab"));
        assert_false(json_text_equals(parse("\"ab\""), "a"));
        assert_false(json_text_equals(parse("\"\\u0061b\""), "a"));
        assert_false(json_text_equals(parse("\"\\u0061\""), "ab"));
        assert_false(json_text_equals(parse("\"\\u0061\""), "b"));
        assert_false(json_text_equals(parse("\"\\n\""), "\\n"));
}

/* In whatever object, and however it is spelled. */
static void test_twice(void **state) {
        static const char *const texts[] = {
                "{\"a\":1,\"a\":1}",
                "{\"a\":1,\"b\":2,\"\\u0061\":3}",
                "[1,{\"x\":{\"\\u00e9\":0,\"\xc3\xa9\":1}}]",
                "{\"b\":{\"a\":[{\"a\":1}],\"c\":{},\"a\":0}}",
                "{\"\":1,\"\":2}",
        };
        struct bytes value;

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                assert_int_equal(json_text_parse(&value, texts[i], strlen(texts[i])), -EBADMSG);

        (void)parse("{\"a\":{\"a\":\"a\"},\"b\":[{\"a\":1},{\"a\":2}],\"ab\":\"a\"}");
}

/* The thousandth of many members is the first once more. */
static void test_twice_among_many(void **state) {
        enum { MANY = 1000 };
        char text[16 * MANY] = "{", *end = text + 1;
        struct bytes value;

        for (int i = 0; i < MANY; i++)
                end += sprintf(end, "\"%d\":0,", i);
        strcpy(end, "\"x\":0}");
        assert_int_equal(json_text_parse(&value, text, strlen(text)), 0);
        strcpy(end, "\"0\":0}");
        assert_int_equal(json_text_parse(&value, text, strlen(text)), -EBADMSG);
}

static void test_refuses(void **state) {
        static const char *const texts[] = {"",           " ", "{", "{'a':1}", "{\"a\":NaN}", "\"\\u0000\"",
                                            "\"\\ud800\""};
        char deep[2 * JSON_DEPTH_MAX + 3] = "";
        struct bytes value = {};

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                assert_int_equal(json_text_parse(&value, texts[i], strlen(texts[i])), -EBADMSG);

        memset(deep, '[', JSON_DEPTH_MAX);
        memset(deep + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
        (void)parse(deep);
        memset(deep, '[', JSON_DEPTH_MAX + 1);
        memset(deep + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
        assert_int_equal(json_text_parse(&value, deep, strlen(deep)), -EBADMSG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_kinds),    cmocka_unit_test(test_members),
                cmocka_unit_test(test_elements), cmocka_unit_test(test_nothing),
                cmocka_unit_test(test_strings),  cmocka_unit_test(test_unequal),
                cmocka_unit_test(test_twice),    cmocka_unit_test(test_twice_among_many),
                cmocka_unit_test(test_refuses),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
