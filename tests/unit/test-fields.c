#include "tests/unit/unit.h"

#include <errno.h>

#include "proto/error.h"
#include "proto/fields.h"
#include "proto/json-text.h"
#include "proto/json.h"
#include "proto/secret.h"
#include "proto/strv.h"

struct record {
        char *name, *other;
        char **list;
        struct secret *code;
        bool force;
        enum tristate mfa;
        int64_t count;
};

static const struct field table[] = {
        FIELD(struct record, name, FIELD_STRING, FIELD_REQUIRED),
        FIELD(struct record, other, FIELD_STRING, 0),
        FIELD(struct record, list, FIELD_STRINGS, 0),
        FIELD(struct record, code, FIELD_SECRET, 0),
        FIELD(struct record, force, FIELD_BOOL, 0),
        FIELD(struct record, mfa, FIELD_TRISTATE, 0),
        FIELD(struct record, count, FIELD_INT, 0),
        {.name = NULL},
};

static const struct field all_required[] = {
        FIELD(struct record, name, FIELD_STRING, FIELD_REQUIRED),
        FIELD(struct record, list, FIELD_STRINGS, FIELD_REQUIRED),
        FIELD(struct record, code, FIELD_SECRET, FIELD_REQUIRED),
        FIELD(struct record, force, FIELD_BOOL, FIELD_REQUIRED),
        FIELD(struct record, mfa, FIELD_TRISTATE, FIELD_REQUIRED),
        FIELD(struct record, count, FIELD_INT, FIELD_REQUIRED),
        {.name = NULL},
};

static void record_release(struct record *record) {
        fields_release(table, record);
}

static void write(struct buffer *out, const struct record *record) {
        struct writer writer = WRITER_INIT(out);

        write_object_begin(&writer);
        fields_write(table, record, &writer);
        write_object_end(&writer);
        write_bytes(&writer, "", 1);
        assert_int_equal(writer_end(&writer), 0);
}

/* Read as text it is what it is read as a tree; but no text that only a lenient parser takes. */
static void assert_same_as_text(const struct record *from, const struct record *parsed, const char *text,
                                enum fields_mode mode, const char *bad) {
        _cleanup_(buffer_deinit) struct buffer expected = {}, found = {};
        _cleanup_(record_release) struct record record = {};
        _cleanup_(freep) char *bad_in_text = NULL;
        struct bytes value;
        int r;

        if (json_text_parse(&value, text, strlen(text)))
                return;

        assert_int_equal(fields_copy(table, &record, from), 0);
        r = fields_parse_text(table, &record, value, mode, &bad_in_text);
        assert_int_equal(r, bad ? AGENT_ERROR_INVALID_PARAMETER : 0);
        if (bad)
                assert_string_equal(bad_in_text, bad);

        write(&expected, parsed);
        write(&found, &record);
        assert_string_equal(buffer_bytes(&found), buffer_bytes(&expected));
}

/* The member that is bad, in static storage; NULL if all is well. */
static const char *parse(struct record *record, const char *text, enum fields_mode mode) {
        _cleanup_(json_freep) struct json_object *object = NULL;
        _cleanup_(record_release) struct record before = {};
        static char name[64];
        const char *bad = NULL;
        int r;

        assert_int_equal(fields_copy(table, &before, record), 0);
        assert_int_equal(json_parse(&object, text, strlen(text), JSON_LENIENT_STRINGS), 0);
        r = fields_parse(table, record, object, mode, &bad);
        assert_same_as_text(&before, record, text, mode, bad);
        if (!r)
                return NULL;

        assert_int_equal(r, AGENT_ERROR_INVALID_PARAMETER);
        assert_non_null(bad);
        strncpy(name, bad, sizeof(name) - 1);
        return name;
}

static void test_parses_every_type(void **state) {
        _cleanup_(record_release) struct record record = {};

        assert_null(
                parse(&record,
                      "{\"name\":\"x\",\"list\":[\"a\",\"b\"],\"code\":\"secret\",\"force\":true,\"mfa\":false,"
                      "\"count\":9223372036854775807}",
                      FIELDS_EXACT));
        assert_string_equal(record.name, "x");
        assert_null(record.other);
        assert_int_equal(strv_length(record.list), 2);
        assert_string_equal(record.list[1], "b");
        assert_string_equal(secret_string(record.code), "secret");
        assert_true(record.force);
        assert_int_equal(record.mfa, TRISTATE_FALSE);
        assert_int_equal(record.count, INT64_MAX);
}

