/* What is news to a vault is read ahead, and merged as if it had not been. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/model/news.h"
#include "tests/unit/fake-clock.h"
#include "tests/unit/logins.h"

/* One vault's logins are on disk, and another one has a part of them. */
struct fixture {
        struct vault *here, *there;
        struct store *disk;
};

static int set_up(void **state) {
        struct fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        assert_int_equal(vault_new(&f->here), 0);
        assert_int_equal(vault_new(&f->there), 0);
        assert_int_equal(store_new(&f->disk), 0);
        *state = f;
        return 0;
}

static int tear_down(void **state) {
        struct fixture *f = *state;

        vault_free(f->here);
        vault_free(f->there);
        store_free(f->disk);
        free(f);
        return 0;
}

static void save(struct fixture *f, struct vault *vault) {
        struct list changes = LIST_INIT(changes);
        uint64_t number = vault_take_changes(vault, &changes);
        bool changed;

        assert_int_equal(store_apply(f->disk, &changes, &changed), 0);
        change_free_all(&changes);
        vault_changes_saved(vault, number);
}

static void read_news(struct fixture *f, const struct vault *vault) {
        struct news news;

        news_init(&news, vault);
        news_read(&news, f->disk);
        news_deinit(&news);
}

static struct record *find(struct fixture *f, const char *profile, const char *server) {
        for (struct list *l = f->disk->records.next; l != &f->disk->records; l = l->next) {
                struct record *record = CONTAINER(l, struct record, link);

                if (streq(record->profile, profile) &&
                    (server ? record->resource_server && streq(record->resource_server, server)
                            : !record->resource_server))
                        return record;
        }

        fail_msg("no record of %s", profile);
        return NULL;
}

static bool is_read(struct fixture *f, const char *profile, const char *server) {
        struct record *record = find(f, profile, server);

        return record->account || record->grant;
}

static void test_nothing(void **state) {
        struct fixture *f = *state;

        news_read(&(struct news){}, NULL);
        read_news(f, f->here);
}

/* What is held as it is on disk is not read again. */
static void test_reads_what_is_new_or_newer(void **state) {
        struct fixture *f = *state;
        const struct grant *grant;
        uint64_t id;

        assert_int_equal(log_in(f->there, "default", "ada", GROUPS, "first"), 0);
        assert_int_equal(log_in(f->there, "default", "ada", TRANSFER, "other"), 0);
        save(f, f->there);
        news_read(&(struct news){}, f->disk);
        assert_true(is_read(f, "default", NULL) && is_read(f, "default", GROUPS));
        assert_int_equal(vault_merge(f->here, f->disk), 0);
        assert_false(is_read(f, "default", NULL) || is_read(f, "default", GROUPS));
        id = get_grant(f->here, "default", GROUPS)->id;

        assert_int_equal(log_in(f->there, "work", "bob", GROUPS, "his"), 0);
        assert_int_equal(refresh(f->there, get_grant(f->there, "default", GROUPS)->id, GROUPS, "second", NULL),
                         0);
        save(f, f->there);
        read_news(f, f->here);
        assert_true(is_read(f, "work", NULL) && is_read(f, "work", GROUPS) && is_read(f, "default", GROUPS));
        assert_false(is_read(f, "default", NULL) || is_read(f, "default", TRANSFER));

        assert_int_equal(vault_merge(f->here, f->disk), 0);
        grant = get_grant(f->here, "default", GROUPS);
        assert_true(grant->id == id);
        assert_secret(grant->token.secret, "second");
        grant = get_grant(f->here, "work", GROUPS);
        assert_true(grant->id > id);
        assert_ptr_equal(vault_find_grant(f->here, grant->id), grant);
}

/* The vault has changed since it was asked what it holds: it finds what it needs. */
static void test_news_that_came_late(void **state) {
        struct fixture *f = *state;

        assert_int_equal(log_in(f->there, "default", "ada", GROUPS, "first"), 0);
        save(f, f->there);
        read_news(f, f->there);
        assert_false(is_read(f, "default", GROUPS));
        assert_int_equal(vault_merge(f->here, f->disk), 0);
        assert_secret(get_grant(f->here, "default", GROUPS)->token.secret, "first");
}

static void test_what_cannot_be_understood(void **state) {
        struct fixture *f = *state;
        struct record *record;

        assert_int_equal(log_in(f->there, "default", "ada", GROUPS, "first"), 0);
        save(f, f->there);
        record = find(f, "default", GROUPS);
        secret_free(record->payload);
        record->payload = make_secret("{}");

        read_news(f, f->here);
        assert_false(is_read(f, "default", GROUPS));
        assert_int_equal(record_read(record), -EBADMSG);
        assert_int_equal(vault_merge(f->here, f->disk), 0);
        assert_null(get_grant(f->here, "default", GROUPS));
        assert_non_null(vault_find_account(f->here, "default"));
}

/* Between reading and merging, the wall clock is put right: its token has less time left. */
static void test_wall_clock_set_meanwhile(void **state) {
        struct fixture *f = *state;
        uint64_t expires_usec;

        assert_int_equal(log_in(f->there, "default", "ada", GROUPS, "first"), 0);
        save(f, f->there);
        read_news(f, f->here);
        expires_usec = find(f, "default", GROUPS)->grant->token.expires_usec;
        fake_unix += 600;
        vault_redate(f->here);

        assert_int_equal(vault_merge(f->here, f->disk), 0);
        assert_true(get_grant(f->here, "default", GROUPS)->token.expires_usec ==
                    expires_usec - 600 * USEC_PER_SEC);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_nothing, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_reads_what_is_new_or_newer, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_news_that_came_late, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_what_cannot_be_understood, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_wall_clock_set_meanwhile, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
