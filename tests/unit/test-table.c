/* Columns line up, whatever is in the cells. */

#include "tests/unit/unit.h"

#include "client/table.h"

static void add(struct table *table, const char *text) {
        assert_int_equal(table_add(table, text, strlen(text)), 0);
}

static void assert_written(const struct table *table, const char *indent, const char *expected) {
        struct buffer out = {};

        assert_int_equal(table_write(table, &out, indent), 0);
        assert_int_equal(buffer_append(&out, "", 1), 0);
        assert_string_equal(buffer_bytes(&out), expected);
        buffer_deinit(&out);
}

static void test_columns(void **state) {
        struct table table = TABLE_INIT(3);

        add(&table, "ID");
        add(&table, "Name");
        add(&table, "Roles");
        add(&table, "1");
        add(&table, "\u6f22\u5b57");
        add(&table, "admin");
        add(&table, "22");
        add(&table, "");
        add(&table, "");
        add(&table, "3");
        add(&table, "a\nb\033");
        add(&table, "x");

        assert_written(&table, " ",
                       " ID  Name      Roles\n"
                       " 1   \u6f22\u5b57      admin\n"
                       " 22            \n"
                       " 3   a\\nb\\x1b  x\n");
        table_deinit(&table);
}

static void test_many_rows(void **state) {
        struct table table = TABLE_INIT(1);
        struct buffer out = {};

        for (int i = 0; i < 1000; i++)
                add(&table, "x");
        assert_int_equal(table_write(&table, &out, ""), 0);
        assert_int_equal(buffer_size(&out), 2000);

        buffer_deinit(&out);
        table_deinit(&table);
}

static void test_empty(void **state) {
        struct table table = TABLE_INIT(2);

        assert_written(&table, "  ", "");
        table_deinit(&table);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_columns),
                cmocka_unit_test(test_many_rows),
                cmocka_unit_test(test_empty),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
