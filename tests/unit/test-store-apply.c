/* Changes on what another daemon may have left on disk meanwhile. */

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

#include "tests/unit/records.h"

#define AUTH "auth.globus.org"
#define GROUPS "groups.api.globus.org"

enum { ALICE = 1, ALICE_AUTH = 2, ALICE_GROUPS = 3, OTHER = 4, OTHER_AUTH = 5, BOB = 11, BOB_AUTH = 12 };

/* Two profiles: default (with two grants) and other (with one). */
static int setup(void **state) {
        struct store *store;

        assert_int_equal(store_new(&store), 0);
        list_append(&store->records, &make_record(ALICE, 5, "default", NULL)->link);
        list_append(&store->records, &make_record(ALICE_AUTH, 5, "default", AUTH)->link);
        list_append(&store->records, &make_record(ALICE_GROUPS, 5, "default", GROUPS)->link);
        list_append(&store->records, &make_record(OTHER, 5, "other", NULL)->link);
        list_append(&store->records, &make_record(OTHER_AUTH, 5, "other", AUTH)->link);
        *state = store;
        return 0;
}

static int teardown(void **state) {
        store_free(*state);
        return 0;
}

static void expect_apply(struct store *store, struct list *changes, bool expected) {
        bool changed = !expected;

        assert_int_equal(store_apply(store, changes, &changed), 0);
        assert_int_equal(changed, expected);
        change_free_all(changes);
}

static void apply_one(struct store *store, enum change_type type, struct record *record, bool expected) {
        struct list changes = LIST_INIT(changes);

        add_change(&changes, type, record);
        expect_apply(store, &changes, expected);
}

static void test_nothing(void **state) {
        struct list changes = LIST_INIT(changes);

        expect_apply(*state, &changes, false);
        assert_int_equal(count_records(*state), 5);
}

static void test_add(void **state) {
        struct store *store = *state;

        apply_one(store, CHANGE_ADD, make_record(20, 1, "default", "transfer.api.globus.org"), true);
        assert_int_equal(count_records(store), 6);
        assert_non_null(find_record(store, 20));
}

static void test_add_takes_the_place(void **state) {
        struct store *store = *state;

        apply_one(store, CHANGE_ADD, make_record(20, 1, "default", AUTH), true);
        assert_int_equal(count_records(store), 5);
        assert_non_null(find_record(store, 20));
        assert_null(find_record(store, ALICE_AUTH));
        assert_non_null(find_record(store, OTHER_AUTH));
}

/* A save whose end was not heard of is repeated. */
static void test_add_twice(void **state) {
        struct store *store = *state;

        apply_one(store, CHANGE_ADD, make_record(ALICE_AUTH, 5, "default", AUTH), false);
        apply_one(store, CHANGE_ADD, make_record(ALICE_AUTH, 4, "default", AUTH), false);
        apply_one(store, CHANGE_ADD, make_record(ALICE_AUTH, 6, "default", AUTH), true);
        assert_int_equal(count_records(store), 5);
        assert_int_equal(find_record(store, ALICE_AUTH)->generation, 6);
}

static void test_replace(void **state) {
        struct store *store = *state;
        struct record *record = make_record(ALICE_AUTH, 6, "default", AUTH);

        set_payload(record, "new");
        apply_one(store, CHANGE_REPLACE, record, true);
        assert_string_equal(secret_string(find_record(store, ALICE_AUTH)->payload), "new");
        assert_int_equal(count_records(store), 5);
}

static void test_replace_of_older_or_removed(void **state) {
        struct store *store = *state;

        apply_one(store, CHANGE_REPLACE, make_record(ALICE_AUTH, 5, "default", AUTH), false);
        apply_one(store, CHANGE_REPLACE, make_record(ALICE_AUTH, 4, "default", AUTH), false);
        apply_one(store, CHANGE_REPLACE, make_record(20, 9, "default", AUTH), false);
        assert_int_equal(find_record(store, ALICE_AUTH)->generation, 5);
        assert_null(find_record(store, 20));
}

static void test_remove(void **state) {
        struct store *store = *state;
        struct record *grant = make_record(ALICE_AUTH, 1, "default", AUTH);

        grant->payload = secret_free(grant->payload);
        apply_one(store, CHANGE_REMOVE, grant, true);
        assert_null(find_record(store, ALICE_AUTH));
        assert_int_equal(count_records(store), 4);
        apply_one(store, CHANGE_REMOVE, make_record(ALICE_AUTH, 9, "default", AUTH), false);
}

static void test_remove_of_an_account(void **state) {
        struct store *store = *state;

        apply_one(store, CHANGE_REMOVE, make_record(ALICE, 1, "default", NULL), true);
        assert_int_equal(count_records(store), 2);
        assert_non_null(find_record(store, OTHER));
        assert_non_null(find_record(store, OTHER_AUTH));
}

