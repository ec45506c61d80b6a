#include "tests/unit/unit.h"

#include <errno.h>
#include <malloc.h>

#include "proto/json.h"
#include "proto/strv.h"
#include "tests/unit/wiped.h"

/* How often memory moved that may have held much of a string. */
static size_t large_reallocs;

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__
#endif
#endif

/* A sanitizer's own has to stay. */
#ifndef __SANITIZE_ADDRESS__
void *__libc_realloc(void *memory, size_t n);

void *realloc(void *memory, size_t n) {
        large_reallocs += memory && malloc_usable_size(memory) > 1000;
        return __libc_realloc(memory, n);
}
#endif

static struct json_object *parse(const char *text, enum json_flags flags) {
        struct json_object *object = NULL;

        assert_int_equal(json_parse(&object, text, strlen(text), flags), 0);
        return object;
}

static int parse_result(const char *text, enum json_flags flags) {
        _cleanup_(json_freep) struct json_object *object = NULL;

        return json_parse(&object, text, strlen(text), flags);
}

static void test_parses(void **state) {
        _cleanup_(json_freep) struct json_object *object =
                parse(" {\"s\":\"a\\u00e9\\ud83d\\ude00\\n\",\"n\":-12,\"d\":1.5e1,\"b\":true,\"z\":null,\"o\":"
                      "{},\"a\":[]} ",
                      0);

        assert_string_equal(json_get_string(object, "s"), "a\xc3\xa9\xf0\x9f\x98\x80\n");
        assert_int_equal(json_object_get_int64(json_object_object_get(object, "n")), -12);
        assert_true(json_object_get_double(json_object_object_get(object, "d")) == 15.0);
        assert_true(json_object_get_boolean(json_object_object_get(object, "b")));
        assert_int_equal(json_object_object_length(object), 7);
}

static void test_top_level_scalars(void **state) {
        _cleanup_(json_freep) struct json_object *number = parse("12345", 0), *zero = parse("-0", 0),
                                                 *string = parse("\"x\"", 0), *truth = parse("true", 0),
                                                 *real = parse("1e2", 0);
        struct json_object *null = number;

        assert_int_equal(json_object_get_int64(number), 12345);
        assert_int_equal(json_object_get_int64(zero), 0);
        assert_string_equal(json_object_get_string(string), "x");
        assert_true(json_object_get_boolean(truth));
        assert_true(json_object_get_double(real) == 100.0);

        assert_int_equal(json_parse(&null, "null", 4, 0), 0);
        assert_null(null);
}

/* What json-c alone would take. The scanner has tests of its own. */
static void test_refuses(void **state) {
        static const char *const broken[] = {
                "",     "{'a':1}", "{\"a\":NaN}",       "{\"a\":Infinity}", "{\"a\":\"\\ud800\"}", "{} x",
                "[1,]", "[01]",    "{\"a\\u0000b\":1}", "\"\\u0000\"",      "{\"a\":1}//",         "\"\xff\"",
        };
        struct json_object *untouched = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
                assert_int_equal(json_parse(&untouched, broken[i], strlen(broken[i]), 0), -EBADMSG);
                assert_null(untouched);
        }
}

static void test_refuses_duplicates(void **state) {
        assert_int_equal(parse_result("{\"a\":1,\"a\":1}", 0), -EBADMSG);
        assert_int_equal(parse_result("{\"a\":1,\"\\u0061\":2}", 0), -EBADMSG);
        assert_int_equal(parse_result("[{},[{\"x\":{\"a\":null,\"b\":1,\"a\":null}}]]", 0), -EBADMSG);
        assert_int_equal(parse_result("[{\"a\":1},{\"a\":{\"a\":2}}]", 0), 0);
}

