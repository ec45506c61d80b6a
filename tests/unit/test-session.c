#include "tests/unit/unit.h"

#include "proto/json.h"
#include "proto/session.h"

struct record {
        int64_t before;
        struct session session;
};

static const struct field table[] = {SESSION_FIELDS(struct record, session), {.name = NULL}};

static const char full[] = "{\"session_message\":\"m\",\"session_required_identities\":[\"a\",\"b\"],"
                           "\"session_required_single_domain\":[\"d\"],\"session_required_policies\":[\"p\"],"
                           "\"session_required_mfa\":false,\"prompt\":\"login\"}";

static void parse(struct session *ret, const char *text) {
        _cleanup_(json_freep) struct json_object *object = NULL;
        struct record record = {};
        const char *bad;

        assert_int_equal(json_parse(&object, text, strlen(text), 0), 0);
        assert_int_equal(fields_parse(table, &record, object, FIELDS_EXACT, &bad), 0);
        *ret = record.session;
}

static void assert_written(const struct session *session, const char *expected) {
        _cleanup_(buffer_deinit) struct buffer buffer = {};
        struct writer writer = WRITER_INIT(&buffer);
        const struct record record = {.session = *session}; /* borrows everything */

        write_object_begin(&writer);
        fields_write(table, &record, &writer);
        write_object_end(&writer);
        write_bytes(&writer, "", 1);
        assert_int_equal(writer_end(&writer), 0);
        assert_string_equal(buffer_bytes(&buffer), expected);
}

static void test_there_and_back(void **state) {
        _cleanup_(session_deinit) struct session session = {}, empty = {};

        parse(&session, full);
        assert_string_equal(session.session_required_identities[1], "b");
        assert_int_equal(session.session_required_mfa, TRISTATE_FALSE);
        assert_written(&session, full);
        assert_written(&empty, "{}");
}

static void test_copies(void **state) {
        _cleanup_(session_deinit) struct session session = {}, copy;

        parse(&session, full);
        assert_int_equal(session_copy(&copy, &session), 0);
        assert_true(session_equal(&copy, &session));
        session_deinit(&session);
        assert_true(session_is_empty(&session));
        assert_written(&session, "{}");
        assert_written(&copy, full);
}

/* Each member counts. */
static void test_equal_and_empty(void **state) {
        static const char *const parts[] = {
                "{\"session_message\":\"m\"}",
                "{\"session_message\":\"n\"}",
                "{\"session_required_identities\":[\"a\"]}",
                "{\"session_required_single_domain\":[\"a\"]}",
                "{\"session_required_policies\":[\"a\"]}",
                "{\"session_required_policies\":[\"a\",\"b\"]}",
                "{\"session_required_mfa\":true}",
                "{\"session_required_mfa\":false}",
                "{\"prompt\":\"login\"}",
                "{}",
        };

        for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
                for (size_t k = 0; k < ARRAY_SIZE(parts); k++) {
                        _cleanup_(session_deinit) struct session a = {}, b = {};

                        parse(&a, parts[i]);
                        parse(&b, parts[k]);
                        assert_int_equal(session_equal(&a, &b), i == k);
                        assert_int_equal(session_is_empty(&a), i == ARRAY_SIZE(parts) - 1);
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_there_and_back),
                cmocka_unit_test(test_copies),
                cmocka_unit_test(test_equal_and_empty),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