/* Nothing of Alice's, known here or not, falls to Bob. */
static void test_another_identity(void **state) {
        struct store *store = *state;
        struct list changes = LIST_INIT(changes);

        add_change(&changes, CHANGE_REMOVE, make_record(ALICE, 5, "default", NULL));
        add_change(&changes, CHANGE_ADD, make_record(BOB, 1, "default", NULL));
        add_change(&changes, CHANGE_ADD, make_record(BOB_AUTH, 1, "default", AUTH));
        expect_apply(store, &changes, true);
        assert_int_equal(count_records(store), 4);
        assert_non_null(find_record(store, BOB_AUTH));
        assert_null(find_record(store, ALICE_GROUPS));
}

static void test_two_daemons_log_in_others(void **state) {
        struct store *store = *state;
        struct list changes = LIST_INIT(changes);

        add_change(&changes, CHANGE_ADD, make_record(BOB, 1, "default", NULL));
        add_change(&changes, CHANGE_ADD, make_record(BOB_AUTH, 1, "default", AUTH));
        expect_apply(store, &changes, true);
        assert_int_equal(count_records(store), 4);
        assert_null(find_record(store, ALICE));
        assert_null(find_record(store, ALICE_GROUPS));
}

static void test_two_daemons_log_in_the_same(void **state) {
        struct store *store = *state;
        struct record *again = make_record(20, 1, "default", NULL);
        struct list changes = LIST_INIT(changes);

        set_payload(again, secret_string(find_record(store, ALICE)->payload));
        add_change(&changes, CHANGE_ADD, again);
        add_change(&changes, CHANGE_ADD, make_record(21, 1, "default", AUTH));
        expect_apply(store, &changes, true);
        assert_int_equal(count_records(store), 5);
        assert_null(find_record(store, ALICE));
        assert_non_null(find_record(store, ALICE_GROUPS));
}

static char *payload_of(const char *sub, const char *name) {
        char *payload;

        assert_true(asprintf(&payload,
                             "{\"profile\":\"default\",\"environment\":\"production\","
                             "\"auth_url\":\"https://a/\",\"groups_url\":\"https://g/\",\"client_id\":\"c\","
                             "\"identity\":{\"sub\":\"%s\",\"username\":\"%s\"}}",
                             sub, name) > 0);
        return payload;
}

/* Who they are is told by the sub: anything else about them may have changed, or be another's. */
static void test_whose_account(void **state) {
        static const struct {
                const char *sub, *name;
                size_t n_left;
        } cases[] = {{"ada-id", "ada@new.example", 5}, {"bob-id", "ada@old.example", 3}};

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(freep) char *there = payload_of("ada-id", "ada@old.example"),
                                      *here = payload_of(cases[i].sub, cases[i].name);
                struct record *again = make_record(20, 1, "default", NULL);

                teardown(state);
                setup(state);
                set_payload(find_record(*state, ALICE), there);
                set_payload(again, here);
                apply_one(*state, CHANGE_ADD, again, true);
                assert_int_equal(count_records(*state), cases[i].n_left);
        }
}

/* In whatever order an account and its grants come, and no grant without an account. */
static void test_grants_need_an_account(void **state) {
        struct store *store = *state;
        struct list changes = LIST_INIT(changes);

        add_change(&changes, CHANGE_ADD, make_record(20, 1, "new", AUTH));
        add_change(&changes, CHANGE_ADD, make_record(21, 1, "new", NULL));
        add_change(&changes, CHANGE_ADD, make_record(22, 1, "gone", AUTH));
        expect_apply(store, &changes, true);
        assert_int_equal(count_records(store), 7);
        assert_non_null(find_record(store, 20));
        assert_null(find_record(store, 22));
}

static void test_what_cannot_be_stored(void **state) {
        struct list changes = LIST_INIT(changes);
        struct record *record = make_record(20, 1, "default", AUTH);
        bool changed;

        record->payload = secret_free(record->payload);
        add_change(&changes, CHANGE_ADD, record);
        assert_int_equal(store_apply(*state, &changes, &changed), -EINVAL);
        change_free_all(&changes);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_nothing, setup, teardown),
                cmocka_unit_test_setup_teardown(test_add, setup, teardown),
                cmocka_unit_test_setup_teardown(test_add_takes_the_place, setup, teardown),
                cmocka_unit_test_setup_teardown(test_add_twice, setup, teardown),
                cmocka_unit_test_setup_teardown(test_replace, setup, teardown),
                cmocka_unit_test_setup_teardown(test_replace_of_older_or_removed, setup, teardown),
                cmocka_unit_test_setup_teardown(test_remove, setup, teardown),
                cmocka_unit_test_setup_teardown(test_remove_of_an_account, setup, teardown),
                cmocka_unit_test_setup_teardown(test_another_identity, setup, teardown),
                cmocka_unit_test_setup_teardown(test_two_daemons_log_in_others, setup, teardown),
                cmocka_unit_test_setup_teardown(test_two_daemons_log_in_the_same, setup, teardown),
                cmocka_unit_test_setup_teardown(test_whose_account, setup, teardown),
                cmocka_unit_test_setup_teardown(test_grants_need_an_account, setup, teardown),
                cmocka_unit_test_setup_teardown(test_what_cannot_be_stored, setup, teardown),
        };

        return cmocka_run_group_tests_name("store-apply", tests, NULL, NULL);
}
