/* One change a record, the last one, and what comes of it when a save gives it back. */

#include "tests/unit/unit.h"

#include "daemon/model/pending.h"
#include "tests/unit/logins.h"

struct fixture {
        struct pending pending;
        struct account *account;
        struct grant *a, *b;
};

static struct grant *make_grant(struct account *account, const char *server) {
        struct grant *grant;

        assert_int_equal(grant_new(&grant, server), 0);
        grant->account = account;
        list_append(&account->grants, &grant->link);
        return grant;
}

static int set_up(void **state) {
        struct fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        pending_init(&f->pending);
        assert_int_equal(account_new(&f->account, "default"), 0);
        f->a = make_grant(f->account, GROUPS);
        f->b = make_grant(f->account, TRANSFER);
        *state = f;
        return 0;
}

static int tear_down(void **state) {
        struct fixture *f = *state;

        pending_forget(&f->pending);
        account_free(f->account);
        free(f);
        return 0;
}

/* The changes as text: what and whose, in their order. */
static void assert_changes(const struct fixture *f, const struct list *changes, const char *expected) {
        char text[64] = "";

        for (struct list *l = changes->next; l != changes; l = l->next) {
                struct change *change = CONTAINER(l, struct change, link);

                strcat(text, change->type == CHANGE_ADD ? "+" : change->type == CHANGE_REPLACE ? "=" : "-");
                strcat(text, change->record->kind == RECORD_ACCOUNT         ? "A"
                             : uuid_equal(change->record->uuid, f->a->uuid) ? "a"
                                                                            : "b");
                assert_int_equal(!change->record->payload, change->type == CHANGE_REMOVE);
                assert_string_equal(change->record->profile, "default");
        }

        assert_string_equal(text, expected);
}

static void change_a(struct fixture *f, enum change_type type) {
        assert_int_equal(pending_add_grant(&f->pending, type, f->a), 0);
        assert_true(f->a->change == f->pending.changed);
}

static void change_b(struct fixture *f, enum change_type type) {
        assert_int_equal(pending_add_grant(&f->pending, type, f->b), 0);
}

static void change_account(struct fixture *f, enum change_type type) {
        assert_int_equal(pending_add_account(&f->pending, type, f->account), 0);
}

static void test_later_takes_the_place_of_earlier(void **state) {
        struct fixture *f = *state;
        struct change *first;

        change_account(f, CHANGE_ADD);
        change_a(f, CHANGE_ADD);
        change_b(f, CHANGE_REPLACE);
        f->a->generation = 2;
        change_a(f, CHANGE_REPLACE);
        assert_changes(f, &f->pending.changes, "+A+a=b");
        assert_true(f->pending.changed == 4);

        first = CONTAINER(f->pending.changes.next->next, struct change, link);
        assert_true(first->record->generation == 2);
        assert_true(first->number == 4);

        change_a(f, CHANGE_REMOVE);
        assert_changes(f, &f->pending.changes, "+A-a=b");
        change_account(f, CHANGE_ADD);
        assert_changes(f, &f->pending.changes, "+A-a=b");
}

static void test_unsaved_until_saved(void **state) {
        struct fixture *f = *state;
        struct list taken = LIST_INIT(taken);
        uint64_t number;

        assert_false(pending_is_unsaved(&f->pending, f->a->uuid));
        change_a(f, CHANGE_ADD);
        change_b(f, CHANGE_ADD);
        number = pending_take(&f->pending, &taken);
        assert_true(number == 2);
        assert_true(list_is_empty(&f->pending.changes));
        assert_changes(f, &taken, "+a+b");

        change_b(f, CHANGE_REPLACE);
        assert_true(pending_is_unsaved(&f->pending, f->a->uuid));
        pending_saved(&f->pending, number);
        assert_false(pending_is_unsaved(&f->pending, f->a->uuid));
        assert_true(pending_is_unsaved(&f->pending, f->b->uuid));
        assert_changes(f, &f->pending.changes, "=b");
        assert_true(f->pending.saved == 2);
        pending_saved(&f->pending, 1);
        assert_true(f->pending.saved == 2);

        change_free_all(&taken);
}

static void test_given_back(void **state) {
        struct fixture *f = *state;
        struct list taken = LIST_INIT(taken);

        change_account(f, CHANGE_ADD);
        change_a(f, CHANGE_ADD);
        pending_take(&f->pending, &taken);
        change_b(f, CHANGE_ADD);
        pending_return(&f->pending, &taken);
        assert_true(list_is_empty(&taken));
        assert_changes(f, &f->pending.changes, "+A+a+b");

        /* changed again meanwhile: in its first place, and still an addition if that never arrived */
        pending_take(&f->pending, &taken);
        change_a(f, CHANGE_REPLACE);
        change_account(f, CHANGE_ADD);
        pending_return(&f->pending, &taken);
        assert_changes(f, &f->pending.changes, "+A+a+b");

        pending_take(&f->pending, &taken);
        change_a(f, CHANGE_REMOVE);
        pending_return(&f->pending, &taken);
        assert_changes(f, &f->pending.changes, "+A-a+b");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_later_takes_the_place_of_earlier, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_unsaved_until_saved, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_given_back, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
