/* Scope texts are taken apart at the top level only, and what is no scope is refused. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/model/scope.h"
#include "proto/strv.h"

#define STRV(...) ((char *[]){__VA_ARGS__, NULL})

static void assert_splits(const char *text, char *const *expected) {
        _cleanup_(strv_freep) char **scopes = NULL;

        assert_int_equal(scope_split(&scopes, text), 0);
        assert_true(strv_equal(scopes, expected));
}

static void test_split(void **state) {
        assert_splits("openid", STRV("openid"));
        assert_splits("b a b", STRV("b", "a", "b"));
        assert_splits("  a   b  ", STRV("a", "b"));
        assert_splits("a[b *c[d e]] *f", STRV("a[b *c[d e]]", "*f"));
        assert_splits("a[b[c]]", STRV("a[b[c]]"));
        assert_splits("", NULL);
        assert_splits("   ", NULL);
}

static void test_split_refuses(void **state) {
        static const char *const texts[] = {
                "a[",    "a]",      "a[b",   "a[]", "[a]",  "a [b]", "a[b]c", "a[[b]]",   "a[ b]",
                "a[b ]", "a[b  c]", "a[b]]", "*",   "a *",  "* a",   "**a",   "a*",       "a*b",
                "a[*]",  "a[b]*",   "a\tb",  "a\"", "a\\b", "a\nb",  "\x7f",  "\xc3\xa9", "a[b]\x01",
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                char **untouched = STRV("here"), **scopes = untouched;

                if (scope_split(&scopes, texts[i]) != -EINVAL)
                        fail_msg("taken for scopes: '%s'", texts[i]);
                assert_ptr_equal(scopes, untouched);
        }
}

static void test_split_many(void **state) {
        _cleanup_(strv_freep) char **scopes = NULL;
        char text[2 * SCOPES_MAX + 2] = "";

        for (size_t i = 0; i < SCOPES_MAX; i++)
                strcat(text, "a ");
        assert_int_equal(scope_split(&scopes, text), 0);
        assert_int_equal(strv_length(scopes), SCOPES_MAX);
        assert_int_equal(scope_split(&scopes, strcat(text, "b")), -EINVAL);
}

static void assert_name(const char *scope, const char *expected) {
        _cleanup_(freep) char *name = NULL;

        assert_int_equal(scope_name(&name, scope), 0);
        assert_string_equal(name, expected);
}

static void test_name(void **state) {
        assert_name("openid", "openid");
        assert_name("*a", "a");
        assert_name("*a:all[*b c]", "a:all");
}

static void test_covers(void **state) {
        char **granted = STRV("a", "b"), **requested = STRV("a[x]", "b", "c");

        assert_true(scope_covers(granted, requested, NULL));
        assert_true(scope_covers(granted, requested, STRV("b", "a")));
        assert_true(scope_covers(granted, requested, STRV("*a")));
        assert_true(scope_covers(granted, requested, STRV("a[x]")));
        assert_false(scope_covers(granted, requested, STRV("a[y]"))); /* not asked for */
        assert_false(scope_covers(granted, requested, STRV("b[x]")));
        assert_false(scope_covers(granted, requested, STRV("a", "c"))); /* asked for, not granted */
        assert_false(scope_covers(granted, requested, STRV("aa")));
        assert_false(scope_covers(NULL, NULL, STRV("a")));

        assert_true(scope_covers(requested, requested, STRV("a"))); /* should Globus give dependencies back */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_split),      cmocka_unit_test(test_split_refuses),
                cmocka_unit_test(test_split_many), cmocka_unit_test(test_name),
                cmocka_unit_test(test_covers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
