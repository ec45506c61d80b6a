/* Members of a reply, and a reply as JSON. */

#include "tests/unit/unit.h"

#include "client/reply.h"
#include "proto/json.h"

static const char text[] = "{\"n\":42,\"t\":true,\"s\":\"x\\u007f\\\"\",\"a\":[1,null,{\"d\":1.5}],\"e\":{}}";

static void test_members(void **state) {
        _cleanup_(json_freep) struct json_object *object = NULL;

        assert_int_equal(json_parse(&object, text, sizeof(text) - 1, 0), 0);
        assert_int_equal(reply_int(object, "n", -1), 42);
        assert_int_equal(reply_int(object, "s", -1), -1);
        assert_int_equal(reply_int(object, "absent", -1), -1);
        assert_int_equal(reply_int(NULL, "n", 7), 7);
        assert_true(reply_bool(object, "t"));
        assert_false(reply_bool(object, "n"));
        assert_int_equal(reply_length(object, "a"), 3);
        assert_int_equal(reply_length(object, "n"), 0);
        assert_int_equal(reply_length(NULL, "a"), 0);
        assert_int_equal(json_object_get_int(reply_element(object, "a", 0)), 1);
}

static void test_json(void **state) {
        static const char expected[] =
                "{\"n\":42,\"t\":true,\"s\":\"x\\u007f\\\"\",\"a\":[1,null,{\"d\":1.5}],\"e\":{}}";
        _cleanup_(json_freep) struct json_object *object = NULL;
        struct buffer out = {};

        assert_int_equal(json_parse(&object, text, sizeof(text) - 1, 0), 0);
        assert_int_equal(reply_append_json(&out, object), 0);
        assert_int_equal(buffer_append(&out, "", 1), 0);
        assert_string_equal(buffer_bytes(&out), expected);

        buffer_clear(&out);
        assert_int_equal(reply_append_json(&out, NULL), 0);
        assert_memory_equal(buffer_bytes(&out), "{}", 2);
        buffer_deinit(&out);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_members),
                cmocka_unit_test(test_json),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