static void test_depth(void **state) {
        char text[2 * JSON_DEPTH_MAX + 3];

        for (int n = JSON_DEPTH_MAX; n <= JSON_DEPTH_MAX + 1; n++) {
                memset(text, '[', (size_t)n);
                memset(text + n, ']', (size_t)n);
                text[2 * n] = '\0';
                assert_int_equal(parse_result(text, 0), n == JSON_DEPTH_MAX ? 0 : -EBADMSG);
        }

        /* a value in the innermost one */
        memset(text, '[', JSON_DEPTH_MAX);
        text[JSON_DEPTH_MAX] = '1';
        memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX);
        text[2 * JSON_DEPTH_MAX + 1] = '\0';
        assert_int_equal(parse_result(text, 0), 0);
}

/* [0,0,...] */
static void test_values(void **state) {
        char text[2 * JSON_VALUES_MAX + 2];

        for (size_t n = JSON_VALUES_MAX; n <= JSON_VALUES_MAX + 1; n++) {
                for (size_t i = 0; i < n - 1; i++)
                        memcpy(text + 1 + 2 * i, "0,", 2);
                text[0] = '[';
                memcpy(text + 2 * (n - 1), "]", 2);
                assert_int_equal(parse_result(text, 0), n == JSON_VALUES_MAX ? 0 : -EBADMSG);
                assert_int_equal(parse_result(text, JSON_MANY_VALUES), 0);
        }
}

/* [[],{},[],...] */
static void test_containers(void **state) {
        char text[3 * JSON_CONTAINERS_MAX + 3];

        for (size_t n = JSON_CONTAINERS_MAX; n <= JSON_CONTAINERS_MAX + 1; n++) {
                for (size_t i = 0; i < n - 1; i++)
                        memcpy(text + 1 + 3 * i, i % 2 ? "{}," : "[],", 3);
                text[0] = '[';
                memcpy(text + 3 * (n - 1), "]", 2);
                assert_int_equal(parse_result(text, 0), n == JSON_CONTAINERS_MAX ? 0 : -EBADMSG);
                assert_int_equal(parse_result(text, JSON_MANY_VALUES), 0);
        }
}

static void test_lenient_strings(void **state) {
        _cleanup_(json_freep) struct json_object *array =
                parse("[\"a\\u0000b\",\"x\\ud800y\",\"\\udc00\",\"\\ud800\\n\"]", JSON_LENIENT_STRINGS);

        assert_int_equal(json_object_get_string_len(json_object_array_get_idx(array, 0)), 3);
        assert_string_equal(json_object_get_string(json_object_array_get_idx(array, 1)), "x\xef\xbf\xbdy");
        assert_string_equal(json_object_get_string(json_object_array_get_idx(array, 2)), "\xef\xbf\xbd");
        assert_string_equal(json_object_get_string(json_object_array_get_idx(array, 3)), "\xef\xbf\xbd\n");
        assert_int_equal(parse_result("{\"\\u0000\":1}", JSON_LENIENT_STRINGS), -EBADMSG);
}

static void test_comments(void **state) {
        _cleanup_(json_freep) struct json_object *object = parse(
                "// first\n{ /* \"a\": 1, ** // */ \"b\\\"//\": \"/* no */ // comment\" /**/ /***/ } // last",
                JSON_COMMENTS);

        assert_int_equal(json_object_object_length(object), 1);
        assert_string_equal(json_get_string(object, "b\"//"), "/* no */ // comment");

        assert_int_equal(parse_result("{} /* open", JSON_COMMENTS), -EBADMSG);
        assert_int_equal(parse_result("{} /*/", JSON_COMMENTS), -EBADMSG);
        assert_int_equal(parse_result("{} /", JSON_COMMENTS), -EBADMSG);
        assert_int_equal(parse_result("1/**/2", JSON_COMMENTS), -EBADMSG);
        assert_int_equal(parse_result("# {}", JSON_COMMENTS), -EBADMSG);
        assert_int_equal(parse_result("// only", JSON_COMMENTS), -EBADMSG);
        assert_int_equal(parse_result("\"\\", JSON_COMMENTS), -EBADMSG);
        assert_int_equal(parse_result("{} // x", 0), -EBADMSG);
        assert_int_equal(json_parse(&object, "{} //\0 more", 11, JSON_COMMENTS), -EBADMSG);
}

