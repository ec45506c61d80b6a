/* The listing as it arrives: in any pieces, of any content, and never more than is allowed. */

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/remote/groups-reply.h"

static const char listing[] =
        " [ {\"id\":\"5e0c\",\"name\":\"Beamline 7 \\\"night\\\" "
        "crew\",\"description\":null,\"parent_id\":null,"
        "\"group_type\":\"regular\",\"enforce_session\":false,\"session_limit\":28800,\"session_timeouts\":{},"
        "\"my_memberships\":["
        "{\"group_id\":\"5e0c\",\"identity_id\":\"3c1f\",\"username\":\"apark@ridgeway.example\",\"role\":"
        "\"member\","
        "\"status\":\"active\"},"
        "{\"group_id\":\"5e0c\",\"identity_id\":\"8a44\",\"username\":\"apark@lab.example\",\"role\":"
        "\"manager\","
        "\"status\":\"active\"}],\"policies\":{\"signup_fields\":[]},\"subscription_id\":null}\r\n,\t"
        "{\"id\":\"77\",\"name\":\"]}[{\\\\\",\"description\":\"d\",\"parent_id\":\"5e0c\",\"group_type\":"
        "\"plus\"} ] \n";
static const char groups[] =
        "[{\"id\":\"5e0c\",\"name\":\"Beamline 7 \\\"night\\\" crew\",\"group_type\":\"regular\","
        "\"roles\":[\"manager\",\"member\"],\"memberships\":["
        "{\"identity_id\":\"3c1f\",\"username\":\"apark@ridgeway.example\",\"role\":\"member\",\"status\":"
        "\"active\"},"
        "{\"identity_id\":\"8a44\",\"username\":\"apark@lab.example\",\"role\":\"manager\",\"status\":"
        "\"active\"}]},"
        "{\"id\":\"77\",\"name\":\"]}[{\\\\\",\"description\":\"d\",\"group_type\":\"plus\",\"parent_id\":"
        "\"5e0c\","
        "\"roles\":[],\"memberships\":[]}]";

/* Fed in pieces of that size; the first failure. */
static int convert(struct buffer *out, const char *text, size_t n, size_t piece) {
        _cleanup_(groups_reply_freep) struct groups_reply *reply = NULL;
        int r;

        assert_int_equal(groups_reply_new(&reply, (struct bytes){}), 0);
        for (size_t i = 0; i < n; i += piece) {
                r = groups_reply_feed(reply, text + i, MIN(piece, n - i));
                if (r)
                        return r;
        }

        return groups_reply_finish(reply, out);
}

static void assert_converted(const char *text, const char *expected) {
        for (size_t piece = 1; piece <= strlen(text); piece++) {
                _cleanup_(buffer_deinit) struct buffer out = {};

                assert_int_equal(convert(&out, text, strlen(text), piece), 0);
                assert_int_equal(buffer_size(&out), strlen(expected));
                assert_memory_equal(buffer_bytes(&out), expected, strlen(expected));
        }
}

static void assert_refused(const char *text) {
        for (size_t piece = 1; piece <= strlen(text) + 1; piece++) {
                _cleanup_(buffer_deinit) struct buffer out = {};

                if (convert(&out, text, strlen(text), piece) != -EBADMSG)
                        fail_msg("taken: %s", text);
                assert_int_equal(buffer_size(&out), 0);
        }
}

static void test_any_pieces(void **state) {
        assert_converted(listing, groups);
        assert_converted("[]", "[]");
        assert_converted("\n[ ]\n", "[]");
}

static void test_finish_appends(void **state) {
        _cleanup_(buffer_deinit) struct buffer out = {};

        assert_int_equal(buffer_append_string(&out, "x"), 0);
        assert_int_equal(convert(&out, "[]", 2, 2), 0);
        assert_int_equal(buffer_size(&out), 3);
        assert_memory_equal(buffer_bytes(&out), "x[]", 3);
}

static void test_roles(void **state) {
        assert_converted(
                "[{\"id\":\"1\",\"name\":\"\",\"my_memberships\":["
                "{\"role\":\"member\"},{\"role\":\"admin\",\"status\":\"invited\"},"
                "{\"role\":\"zookeeper\",\"status\":\"active\"},{\"role\":\"member\",\"status\":\"active\"},"
                "{\"role\":null},{\"role\":\"admin\",\"status\":7},{\"role\":7,\"username\":[]},7,{\"role\":"
                "\"manager\",\"status\":null}]}]",
                "[{\"id\":\"1\",\"name\":\"\",\"group_type\":\"regular\","
                "\"roles\":[\"manager\",\"member\",\"zookeeper\"],\"memberships\":["
                "{\"role\":\"member\"},{\"role\":\"admin\",\"status\":\"invited\"},"
                "{\"role\":\"zookeeper\",\"status\":\"active\"},{\"role\":\"member\",\"status\":\"active\"},"
                "{},{},{\"role\":\"manager\"}]}]");
}

static void test_members_of_other_types(void **state) {
        assert_converted(
                "[{\"id\":\"1\",\"name\":\"n\",\"description\":7,\"parent_id\":false,\"group_type\":null,"
                "\"my_memberships\":null}]",
                "[{\"id\":\"1\",\"name\":\"n\",\"group_type\":\"regular\",\"roles\":[],\"memberships\":[]}]");
}

