/* Two vaults, one disk: what one of them saves, the other takes over, and neither loses what it has not
 * saved yet. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/model/vault.h"
#include "tests/unit/fake-clock.h"
#include "tests/unit/logins.h"

struct fixture {
        struct vault *here, *there;
        struct store disk;
};

static int set_up(void **state) {
        struct fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        list_init(&f->disk.records);
        assert_int_equal(vault_new(&f->here), 0);
        assert_int_equal(vault_new(&f->there), 0);
        *state = f;
        return 0;
}

static void wipe_disk(struct fixture *f) {
        struct list *first;

        while ((first = list_first(&f->disk.records)))
                record_free(CONTAINER(first, struct record, link));
}

static int tear_down(void **state) {
        struct fixture *f = *state;

        vault_free(f->here);
        vault_free(f->there);
        wipe_disk(f);
        free(f);
        return 0;
}

static void load(struct fixture *f, struct vault *vault) {
        assert_int_equal(vault_merge(vault, &f->disk), 0);
}

static void save(struct fixture *f, struct vault *vault) {
        struct list changes = LIST_INIT(changes);
        uint64_t number = vault_take_changes(vault, &changes);
        bool changed;

        assert_int_equal(store_apply(&f->disk, &changes, &changed), 0);
        change_free_all(&changes);
        vault_changes_saved(vault, number);
        load(f, vault);
}

/* Both have it, and it is on disk. */
static void share_login(struct fixture *f, const char *server) {
        assert_int_equal(log_in(f->here, "default", "ada", server, "access"), 0);
        save(f, f->here);
        load(f, f->there);
        assert_non_null(get_grant(f->there, "default", server));
}

static void test_load(void **state) {
        struct fixture *f = *state;
        struct grant *grant, *other;

        share_login(f, GROUPS);
        grant = get_grant(f->here, "default", GROUPS);
        other = get_grant(f->there, "default", GROUPS);
        assert_memory_equal(other->uuid, grant->uuid, sizeof(grant->uuid));
        assert_true(other->generation == grant->generation);
        assert_true(other->change <= vault_saved(f->there));
        assert_secret(other->token.secret, "access");
        assert_string_equal(other->account->identity->sub, "ada");
        assert_ptr_equal(vault_find_grant(f->there, other->id), other);

        load(f, f->there);
        assert_ptr_equal(get_grant(f->there, "default", GROUPS), other);
        assert_true(vault_changed(f->there) == 0);
}

static void test_refreshed_elsewhere(void **state) {
        struct fixture *f = *state;
        struct grant *grant;
        uint64_t id;

        share_login(f, GROUPS);
        assert_int_equal(refresh(f->here, get_grant(f->here, "default", GROUPS)->id, GROUPS, "new", "rotated"),
                         0);
        save(f, f->here);

        grant = get_grant(f->there, "default", GROUPS);
        id = grant->id;
        grant->used_at += 5;
        grant->tries = (struct grant_tries){.tried_usec = 7, .retry_usec = 8, .error = strdup("no")};
        load(f, f->there);
        assert_ptr_equal(vault_find_grant(f->there, id), grant);
        assert_ptr_equal(get_grant(f->there, "default", GROUPS), grant);
        assert_secret(grant->token.secret, "new");
        assert_secret(grant->refresh_token, "rotated");
        assert_int_equal(grant->used_at, fake_unix + 5);
        assert_true(grant->tries.tried_usec == 7);
        assert_true(grant->tries.retry_usec == 0);
        assert_null(grant->tries.error);
}

static void test_older_on_disk(void **state) {
        struct fixture *f = *state;

        share_login(f, GROUPS);
        assert_int_equal(refresh(f->here, get_grant(f->here, "default", GROUPS)->id, GROUPS, "new", NULL), 0);
        load(f, f->here);
        assert_secret(get_grant(f->here, "default", GROUPS)->token.secret, "new");
        save(f, f->here);
        assert_secret(get_grant(f->here, "default", GROUPS)->token.secret, "new");
}