static void test_wipes(void **state) {
        struct json_object *object = parse("{\"a\":[{\"token\":\"secret one\"}],\"b\":\"secret two\"}", 0),
                           *inner;
        uintptr_t one, two;

        inner = json_object_array_get_idx(json_get_array(object, "a"), 0);
        one = (uintptr_t)json_get_string(inner, "token");
        two = (uintptr_t)json_get_string(object, "b");

        wiped_forget();
        assert_null(json_wipe(object));
        assert_true(wiped_includes(one, 10));
        assert_true(wiped_includes(two, 10));
        assert_null(json_wipe(NULL));
}

/* The copy that json-c makes while it parses. */
static void test_parser_leaves_nothing(void **state) {
        _cleanup_(json_wipep) struct json_object *object = NULL;
        char text[5003];
        bool wiped = false;

        /* the escape makes json-c copy the string in parts */
        memset(text, 'x', sizeof(text));
        memcpy(text + 2500, "\\n", 2);
        text[0] = text[sizeof(text) - 2] = '"';
        text[sizeof(text) - 1] = '\0';

        wiped_forget();
        large_reallocs = 0;
        object = parse(text, 0);
        for (size_t i = 0; i < wiped_count; i++)
                wiped = wiped || wiped_ranges[i].end - wiped_ranges[i].begin >= 4999;
        assert_true(wiped);
        assert_int_equal(large_reallocs, 0);
}

static void test_getters(void **state) {
        _cleanup_(json_freep) struct json_object *object =
                parse("{\"s\":\"x\",\"n\":1,\"o\":{\"a\":1},\"a\":[1],\"z\":null}", 0);

        assert_string_equal(json_get_string(object, "s"), "x");
        assert_null(json_get_string(object, "n"));
        assert_null(json_get_string(object, "absent"));
        assert_null(json_get_string(object, "z"));
        assert_null(json_get_string(NULL, "s"));
        assert_null(json_get_string(json_get_array(object, "a"), "s"));
        assert_non_null(json_get_object(object, "o"));
        assert_null(json_get_object(object, "a"));
        assert_non_null(json_get_array(object, "a"));
        assert_null(json_get_array(object, "o"));
}

static void test_get_strings(void **state) {
        _cleanup_(json_freep) struct json_object *object =
                parse("{\"l\":[\"b\",\"a\"],\"e\":[],\"m\":[\"a\",1],\"n\":[null]}", 0);
        _cleanup_(strv_freep) char **strings = NULL;
        char **none = NULL;

        assert_int_equal(json_get_strings(&strings, json_get_array(object, "l")), 0);
        assert_int_equal(strv_length(strings), 2);
        assert_string_equal(strings[0], "b");
        assert_string_equal(strings[1], "a");

        assert_int_equal(json_get_strings(&none, json_get_array(object, "e")), 0);
        assert_null(none);
        assert_int_equal(json_get_strings(&none, NULL), 0);
        assert_null(none);
        assert_int_equal(json_get_strings(&none, json_get_array(object, "m")), -EBADMSG);
        assert_int_equal(json_get_strings(&none, json_get_array(object, "n")), -EBADMSG);
        assert_int_equal(json_get_strings(&none, object), -EBADMSG);
        assert_null(none);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parses),
                cmocka_unit_test(test_top_level_scalars),
                cmocka_unit_test(test_refuses),
                cmocka_unit_test(test_refuses_duplicates),
                cmocka_unit_test(test_depth),
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_containers),
                cmocka_unit_test(test_lenient_strings),
                cmocka_unit_test(test_comments),
                cmocka_unit_test(test_wipes),
                cmocka_unit_test(test_parser_leaves_nothing),
                cmocka_unit_test(test_getters),
                cmocka_unit_test(test_get_strings),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
