/* Groups as text, and the question whether someone is a member. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "client/listing.h"
#include "proto/json.h"

#define NIGHT "5e0c1c1e-0f5c-4f7e-9a43-2a8f9c1b7d10"
#define PLUS "6e0c1c1e-0f5c-4f7e-9a43-2a8f9c1b7d10"

static const char text[] =
        "{\"groups\":["
        "{\"id\":\"" NIGHT
        "\",\"name\":\"Beamline 7 \\\"night\\\" crew\\u001b\",\"roles\":[\"manager\",\"member\"],"
        "\"memberships\":[{\"role\":\"member\",\"status\":\"active\"},{\"role\":\"manager\",\"status\":"
        "\"active\"},"
        "{\"role\":\"admin\",\"status\":\"invited\"}]},"
        "{\"id\":\"" PLUS "\",\"name\":\"a,b\\nc\",\"roles\":[],\"memberships\":[{\"role\":\"admin\"}]},"
        "{\"id\":\"7e0c1c1e-0f5c-4f7e-9a43-2a8f9c1b7d10\",\"name\":\"\",\"roles\":[],\"memberships\":[]}"
        "],\"fetched_at\":1}";

static struct json_object *parse(const char *json) {
        struct json_object *parameters = NULL;

        assert_int_equal(json_parse(&parameters, json, strlen(json), 0), 0);
        return parameters;
}

static void assert_listed(const char *json, enum listing_format format, bool for_terminal,
                          const char *expected) {
        _cleanup_(json_freep) struct json_object *parameters = parse(json);
        struct buffer out = {};

        assert_int_equal(listing_write(&out, parameters, format, for_terminal), 0);
        assert_int_equal(buffer_append(&out, "", 1), 0);
        assert_string_equal(buffer_bytes(&out), expected);
        buffer_deinit(&out);
}

static void test_csv(void **state) {
        assert_listed(text, LISTING_CSV, false,
                      "ID,Name,Roles\n" NIGHT ",\"Beamline 7 \"\"night\"\" crew\033\",manager|member\n" PLUS
                      ",\"a,b\nc\",\n"
                      "7e0c1c1e-0f5c-4f7e-9a43-2a8f9c1b7d10,\"\",\n");
        assert_listed(text, LISTING_CSV, true,
                      "ID,Name,Roles\n" NIGHT ",\"Beamline 7 \"\"night\"\" crew\\x1b\",manager|member\n" PLUS
                      ",\"a,b\\nc\",\n"
                      "7e0c1c1e-0f5c-4f7e-9a43-2a8f9c1b7d10,\"\",\n");
        assert_listed("{\"groups\":[]}", LISTING_CSV, false, "ID,Name,Roles\n");
        /* a role that nobody has heard of cannot add a field */
        assert_listed("{\"groups\":[{\"id\":\"a,b\",\"name\":\"n\",\"roles\":[\"x,\\\"y\"]}]}", LISTING_CSV,
                      false, "ID,Name,Roles\n\"a,b\",\"n\",\"x,\"\"y\"\n");
}

static void test_table(void **state) {
        assert_listed("{\"groups\":[{\"id\":\"1\",\"name\":\"x\\ny\",\"roles\":[\"admin\",\"member\"]}]}",
                      LISTING_TABLE, true,
                      "ID  Name  Roles\n"
                      "1   x\\ny  admin|member\n");
}

static void test_json(void **state) {
        static const char json[] = "{\"groups\":[{\"id\":\"1\",\"b\":true,\"n\":null},{\"id\":\"\\u202e\"}]}";

        assert_listed(json, LISTING_JSON, false,
                      "[\n {\"id\":\"1\",\"b\":true,\"n\":null},\n {\"id\":\"\\u202e\"}\n]\n");
        assert_listed(json, LISTING_JSON_LINES, false,
                      "{\"id\":\"1\",\"b\":true,\"n\":null}\n{\"id\":\"\\u202e\"}\n");
        assert_listed("{\"groups\":[]}", LISTING_JSON, false, "[]\n");
        assert_listed("{\"groups\":[]}", LISTING_JSON_LINES, false, "");
}

static bool is_member(const char *group_id, const char *role, char *const *statuses) {
        _cleanup_(json_freep) struct json_object *parameters = parse(text);
        const struct listing_question question = {group_id, role, statuses};

        return listing_is_member(parameters, &question);
}

static void test_is_member(void **state) {
        char *const invited[] = {(char *)"pending", (char *)"invited", NULL};

        assert_true(is_member(NIGHT, NULL, NULL));
        assert_true(is_member("5E0C1C1E-0F5C-4F7E-9A43-2A8F9C1B7D10", "member", NULL));
        assert_true(is_member(NIGHT, "manager", NULL));
        assert_false(is_member(NIGHT, "admin", NULL)); /* only invited to be one */
        assert_true(is_member(NIGHT, "admin", invited));
        assert_true(is_member(PLUS, "admin", NULL)); /* no status said */
        assert_false(is_member("Beamline 7 \"night\" crew", NULL, NULL)); /* a name is nothing to trust */
        assert_false(is_member("7e0c1c1e-0f5c-4f7e-9a43-2a8f9c1b7d10", NULL, NULL)); /* no membership */
        assert_false(is_member("8e0c1c1e-0f5c-4f7e-9a43-2a8f9c1b7d10", NULL, NULL));
}

static void test_names(void **state) {
        enum listing_format format = LISTING_TABLE;

        assert_int_equal(listing_format_from_string(&format, "jsonl"), 0);
        assert_int_equal(format, LISTING_JSON_LINES);
        assert_int_equal(listing_format_from_string(&format, "CSV"), -EINVAL);

        assert_true(listing_role_rank("member") < listing_role_rank("manager"));
        assert_true(listing_role_rank("manager") < listing_role_rank("admin"));
        assert_int_equal(listing_role_rank("owner"), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_csv),       cmocka_unit_test(test_table), cmocka_unit_test(test_json),
                cmocka_unit_test(test_is_member), cmocka_unit_test(test_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