/* A directory that comes back as it was, a backup put back: what is here is not to be lost with the daemon. */
static void test_old_copy_put_back(void **state) {
        struct fixture *f = *state;
        struct store_version *version = &f->disk.version;
        struct store copy = {.records = LIST_INIT(copy.records)};

        share_login(f, GROUPS);
        for (struct list *l = f->disk.records.next; l != &f->disk.records; l = l->next) {
                struct record *record;

                assert_int_equal(record_copy(&record, CONTAINER(l, struct record, link)), 0);
                list_append(&copy.records, &record->link);
        }
        assert_int_equal(refresh(f->here, get_grant(f->here, "default", GROUPS)->id, GROUPS, "new", "rotated"),
                         0);
        save(f, f->here);

        wipe_disk(f);
        while (!list_is_empty(&copy.records)) {
                struct list *first = list_first(&copy.records);

                list_unlink(first);
                list_append(&f->disk.records, first);
        }
        version->bytes[0]++;
        load(f, f->here);
        assert_secret(get_grant(f->here, "default", GROUPS)->refresh_token, "rotated");
        assert_true(vault_saved(f->here) < vault_changed(f->here));
        save(f, f->here);
        load(f, f->there);
        assert_secret(get_grant(f->there, "default", GROUPS)->refresh_token, "rotated");
        assert_true(vault_saved(f->here) == vault_changed(f->here));
}

static void test_both_refreshed(void **state) {
        struct fixture *f = *state;

        share_login(f, GROUPS);
        for (int i = 0; i < 2; i++)
                assert_int_equal(refresh(f->here, get_grant(f->here, "default", GROUPS)->id, GROUPS, "h", NULL),
                                 0);
        assert_int_equal(refresh(f->there, get_grant(f->there, "default", GROUPS)->id, GROUPS, "t", NULL), 0);
        save(f, f->here);

        load(f, f->there);
        assert_secret(get_grant(f->there, "default", GROUPS)->token.secret, "t"); /* not decided yet */
        save(f, f->there);
        assert_secret(get_grant(f->there, "default", GROUPS)->token.secret, "h");
}

static void test_logged_in_elsewhere(void **state) {
        struct fixture *f = *state;
        uint64_t id;

        share_login(f, GROUPS);
        id = get_grant(f->there, "default", GROUPS)->id;
        assert_int_equal(log_in(f->here, "default", "ada", GROUPS, "again"), 0);
        assert_int_equal(log_in(f->here, "another", "ada", GROUPS, "more"), 0);
        save(f, f->here);

        load(f, f->there);
        assert_null(vault_find_grant(f->there, id));
        assert_secret(get_grant(f->there, "default", GROUPS)->token.secret, "again");
        assert_secret(get_grant(f->there, "another", GROUPS)->token.secret, "more");
        assert_string_equal(CONTAINER(vault_accounts(f->there)->next, struct account, link)->profile,
                            "another");
}

static void test_logged_out_elsewhere(void **state) {
        struct fixture *f = *state;

        share_login(f, GROUPS);
        assert_int_equal(refresh(f->there, get_grant(f->there, "default", GROUPS)->id, GROUPS, "late", NULL),
                         0);
        assert_int_equal(vault_remove_account(f->here, "default"), 0);
        save(f, f->here);
        assert_true(list_is_empty(&f->disk.records));

        save(f, f->there);
        assert_null(vault_find_account(f->there, "default"));
        assert_true(list_is_empty(&f->disk.records));
}

static void test_login_outlives_logout_elsewhere(void **state) {
        struct fixture *f = *state;

        share_login(f, GROUPS);
        assert_int_equal(log_in(f->there, "default", "ada", TRANSFER, "fresh"), 0);
        assert_int_equal(vault_remove_account(f->here, "default"), 0);
        save(f, f->here);

        load(f, f->there);
        assert_null(get_grant(f->there, "default", GROUPS));
        assert_non_null(get_grant(f->there, "default", TRANSFER));
        save(f, f->there);
        load(f, f->here);
        assert_secret(get_grant(f->here, "default", TRANSFER)->token.secret, "fresh");
}

static void test_another_identity_elsewhere(void **state) {
        struct fixture *f = *state;

        share_login(f, GROUPS);
        share_login(f, TRANSFER);
        assert_int_equal(vault_remove_account(f->here, "default"), 0);
        assert_int_equal(log_in(f->here, "default", "bob", GROUPS, "bob's"), 0);
        save(f, f->here);

        assert_int_equal(
                refresh(f->there, get_grant(f->there, "default", TRANSFER)->id, TRANSFER, "late", NULL), 0);
        load(f, f->there);
        assert_string_equal(vault_find_account(f->there, "default")->identity->sub, "bob");
        assert_secret(get_grant(f->there, "default", GROUPS)->token.secret, "bob's");
        assert_null(get_grant(f->there, "default", TRANSFER));
        save(f, f->there);
        assert_null(get_grant(f->there, "default", TRANSFER));
}