static void test_absent_and_null_leave_defaults(void **state) {
        _cleanup_(record_release) struct record record = {
                .other = strdup("default"), .count = 5, .force = true};

        assert_null(parse(&record, "{\"name\":\"x\",\"other\":null,\"count\":null,\"list\":null,\"mfa\":null}",
                          FIELDS_EXACT));
        assert_string_equal(record.other, "default");
        assert_int_equal(record.count, 5);
        assert_true(record.force);
        assert_int_equal(record.mfa, TRISTATE_UNSET);
}

static void test_replaces_defaults(void **state) {
        _cleanup_(record_release) struct record record = {.name = strdup("old"), .force = true};

        assert_int_equal(strv_append(&record.list, "old"), 0);
        assert_int_equal(secret_new(&record.code, "old", 3), 0);
        assert_null(parse(
                &record,
                "{\"name\":\"new\",\"list\":[],\"code\":\"new\",\"force\":false,\"mfa\":true,\"count\":0}",
                FIELDS_EXACT));
        assert_string_equal(record.name, "new");
        assert_null(record.list);
        assert_string_equal(secret_string(record.code), "new");
        assert_false(record.force);
        assert_int_equal(record.mfa, TRISTATE_TRUE);
}

static void test_names_what_is_bad(void **state) {
        static const struct {
                const char *text, *bad;
        } cases[] = {
                {"{\"name\":1}", "name"},
                {"{\"name\":[\"x\"]}", "name"},
                {"{\"name\":\"a\\u0000b\"}", "name"},
                {"{\"name\":\"x\",\"list\":\"a\"}", "list"},
                {"{\"name\":\"x\",\"list\":[1]}", "list"},
                {"{\"name\":\"x\",\"list\":[null]}", "list"},
                {"{\"name\":\"x\",\"list\":{}}", "list"},
                {"{\"name\":\"x\",\"code\":5}", "code"},
                {"{\"name\":\"x\",\"code\":\"a\\u0000\"}", "code"},
                {"{\"name\":\"x\",\"force\":1}", "force"},
                {"{\"name\":\"x\",\"force\":\"true\"}", "force"},
                {"{\"name\":\"x\",\"mfa\":0}", "mfa"},
                {"{\"name\":\"x\",\"count\":-1}", "count"},
                {"{\"name\":\"x\",\"count\":1.0}", "count"},
                {"{\"name\":\"x\",\"count\":\"1\"}", "count"},
                {"{\"name\":\"x\",\"count\":true}", "count"},
                {"{\"name\":\"x\",\"count\":9223372036854775808}", "count"},
                {"{\"name\":\"x\",\"count\":99999999999999999999999}", "count"},
                {"{\"name\":\"x\",\"count\":1e3}", "count"},
                {"{\"name\":\"x\",\"unknown\":1}", "unknown"},
                {"{\"name\":\"x\",\"\\u0075nknown\":1}", "unknown"},
                {"{\"name\":\"x\",\"unknown\":null}", "unknown"},
                {"{\"name\":null}", "name"},
                {"{}", "name"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(record_release) struct record record = {};

                assert_string_equal(parse(&record, cases[i].text, FIELDS_EXACT), cases[i].bad);
        }
}

static void test_long_lists(void **state) {
        char text[4 * FIELDS_STRINGS_MAX + 64] = "{\"name\":\"x\",\"list\":[\"a\"";
        _cleanup_(record_release) struct record exact = {}, open = {};

        for (size_t i = 1; i < FIELDS_STRINGS_MAX; i++)
                strcat(text, ",\"a\"");
        strcat(text, "]}");
        assert_null(parse(&exact, text, FIELDS_EXACT));
        assert_int_equal(strv_length(exact.list), FIELDS_STRINGS_MAX);

        strcpy(text + strlen(text) - 2, ",\"a\"]}");
        assert_string_equal(parse(&exact, text, FIELDS_EXACT), "list");
        assert_null(parse(&open, text, FIELDS_OPEN));
}

static void test_no_object(void **state) {
        _cleanup_(freep) char *missing = NULL;
        const char *bad = NULL;
        struct record record = {};

        assert_int_equal(fields_parse(table, &record, NULL, FIELDS_EXACT, &bad), AGENT_ERROR_INVALID_PARAMETER);
        assert_string_equal(bad, "name");
        assert_int_equal(fields_parse(table + 1, &record, NULL, FIELDS_EXACT, &bad), 0);
        assert_int_equal(fields_parse_text(table + 1, &record, (struct bytes){}, FIELDS_EXACT, &missing), 0);
        assert_int_equal(fields_parse_text(table, &record, (struct bytes){}, FIELDS_EXACT, &missing),
                         AGENT_ERROR_INVALID_PARAMETER);
        assert_string_equal(missing, "name");
}

static void test_open_passes_over_unknown(void **state) {
        _cleanup_(record_release) struct record record = {};

        assert_null(parse(&record, "{\"unknown\":[{}],\"name\":\"x\"}", FIELDS_OPEN));
        assert_string_equal(record.name, "x");
}

static void test_parse_failed_half_way(void **state) {
        _cleanup_(record_release) struct record record = {};

        assert_string_equal(parse(&record, "{\"name\":\"x\",\"list\":[\"a\",\"b\",3]}", FIELDS_EXACT), "list");
        assert_string_equal(record.name, "x");
        assert_null(record.list);

        fields_release(table, &record);
        assert_null(record.name);
        fields_release(table, &record);
}

static void assert_written(const struct field *fields, const struct record *record, const char *expected) {
        _cleanup_(buffer_deinit) struct buffer buffer = {};
        struct writer writer = WRITER_INIT(&buffer);

        write_object_begin(&writer);
        fields_write(fields, record, &writer);
        write_object_end(&writer);
        write_bytes(&writer, "", 1);
        assert_int_equal(writer_end(&writer), 0);
        assert_string_equal(buffer_bytes(&buffer), expected);
}

static void test_writes(void **state) {
        static const char full[] =
                "{\"name\":\"x\",\"other\":\"o\",\"list\":[\"a\"],\"code\":\"secret\",\"force\":true,"
                "\"mfa\":false,\"count\":7}";
        _cleanup_(record_release) struct record record = {};

        assert_written(table, &record, "{\"name\":\"\"}");
        assert_written(all_required, &record,
                       "{\"name\":\"\",\"list\":[],\"code\":\"\",\"force\":false,\"mfa\":false,\"count\":0}");

        assert_null(parse(&record, full, FIELDS_EXACT));
        assert_written(table, &record, full);
}

static void test_copies(void **state) {
        static const char full[] =
                "{\"name\":\"x\",\"list\":[\"a\"],\"code\":\"secret\",\"force\":true,\"mfa\":false,"
                "\"count\":7}";
        _cleanup_(record_release) struct record record = {}, copy = {}, empty = {}, of_empty = {};

        memset(&copy, 0x55, sizeof(copy)); /* is not looked at */
        assert_null(parse(&record, full, FIELDS_EXACT));
        assert_int_equal(fields_copy(table, &copy, &record), 0);
        assert_ptr_not_equal(copy.name, record.name);
        assert_ptr_not_equal(copy.list, record.list);
        assert_ptr_not_equal(copy.code, record.code);
        assert_null(copy.other);
        fields_release(table, &record);
        assert_written(table, &copy, full);

        memset(&of_empty, 0x55, sizeof(of_empty));
        assert_int_equal(fields_copy(table, &of_empty, &empty), 0);
        assert_written(table, &of_empty, "{\"name\":\"\"}");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parses_every_type),
                cmocka_unit_test(test_absent_and_null_leave_defaults),
                cmocka_unit_test(test_replaces_defaults),
                cmocka_unit_test(test_names_what_is_bad),
                cmocka_unit_test(test_long_lists),
                cmocka_unit_test(test_no_object),
                cmocka_unit_test(test_open_passes_over_unknown),
                cmocka_unit_test(test_parse_failed_half_way),
                cmocka_unit_test(test_writes),
                cmocka_unit_test(test_copies),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