static void test_nasty_names(void **state) {
        assert_converted("[{\"id\":\"1\",\"name\":\"\\\\u0000a\\u0000b\\ud83d c\\ud83d\\udc08 "
                         "\xf0\x9f\x90\x88\\n\\u001b\"}]",
                         "[{\"id\":\"1\",\"name\":\"\\\\u0000a\xef\xbf\xbd"
                         "b\xef\xbf\xbd c\xf0\x9f\x90\x88 \xf0\x9f\x90\x88\\n"
                         "\\u001b\",\"group_type\":\"regular\",\"roles\":[],\"memberships\":[]}]");
}

static void test_no_listing(void **state) {
        static const char *const texts[] = {
                "",
                " ",
                "[",
                "null",
                "{\"id\":\"1\",\"name\":\"n\"}",
                "<html>",
                "\xef\xbb\xbf[]",
                "[null]",
                "[7]",
                "[\"a\"]",
                "[[]]",
                "[{}]",
                "[{\"id\":\"1\"}]",
                "[{\"name\":\"n\"}]",
                "[{\"id\":1,\"name\":\"n\"}]",
                "[{\"id\":\"1\",\"name\":\"n\"}",
                "[{\"id\":\"1\",\"name\":\"n\"},",
                "[{\"id\":\"1\",\"name\":\"n\"},]",
                "[,{\"id\":\"1\",\"name\":\"n\"}]",
                "[{\"id\":\"1\",\"name\":\"n\"} {\"id\":\"1\",\"name\":\"n\"}]",
                "[{\"id\":\"1\",\"name\":\"n\"}}]",
                "[{\"id\":\"1\",\"name\":\"n\"]]",
                "[{\"id\":\"1\",\"name\":\"n\",\"name\":\"m\"}]",
                "[{\"id\":\"1\",\"name\":'n'}]",
                "[{\"id\":\"1\",\"name\":\"\xff\"}]",
                "[{\"id\":\"1\",\"name\":\"a\nb\"}]",
                "[{\"id\":\"1\",\"name\":\"n\"",
                "[{\"id\":\"1\",\"name\":\"n\\",
                "[]]",
                "[] x",
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                assert_refused(texts[i]);
}

static void test_deep_nesting(void **state) {
        _cleanup_(buffer_deinit) struct buffer out = {}, text = {};

        assert_int_equal(buffer_append_string(&text, "[{\"id\":\"1\",\"name\":\"n\",\"x\":"), 0);
        for (int i = 0; i < 50000; i++)
                assert_int_equal(buffer_append_string(&text, "["), 0);
        for (int i = 0; i < 50000; i++)
                assert_int_equal(buffer_append_string(&text, "]"), 0);
        assert_int_equal(buffer_append_string(&text, "}]"), 0);
        assert_int_equal(convert(&out, buffer_bytes(&text), buffer_size(&text), 4096), -EBADMSG);
}

/* n groups whose names have that length; -EFBIG tells where it ended. */
static int feed_groups(struct groups_reply *reply, size_t n, size_t length) {
        _cleanup_(freep) char *group = NULL;
        int r = 0, size;

        size = asprintf(&group, "{\"id\":\"1\",\"name\":\"%0*d\"},", (int)length, 0);
        assert_true(size > 0);

        for (size_t i = 0; i < n && !r; i++)
                r = groups_reply_feed(reply, group, (size_t)size);

        return r;
}

static void test_limits(void **state) {
        static const size_t lengths[] = {GROUPS_ELEMENT_MAX - 64, GROUPS_ELEMENT_MAX};
        static const int results[] = {0, -EFBIG};

        for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
                _cleanup_(groups_reply_freep) struct groups_reply *reply = NULL;

                assert_int_equal(groups_reply_new(&reply, (struct bytes){}), 0);
                assert_int_equal(groups_reply_feed(reply, "[", 1), 0);
                assert_int_equal(feed_groups(reply, 1, lengths[i]), results[i]);
                if (results[i] == 0) /* of what they become */
                        assert_int_equal(feed_groups(reply, 140, lengths[i]), -EFBIG);
        }
}

/* What is passed over counts too. */
static void test_limit_of_the_body(void **state) {
        _cleanup_(groups_reply_freep) struct groups_reply *reply = NULL;
        static char blanks[1024 * 1024];
        int r = 0;

        memset(blanks, ' ', sizeof(blanks));
        assert_int_equal(groups_reply_new(&reply, (struct bytes){}), 0);
        for (size_t i = 0; i < GROUPS_BODY_MAX / sizeof(blanks); i++)
                assert_int_equal(groups_reply_feed(reply, blanks, sizeof(blanks)), 0);

        r = groups_reply_feed(reply, " ", 1);
        assert_int_equal(r, -EFBIG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_any_pieces),
                cmocka_unit_test(test_finish_appends),
                cmocka_unit_test(test_roles),
                cmocka_unit_test(test_members_of_other_types),
                cmocka_unit_test(test_nasty_names),
                cmocka_unit_test(test_no_listing),
                cmocka_unit_test(test_deep_nesting),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_limit_of_the_body),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
