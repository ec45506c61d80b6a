#include "tests/unit/unit.h"

#include <errno.h>

#include "proto/json.h"
#include "proto/message.h"
#include "tests/unit/wiped.h"

static int parse_call(struct message_call *ret, const char *text) {
        return message_parse_call(ret, text, strlen(text));
}

static int parse_reply(struct message_reply *ret, const char *text) {
        return message_parse_reply(ret, text, strlen(text));
}

static void test_call(void **state) {
        _cleanup_(message_call_deinit) struct message_call call = {};

        assert_int_equal(parse_call(&call, "{\"method\":\"a.B\",\"parameters\":{\"x\":\"y\"},\"more\":true,"
                                           "\"oneway\":false}"),
                         0);
        assert_string_equal(call.method, "a.B");
        assert_int_equal(call.parameters.n, strlen("{\"x\":\"y\"}"));
        assert_memory_equal(call.parameters.data, "{\"x\":\"y\"}", call.parameters.n);
        assert_true(call.more);
        assert_false(call.oneway);
        assert_false(call.upgrade);
}

/* Absent and null are no bytes; {} holds no members. */
static void test_call_without_parameters(void **state) {
        static const char *const texts[] = {
                "{\"method\":\"a.B\"}",
                "{\"method\":\"a.B\",\"parameters\":null}",
                "{\"parameters\":{},\"method\":\"a.B\",\"oneway\":null}",
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                _cleanup_(message_call_deinit) struct message_call call = {};

                assert_int_equal(parse_call(&call, texts[i]), 0);
                assert_int_equal(call.parameters.n, i < 2 ? 0 : strlen("{}"));
                assert_false(call.oneway);
        }
}

static void test_call_flags(void **state) {
        static const char *const two[] = {
                "{\"method\":\"a.B\",\"oneway\":true,\"more\":true}",
                "{\"method\":\"a.B\",\"oneway\":true,\"upgrade\":true}",
                "{\"method\":\"a.B\",\"upgrade\":true,\"more\":true}",
        };
        _cleanup_(message_call_deinit) struct message_call oneway = {}, upgrade = {}, none = {};

        assert_int_equal(parse_call(&oneway, "{\"method\":\"a.B\",\"oneway\":true,\"more\":false}"), 0);
        assert_true(oneway.oneway);
        assert_int_equal(parse_call(&upgrade, "{\"method\":\"a.B\",\"upgrade\":true}"), 0);
        assert_true(upgrade.upgrade);

        for (size_t i = 0; i < ARRAY_SIZE(two); i++)
                assert_int_equal(parse_call(&none, two[i]), -EBADMSG);
}

static void test_broken_calls(void **state) {
        static const char *const broken[] = {
                "",
                "null",
                "[]",
                "\"x\"",
                "{}",
                "{\"method\":null}",
                "{\"method\":5}",
                "{\"method\":\"a.B\",\"parameters\":[]}",
                "{\"method\":\"a.B\",\"parameters\":\"x\"}",
                "{\"method\":\"a.B\",\"parameters\":false}",
                "{\"method\":\"a.B\",\"more\":1}",
                "{\"method\":\"a.B\",\"more\":\"true\"}",
                "{\"method\":\"a.B\",\"unknown\":1}",
                "{\"method\":\"a.B\",\"method\":\"a.C\"}",
                "{\"method\":\"a.B\",\"parameters\":{\"x\":1,\"x\":2}}",
                "{\"method\":\"a.B\"} x",
                "{'method':'a.B'}",
        };
        struct message_call call = {.method = NULL};

        for (size_t i = 0; i < ARRAY_SIZE(broken); i++)
                assert_int_equal(parse_call(&call, broken[i]), -EBADMSG);

        assert_null(call.method);
        assert_int_equal(call.parameters.n, 0);
}

static void test_reply(void **state) {
        _cleanup_(message_reply_deinit) struct message_reply reply = {}, error = {}, bare = {}, open = {};

        assert_int_equal(parse_reply(&reply, "{\"parameters\":{\"x\":\"y\"},\"continues\":true}"), 0);
        assert_null(reply.error);
        assert_true(reply.continues);
        assert_string_equal(json_get_string(reply.parameters, "x"), "y");

        assert_int_equal(parse_reply(&error, "{\"error\":\"a.B\",\"parameters\":{\"message\":\"m\"}}"), 0);
        assert_string_equal(error.error, "a.B");
        assert_string_equal(json_get_string(error.parameters, "message"), "m");

        assert_int_equal(parse_reply(&bare, "{}"), 0);
        assert_null(bare.error);
        assert_null(bare.parameters);
        assert_false(bare.continues);

        assert_int_equal(parse_reply(&open, "{\"new\":1,\"parameters\":{}}"), 0);
        assert_null(open.parameters);
}

static void test_broken_replies(void **state) {
        struct message_reply reply = {};

        assert_int_equal(parse_reply(&reply, "[]"), -EBADMSG);
        assert_int_equal(parse_reply(&reply, "null"), -EBADMSG);
        assert_int_equal(parse_reply(&reply, "{\"error\":5}"), -EBADMSG);
        assert_int_equal(parse_reply(&reply, "{\"continues\":1}"), -EBADMSG);
        assert_int_equal(parse_reply(&reply, "{\"parameters\":[]}"), -EBADMSG);
}

static void test_wipes_parameters(void **state) {
        struct message_reply reply = {};
        uintptr_t token;

        assert_int_equal(parse_reply(&reply, "{\"parameters\":{\"token\":\"secret\"}}"), 0);
        token = (uintptr_t)json_get_string(reply.parameters, "token");

        wiped_forget();
        message_reply_deinit(&reply);
        assert_true(wiped_includes(token, 6));
        assert_null(reply.parameters);
}

static void assert_message(struct buffer *buffer, struct writer *writer, const char *expected) {
        write_object_begin(writer);
        write_object_end(writer);
        message_end(writer);
        assert_int_equal(writer_end(writer), 0);
        assert_int_equal(buffer_size(buffer), strlen(expected) + 1);
        assert_string_equal(buffer_bytes(buffer), expected);
        buffer_consume(buffer, buffer_size(buffer));
}

/* One writer for all of them: a connection has many messages. */
static void test_writes(void **state) {
        _cleanup_(buffer_deinit) struct buffer buffer = {};
        struct writer writer = WRITER_INIT(&buffer);

        message_begin_call(&writer, "a.B", 0);
        assert_message(&buffer, &writer, "{\"method\":\"a.B\",\"parameters\":{}}");
        message_begin_call(&writer, "a.B", MESSAGE_MORE);
        assert_message(&buffer, &writer, "{\"method\":\"a.B\",\"more\":true,\"parameters\":{}}");
        message_begin_call(&writer, "a.B", MESSAGE_ONEWAY);
        assert_message(&buffer, &writer, "{\"method\":\"a.B\",\"oneway\":true,\"parameters\":{}}");
        message_begin_reply(&writer, false);
        assert_message(&buffer, &writer, "{\"parameters\":{}}");
        message_begin_reply(&writer, true);
        assert_message(&buffer, &writer, "{\"continues\":true,\"parameters\":{}}");
        message_begin_error(&writer, "a.C");
        assert_message(&buffer, &writer, "{\"error\":\"a.C\",\"parameters\":{}}");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_call),
                cmocka_unit_test(test_call_without_parameters),
                cmocka_unit_test(test_call_flags),
                cmocka_unit_test(test_broken_calls),
                cmocka_unit_test(test_reply),
                cmocka_unit_test(test_broken_replies),
                cmocka_unit_test(test_wipes_parameters),
                cmocka_unit_test(test_writes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