/* A load that began before a save did, and ends before it. */
static void test_load_while_a_save_is_on_its_way(void **state) {
        struct fixture *f = *state;
        struct list changes = LIST_INIT(changes);

        share_login(f, GROUPS);
        assert_int_equal(log_in(f->here, "another", "ada", GROUPS, "new"), 0);
        assert_int_equal(vault_remove_account(f->here, "default"), 0);
        vault_take_changes(f->here, &changes);

        load(f, f->here);
        assert_non_null(get_grant(f->here, "another", GROUPS));
        assert_null(vault_find_account(f->here, "default")); /* a logout is not undone */

        vault_return_changes(f->here, &changes);
        load(f, f->here);
        assert_non_null(get_grant(f->here, "another", GROUPS));
        assert_null(vault_find_account(f->here, "default"));

        save(f, f->here);
        load(f, f->there);
        assert_non_null(get_grant(f->there, "another", GROUPS));
        assert_null(vault_find_account(f->there, "default"));
}

static void test_login_before_the_first_load(void **state) {
        struct fixture *f = *state;

        share_login(f, GROUPS);
        share_login(f, TRANSFER);
        f->there = vault_free(f->there);
        assert_int_equal(vault_new(&f->there), 0);
        assert_int_equal(log_in(f->there, "default", "ada", GROUPS, "early"), 0);

        load(f, f->there);
        assert_secret(get_grant(f->there, "default", GROUPS)->token.secret, "early");
        save(f, f->there);
        assert_secret(get_grant(f->there, "default", GROUPS)->token.secret, "early");
        assert_secret(get_grant(f->there, "default", TRANSFER)->token.secret, "access");
}

static void test_another_identity_before_the_first_load(void **state) {
        struct fixture *f = *state;

        share_login(f, TRANSFER);
        f->there = vault_free(f->there);
        assert_int_equal(vault_new(&f->there), 0);
        assert_int_equal(log_in(f->there, "default", "bob", GROUPS, "bob's"), 0);

        load(f, f->there);
        assert_null(get_grant(f->there, "default", TRANSFER)); /* which is Ada's */
        save(f, f->there);
        assert_null(get_grant(f->there, "default", TRANSFER));
        assert_secret(get_grant(f->there, "default", GROUPS)->token.secret, "bob's");
}

static void test_another_identity_here(void **state) {
        struct fixture *f = *state;

        share_login(f, TRANSFER);
        assert_int_equal(vault_remove_account(f->here, "default"), 0);
        assert_int_equal(log_in(f->here, "default", "bob", GROUPS, "bob's"), 0);
        load(f, f->here);
        assert_null(get_grant(f->here, "default", TRANSFER));
}

static void set_payload(struct fixture *f, enum record_kind kind, const char *payload) {
        for (struct list *l = f->disk.records.next; l != &f->disk.records; l = l->next) {
                struct record *record = CONTAINER(l, struct record, link);

                if (record->kind != kind)
                        continue;

                secret_free(record->payload);
                record->payload = make_secret(payload);
                record->generation++;
        }
}

static void test_not_understood(void **state) {
        struct fixture *f = *state;

        share_login(f, GROUPS);
        set_payload(f, RECORD_GRANT, "{\"state\":\"of a newer version\"}");
        load(f, f->there);
        assert_secret(get_grant(f->there, "default", GROUPS)->token.secret, "access");

        vault_free(f->there);
        assert_int_equal(vault_new(&f->there), 0);
        load(f, f->there);
        assert_non_null(vault_find_account(f->there, "default"));
        assert_null(get_grant(f->there, "default", GROUPS));

        set_payload(f, RECORD_ACCOUNT, "[]");
        vault_free(f->there);
        assert_int_equal(vault_new(&f->there), 0);
        load(f, f->there);
        assert_true(list_is_empty(vault_accounts(f->there)));
}

static void test_empty_disk(void **state) {
        struct fixture *f = *state;

        load(f, f->here);
        share_login(f, GROUPS);
        wipe_disk(f);
        load(f, f->here);
        assert_true(list_is_empty(vault_accounts(f->here)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_load),
                TEST(test_refreshed_elsewhere),
                TEST(test_older_on_disk),
                TEST(test_old_copy_put_back),
                TEST(test_both_refreshed),
                TEST(test_logged_in_elsewhere),
                TEST(test_logged_out_elsewhere),
                TEST(test_login_outlives_logout_elsewhere),
                TEST(test_another_identity_elsewhere),
                TEST(test_load_while_a_save_is_on_its_way),
                TEST(test_login_before_the_first_load),
                TEST(test_another_identity_before_the_first_load),
                TEST(test_another_identity_here),
                TEST(test_not_understood),
                TEST(test_empty_disk),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
