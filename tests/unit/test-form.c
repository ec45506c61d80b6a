/* Forms are written as Globus's own clients write them. */

#include "tests/unit/unit.h"

#include "daemon/remote/form.h"

static void assert_text(const struct buffer *buffer, const char *expected) {
        assert_int_equal(buffer_size(buffer), strlen(expected));
        assert_memory_equal(buffer_bytes(buffer), expected, strlen(expected));
}

static void test_members_are_joined(void **state) {
        _cleanup_(buffer_deinit) struct buffer form = {};

        assert_int_equal(form_add(&form, "client_id", "x"), 0);
        assert_int_equal(form_add(&form, "absent", NULL), 0);
        assert_int_equal(form_add(&form, "empty", ""), 0);
        assert_int_equal(form_add_n(&form, "n", "abc", 2), 0);
        assert_text(&form, "client_id=x&empty=&n=ab");
}

static void test_query(void **state) {
        _cleanup_(buffer_deinit) struct buffer url = {};

        assert_int_equal(buffer_append_string(&url, "https://auth.globus.org/authorize?"), 0);
        assert_int_equal(form_add(&url, "absent", NULL), 0);
        assert_int_equal(form_add(&url, "a", "1"), 0);
        assert_int_equal(form_add(&url, "b", "2"), 0);
        assert_text(&url, "https://auth.globus.org/authorize?a=1&b=2");
}

static void test_escapes(void **state) {
        _cleanup_(buffer_deinit) struct buffer form = {};

        assert_int_equal(form_add(&form, "scope", "urn:globus:auth:scope:a.b:all[*https://x/_y] o~k-"), 0);
        assert_text(&form, "scope=urn%3Aglobus%3Aauth%3Ascope%3Aa.b%3Aall%5B%2Ahttps%3A%2F%2Fx%2F_y%5D+o~k-");

        buffer_clear(&form);
        assert_int_equal(form_add_n(&form, "x", "\0\xff&=+%\n", 7), 0);
        assert_text(&form, "x=%00%FF%26%3D%2B%25%0A");
}

static void test_finish_moves(void **state) {
        _cleanup_(buffer_deinit) struct buffer form = {};
        _cleanup_(secret_freep) struct secret *secret = NULL, *empty = NULL;

        assert_int_equal(form_finish(&empty, &form), 0);
        assert_int_equal(secret_size(empty), 0);

        assert_int_equal(form_add(&form, "token", "t"), 0);
        assert_int_equal(form_finish(&secret, &form), 0);
        assert_string_equal(secret_string(secret), "token=t");
        assert_null(form.data);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_members_are_joined),
                cmocka_unit_test(test_query),
                cmocka_unit_test(test_escapes),
                cmocka_unit_test(test_finish_moves),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
