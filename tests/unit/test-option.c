/* Command lines to structs. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "client/option.h"

struct record {
        const char *name, *first, *second;
        char **many;
        int64_t seconds;
        bool flag, other;
};

static const struct option_spec global_table[] = {
        {"flag", OPTION_FLAG, offsetof(struct record, flag), 'f'},
        {"name", OPTION_STRING, offsetof(struct record, name), 'n'},
        {},
};

static const struct option_spec table[] = {
        {"FIRST", OPTION_OPERAND, offsetof(struct record, first), 0},
        {"SECOND", OPTION_OPERAND, offsetof(struct record, second), 0},
        {"many", OPTION_STRINGS, offsetof(struct record, many), 'm'},
        {"seconds", OPTION_SECONDS, offsetof(struct record, seconds), 0},
        {"other", OPTION_FLAG, offsetof(struct record, other), 'o'},
        {},
};

static int parse(struct record *record, const char *const *line, const char **ret_rest, char **ret_error) {
        const struct option_scope scopes[] = {{global_table, record}, {table, record}, {}};
        char **argv = (char **)line;
        int r = option_parse(&argv, scopes, ret_error);

        *ret_rest = *argv;
        return r;
}

#define LINE(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_forms(void **state) {
        struct record record = {.seconds = -1};
        const char *rest;
        char *error = NULL;

        assert_int_equal(parse(&record,
                               LINE("one", "--many", "a", "-mb", "-m", "c", "--many=d=e", "-fo", "--seconds=0",
                                    "--name", "", "two"),
                               &rest, &error),
                         0);
        assert_null(rest);
        assert_string_equal(record.first, "one");
        assert_string_equal(record.second, "two");
        assert_string_equal(record.name, "");
        assert_string_equal(record.many[0], "a");
        assert_string_equal(record.many[1], "b");
        assert_string_equal(record.many[2], "c");
        assert_string_equal(record.many[3], "d=e");
        assert_null(record.many[4]);
        assert_true(record.flag && record.other);
        assert_int_equal(record.seconds, 0);

        option_release(table, &record);
        assert_null(record.many);
}

static void test_last_one_counts_and_values_may_look_like_options(void **state) {
        struct record record = {};
        const char *rest;
        char *error = NULL;

        assert_int_equal(parse(&record, LINE("-nx", "--name", "--flag"), &rest, &error), 0);
        assert_string_equal(record.name, "--flag");
        assert_false(record.flag);
}

static void test_operands(void **state) {
        struct record record = {};
        const char *rest;
        char *error = NULL;

        /* everything behind --, and a lone dash */
        assert_int_equal(parse(&record, LINE("-", "--", "--flag", "third", "-f"), &rest, &error), 0);
        assert_string_equal(record.first, "-");
        assert_string_equal(record.second, "--flag");
        assert_string_equal(rest, "third");
        assert_false(record.flag);
}

static void test_stops_where_no_operand_is_wanted(void **state) {
        struct record record = {};
        const struct option_scope scopes[] = {{global_table, &record}, {}};
        char *line[] = {(char *)"-f", (char *)"token", (char *)"--unknown", NULL}, **argv = line, *error = NULL;

        assert_int_equal(option_parse(&argv, scopes, &error), 0);
        assert_ptr_equal(argv, line + 1);
        assert_true(record.flag);
}

static void assert_refused(const char *const *line, const char *sentence) {
        struct record record = {.seconds = -1};
        const char *rest;
        char *error = NULL;

        assert_int_equal(parse(&record, line, &rest, &error), -EINVAL);
        assert_string_equal(error, sentence);
        assert_int_equal(record.seconds, -1);
        free(error);
        option_release(table, &record);
}

static void test_refused(void **state) {
        assert_refused(LINE("--fla"), "unknown option '--fla'");
        assert_refused(LINE("--FIRST=x"), "unknown option '--FIRST'");
        assert_refused(LINE("-fx"), "unknown option '-x'");
        assert_refused(LINE("--=x"), "unknown option '--'");
        assert_refused(LINE("--flag=1"), "--flag takes no value");
        assert_refused(LINE("--name"), "--name needs a value");
        assert_refused(LINE("-fn"), "-n needs a value");
        assert_refused(LINE("--seconds", "1000000001"),
                       "--seconds needs a whole number of seconds, not '1000000001'");
        assert_refused(LINE("--seconds", "-1"), "--seconds needs a whole number of seconds, not '-1'");
        assert_refused(LINE("--seconds="), "--seconds needs a whole number of seconds, not ''");
        assert_refused(LINE("--seconds", "99999999999999999999999"),
                       "--seconds needs a whole number of seconds, not '99999999999999999999999'");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_forms),
                cmocka_unit_test(test_last_one_counts_and_values_may_look_like_options),
                cmocka_unit_test(test_operands),
                cmocka_unit_test(test_stops_where_no_operand_is_wanted),
                cmocka_unit_test(test_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
