/* Environments and their URLs; origins are copied and compared whole. */

#include "tests/unit/unit.h"

#include "daemon/model/origin.h"

static void test_environments(void **state) {
        static const char *const names[] = {"production",  "preview", "sandbox",
                                            "integration", "test",    "staging"};

        assert_string_equal(origin_auth_url("production"), "https://auth.globus.org/");
        assert_string_equal(origin_groups_url("production"), "https://groups.api.globus.org/");
        assert_string_equal(origin_auth_url("preview"), "https://auth.preview.globus.org/");
        assert_string_equal(origin_groups_url("sandbox"), "https://groups.api.sandbox.globuscs.info/");

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                assert_int_equal(strncmp(origin_auth_url(names[i]), "https://auth.", 13), 0);
                assert_int_equal(strncmp(origin_groups_url(names[i]), "https://groups.api.", 19), 0);
        }

        assert_null(origin_auth_url("Production"));
        assert_null(origin_groups_url(""));
}

static void test_copy_and_equal(void **state) {
        struct origin origin = {"test", "https://a/", "https://g/", "client"}, other = origin;
        _cleanup_(origin_deinit) struct origin copy = {0};

        assert_int_equal(origin_copy(&copy, &origin), 0);
        assert_true(origin_equal(&copy, &origin));
        assert_ptr_not_equal(copy.auth_url, origin.auth_url);

        other.client_id = "another";
        assert_false(origin_equal(&copy, &other));
        other.client_id = NULL;
        assert_false(origin_equal(&copy, &other));
        assert_false(origin_equal(&other, &copy));
        assert_true(origin_equal(&other, &other));

        origin_deinit(&copy);
        assert_null(copy.environment);
}

static void test_same_site(void **state) {
        const struct origin origin = {"test", "https://a/", "https://g/", "client"};
        struct origin other = origin;

        other.client_id = "another";
        assert_true(origin_same_site(&origin, &other));
        other.groups_url = "https://elsewhere/";
        assert_false(origin_same_site(&origin, &other));
        other = origin;
        other.auth_url = "https://elsewhere/";
        assert_false(origin_same_site(&origin, &other));
        other = origin;
        other.environment = "preview";
        assert_false(origin_same_site(&origin, &other));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_environments),
                cmocka_unit_test(test_copy_and_equal),
                cmocka_unit_test(test_same_site),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
