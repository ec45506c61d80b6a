/* JSON by its name, or by its suffix. */

#include "tests/unit/unit.h"

#include "daemon/remote/media-type.h"

static void test_json(void **state) {
        assert_true(media_type_is_json("application/json"));
        assert_true(media_type_is_json("application/problem+json"));
}

static void test_other(void **state) {
        static const char *const others[] = {
                "",
                "json",
                "+json",
                "application/",
                "application/+json",
                "application/jsonx",
                "application/xml",
                "text/html",
                "text/json",
                "image/svg+json",
        };

        for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
                if (media_type_is_json(others[i]))
                        fail_msg("%s", others[i]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_json),
                cmocka_unit_test(test_other),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
