#include "tests/unit/unit.h"

#include "proto/list.h"

struct item {
        int value;
        struct list link;
};

static void test_keeps_order(void **state) {
        struct list list = LIST_INIT(list);
        struct item items[3];
        int expected = 0;

        assert_true(list_is_empty(&list));
        assert_null(list_first(&list));

        for (int i = 0; i < 3; i++) {
                items[i].value = i;
                list_append(&list, &items[i].link);
        }

        for (struct list *l = list.next; l != &list; l = l->next)
                assert_int_equal(CONTAINER(l, struct item, link)->value, expected++);
        assert_int_equal(expected, 3);
        assert_ptr_equal(list_first(&list), &items[0].link);
}

static void test_unlinks(void **state) {
        struct list list = LIST_INIT(list);
        struct item a, b;

        list_append(&list, &a.link);
        list_append(&list, &b.link);
        list_unlink(&a.link);
        list_unlink(&a.link); /* allowed: it is alone */
        assert_ptr_equal(list_first(&list), &b.link);
        assert_true(list_is_empty(&a.link));

        list_unlink(&b.link);
        assert_true(list_is_empty(&list));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_keeps_order),
                cmocka_unit_test(test_unlinks),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
