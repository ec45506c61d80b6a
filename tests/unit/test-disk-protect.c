/* What protects the store on disk: chosen, changed with a new key, and left whole by a crash between any two of
 * its steps. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "tests/unit/keepers.h"

static struct daemon one;

static int set_up(void **state) {
        return setup_keepers(state);
}

static int tear_down(void **state) {
        daemon_forget(&one);
        return teardown_home(state);
}

static void test_each_from_the_start(void **state) {
        struct home *home = *state;

        service.r = 0;
        for (enum protector protector = 0; protector < _PROTECTOR_MAX; protector++) {
                if (protector == PROTECTOR_PASSPHRASE || protector == PROTECTOR_MEMORY)
                        continue; /* nobody gave one; memory: below */
                save(&one, home, 1, "default", protector);
                assert_opens(home, NULL, protector, 1);
                assert_true(exists(home, "config/key") == (protector == PROTECTOR_KEYFILE));
                assert_int_equal(unlink(home->store), 0);
                unlink(home->key);
                daemon_forget(&one);
        }
}

/* Each to each other, itself included: a new data key, and nothing of the old protection is left. */
static void test_each_to_each(void **state) {
        static const enum protector some[] = {PROTECTOR_SYSTEMD_CREDS, PROTECTOR_KEYFILE, PROTECTOR_MEMORY,
                                              PROTECTOR_PLAINTEXT};
        struct home *home = *state;

        service.r = 0;
        save(&one, home, 1, "default", PROTECTOR_KEYFILE);
        for (size_t i = 0; i < ARRAY_SIZE(some); i++) {
                for (size_t k = 0; k < ARRAY_SIZE(some); k++) {
                        _cleanup_(secret_freep) struct secret *before = NULL, *after = NULL;

                        protect(&one, home, some[i], NULL);
                        before = read_data_key(home);
                        protect(&one, home, some[k], NULL);
                        after = read_data_key(home);
                        assert_false(secret_equal(before, after));
                        assert_opens(home, NULL, some[k], some[k] == PROTECTOR_MEMORY ? 0 : 1);
                        assert_true(exists(home, "config/key") == (some[k] == PROTECTOR_KEYFILE));
                        assert_false(exists(home, "config/key.new"));
                }
        }
}

static void test_passphrase(void **state) {
        struct disk_wish wish = {.protector = PROTECTOR_PASSPHRASE, .permitted = ~0U};
        _cleanup_(disk_look_deinit) struct disk_look without = {}, wrong = {};
        _cleanup_(fault_deinit) struct fault fault = {};
        struct home *home = *state;

        save(&one, home, 1, "default", PROTECTOR_KEYFILE);
        assert_int_not_equal(try_protect(&one, home, wish, NULL, &fault), 0);
        assert_opens(home, NULL, PROTECTOR_KEYFILE, 1);

        protect(&one, home, PROTECTOR_PASSPHRASE, "right");
        assert_false(exists(home, "config/key"));
        assert_opens(home, "right", PROTECTOR_PASSPHRASE, 1);

        assert_int_equal(look(&without, home, NULL, &fault), AGENT_ERROR_LOCKED);
        assert_int_equal(protector_of(without.store), PROTECTOR_PASSPHRASE); /* so much can be told */
        assert_int_equal(count_records(without.store), 0);
        assert_null(without.store->data_key);
        assert_false(without.unreadable);
        assert_int_equal(look(&wrong, home, "wrong", &fault), AGENT_ERROR_WRONG_PASSPHRASE);
        assert_null(wrong.store->data_key);
        assert_false(wrong.unreadable);
}

/* Who knows the data key is not asked for the passphrase, until another daemon has given the store another. */
static void test_known_key_opens(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};
        struct home *home = *state;
        struct daemon other = {};
        struct disk_look again;

        save(&one, home, 1, "default", PROTECTOR_KEYFILE);
        protect(&one, home, PROTECTOR_PASSPHRASE, "right");
        save(&one, home, 11, "work", PROTECTOR_KEYFILE);
        assert_opens(home, "right", PROTECTOR_PASSPHRASE, 2);

        assert_int_equal(store_key_copy(&other.keys.store, &one.keys.store), 0);
        other.known = one.known;
        protect(&other, home, PROTECTOR_PASSPHRASE, "another");
        again = (struct disk_look){.known = one.known, .keys = one.keys};
        assert_int_equal(disk_load(&again, &home->paths, &fault), AGENT_ERROR_LOCKED);
        store_free(again.store);
        daemon_forget(&other);
}

/* A copy of the store and of the key file, made before the key was changed, does not open what came later. */
static void test_old_key_file_opens_no_new_store(void **state) {
        _cleanup_(disk_look_deinit) struct disk_look seen = {};
        _cleanup_(fault_deinit) struct fault fault = {};
        _cleanup_(buffer_deinit) struct buffer key = {};
        struct home *home = *state;

        save(&one, home, 1, "default", PROTECTOR_KEYFILE);
        slurp(&key, home->key);
        protect(&one, home, PROTECTOR_KEYFILE, NULL);
        spill(home->key, buffer_bytes(&key), buffer_size(&key));
        assert_int_equal(look(&seen, home, NULL, &fault), AGENT_ERROR_STORAGE_FAILED);
        assert_says(&fault, "does not open with the key file", "logout --all");
        assert_true(seen.unreadable);
        assert_null(seen.store);
}

static void put(const struct home *home, const char *name, const struct buffer *bytes) {
        char path[128];

        snprintf(path, sizeof(path), "%s/%s", home->dir, name);
        spill(path, buffer_bytes(bytes), buffer_size(bytes));
        assert_int_equal(chmod(path, 0600), 0);
}

/* The files as they are in the end, and were before. */
struct remains {
        struct buffer store, key, next;
};

static void remains_deinit(struct remains *remains) {
        buffer_deinit(&remains->store);
        buffer_deinit(&remains->key);
        buffer_deinit(&remains->next);
}

static void keep(struct remains *remains, const struct home *home) {
        slurp(&remains->store, home->store);
        slurp(&remains->key, home->key);
}

/* The new key was staged, and the store not written. */
static void test_crash_before_the_store(void **state) {
        _cleanup_(remains_deinit) struct remains before = {}, after = {};
        struct home *home = *state;

        save(&one, home, 1, "default", PROTECTOR_KEYFILE);
        keep(&before, home);
        protect(&one, home, PROTECTOR_KEYFILE, NULL);
        keep(&after, home);

        put(home, "state/store", &before.store);
        put(home, "config/key", &before.key);
        put(home, "config/key.new", &after.key);
        assert_opens(home, NULL, PROTECTOR_KEYFILE, 1);
        assert_true(exists(home, "config/key.new"));

        daemon_forget(&one);
        protect(&one, home, PROTECTOR_KEYFILE, NULL); /* what is left is in nobody's way */
        assert_false(exists(home, "config/key.new"));
        assert_opens(home, NULL, PROTECTOR_KEYFILE, 1);
}

/* The store was written, and the key not put in place, which the next commit does. */
static void test_crash_before_the_key(void **state) {
        _cleanup_(remains_deinit) struct remains before = {}, after = {};
        struct home *home = *state;

        save(&one, home, 1, "default", PROTECTOR_KEYFILE);
        keep(&before, home);
        protect(&one, home, PROTECTOR_KEYFILE, NULL);
        keep(&after, home);

        for (int gone = 0; gone < 2; gone++) {
                _cleanup_(buffer_deinit) struct buffer key = {};

                put(home, "config/key", &before.key);
                if (gone) /* it was no key file that protected the store before */
                        assert_int_equal(unlink(home->key), 0);
                put(home, "config/key.new", &after.key);
                assert_opens(home, NULL, PROTECTOR_KEYFILE, (size_t)(1 + gone));
                assert_true(exists(home, "config/key.new"));
                save(&one, home, (unsigned char)(11 + gone), gone ? "work" : "lab", PROTECTOR_KEYFILE);
                assert_opens(home, NULL, PROTECTOR_KEYFILE, (size_t)(2 + gone));
                assert_false(exists(home, "config/key.new"));
                slurp(&key, home->key);
                assert_memory_equal(buffer_bytes(&key), buffer_bytes(&after.key), buffer_size(&key));
        }
}

/* The store was written, and the key file that it needs no more is still there. */
static void test_crash_before_the_key_is_removed(void **state) {
        _cleanup_(remains_deinit) struct remains before = {};
        struct home *home = *state;

        save(&one, home, 1, "default", PROTECTOR_KEYFILE);
        keep(&before, home);
        protect(&one, home, PROTECTOR_PLAINTEXT, NULL);
        put(home, "config/key", &before.key);
        assert_opens(home, NULL, PROTECTOR_PLAINTEXT, 1);
        daemon_forget(&one);
        protect(&one, home, PROTECTOR_KEYFILE, NULL);
        assert_opens(home, NULL, PROTECTOR_KEYFILE, 1);
        assert_false(exists(home, "config/key.new"));
}

static void test_next_key_of_nothing(void **state) {
        _cleanup_(disk_look_deinit) struct disk_look seen = {};
        _cleanup_(fault_deinit) struct fault fault = {};
        struct buffer ruin = {};
        struct home *home = *state;

        save(&one, home, 1, "default", PROTECTOR_KEYFILE);
        assert_int_equal(buffer_append(&ruin, "ruins", 5), 0);
        put(home, "config/key.new", &ruin);
        assert_opens(home, NULL, PROTECTOR_KEYFILE, 1);
        assert_int_equal(unlink(home->key), 0);
        assert_int_equal(look(&seen, home, NULL, &fault), AGENT_ERROR_STORAGE_FAILED);
        assert_says(&fault, "is missing", "restore it");
        assert_true(exists(home, "config/key.new"));
        buffer_deinit(&ruin);
}

/* Who refreshes has a token soon that is on no disk; shut out, it would never get there. */
static void test_waits_for_who_refreshes(void **state) {
        static const enum protector protectors[] = {PROTECTOR_MEMORY, PROTECTOR_PASSPHRASE};
        static const unsigned char uuid[UUID_SIZE] = {1, 2, 3};
        _cleanup_(fault_deinit) struct fault fault = {};
        struct home *home = *state;
        struct byte_lock *claim, *second;

        save(&one, home, 1, "default", PROTECTOR_KEYFILE);
        for (size_t i = 0; i < ARRAY_SIZE(protectors); i++) {
                struct disk_commit commit = COMMIT_INIT(commit);

                commit.action = DISK_PROTECT;
                commit.wish.protector = protectors[i];
                commit.passphrase = passphrase_of("right");
                add_change(&commit.changes, CHANGE_ADD,
                           make_record((unsigned char)(11 + i), 1, i == 0 ? "work" : "more", NULL));
                assert_int_equal(disk_claim(&claim, &home->paths, uuid, &fault), 0);
                assert_int_equal(try_act(&one, home, &commit, &fault), 0);
                assert_int_equal(commit.postponed.r, AGENT_ERROR_BUSY);
                disk_commit_deinit(&commit);
                assert_opens(home, NULL, PROTECTOR_KEYFILE, 2 + i); /* what changed is saved all the same */

                protect(&one, home, PROTECTOR_PLAINTEXT, NULL); /* that shuts nobody out */
                assert_opens(home, NULL, PROTECTOR_PLAINTEXT, 2 + i);
                protect(&one, home, PROTECTOR_KEYFILE, NULL);
                byte_lock_free(claim);
        }

        protect(&one, home, PROTECTOR_PASSPHRASE, "right");
        assert_opens(home, "right", PROTECTOR_PASSPHRASE, 3);
        assert_int_equal(disk_claim(&second, &home->paths, uuid, &fault), 0); /* nothing stays locked */
        byte_lock_free(second);
}

static void test_automatic(void **state) {
        struct disk_wish wish = {.automatic = true, .permitted = ~0U};
        _cleanup_(fault_deinit) struct fault fault = {};
        struct home *home = *state;

        assert_int_equal(try_protect(&one, home, wish, NULL, &fault), 0);
        assert_opens(home, NULL, PROTECTOR_KEYFILE, 0); /* nobody answers */

        service.r = 0;
        assert_int_equal(try_protect(&one, home, wish, NULL, &fault), 0);
        assert_opens(home, NULL, PROTECTOR_SYSTEMD_CREDS, 0);

        service.disk_is_elsewhere = true;
        assert_int_equal(try_protect(&one, home, wish, NULL, &fault), 0);
        assert_opens(home, NULL, PROTECTOR_SYSTEMD_CREDS, 0); /* what has it is not to have less */
        protect(&one, home, PROTECTOR_PLAINTEXT, NULL);
        assert_int_equal(try_protect(&one, home, wish, NULL, &fault), 0);
        assert_opens(home, NULL, PROTECTOR_KEYFILE, 0);
}

static void assert_refused(const struct home *home, struct disk_wish wish, const char *passphrase) {
        _cleanup_(buffer_deinit) struct buffer before = {}, after = {};
        _cleanup_(fault_deinit) struct fault fault = {};

        slurp(&before, home->store);
        assert_int_equal(try_protect(&one, home, wish, passphrase, &fault), AGENT_ERROR_REFUSED);
        assert_non_null(strstr(fault_message(&fault), "does not permit"));
        slurp(&after, home->store);
        assert_int_equal(buffer_size(&before), buffer_size(&after));
        assert_memory_equal(buffer_bytes(&before), buffer_bytes(&after), buffer_size(&before));
}

static void test_policy(void **state) {
        struct disk_wish anything_else = {.automatic = true, .permitted = 1U << PROTECTOR_PASSPHRASE};
        _cleanup_(fault_deinit) struct fault fault = {};
        struct home *home = *state;

        save(&one, home, 1, "default", PROTECTOR_KEYFILE);
        for (enum protector protector = 0; protector < _PROTECTOR_MAX; protector++)
                assert_refused(home,
                               (struct disk_wish){.protector = protector, .permitted = ~(1U << protector)},
                               protector == PROTECTOR_PASSPHRASE ? "x" : NULL);
        assert_refused(home, anything_else, NULL);
        service.r = 0;
        assert_refused(home, anything_else, NULL);
        assert_int_equal(service.n_sealed, 0); /* not even asked */
        anything_else.permitted = 1U << PROTECTOR_SYSTEMD_CREDS;
        assert_int_equal(try_protect(&one, home, anything_else, NULL, &fault), 0);
        assert_opens(home, NULL, PROTECTOR_SYSTEMD_CREDS, 1);
}

/* What is there goes on being written, whatever the policy says since. */
static void test_policy_that_came_later(void **state) {
        struct disk_commit commit = COMMIT_INIT(commit);
        _cleanup_(fault_deinit) struct fault fault = {};
        struct home *home = *state;

        save(&one, home, 1, "default", PROTECTOR_KEYFILE);
        commit.wish.permitted = 0;
        add_change(&commit.changes, CHANGE_ADD, make_record(11, 1, "work", NULL));
        assert_int_equal(try_act(&one, home, &commit, &fault), 0);
        disk_commit_deinit(&commit);
        assert_opens(home, NULL, PROTECTOR_KEYFILE, 2);
}

static void test_service_in_trouble(void **state) {
        struct disk_wish wish = {.protector = PROTECTOR_SYSTEMD_CREDS, .permitted = ~0U};
        _cleanup_(disk_look_deinit) struct disk_look silent = {}, strange = {};
        _cleanup_(fault_deinit) struct fault fault = {};
        struct home *home = *state;
        struct disk_look again;

        save(&one, home, 1, "default", PROTECTOR_KEYFILE);
        assert_int_equal(try_protect(&one, home, wish, NULL, &fault), AGENT_ERROR_STORAGE_FAILED);
        assert_says(&fault, "systemd-creds cannot protect the store", "the service is in trouble");
        assert_opens(home, NULL, PROTECTOR_KEYFILE, 1);

        service.r = 0;
        protect(&one, home, PROTECTOR_SYSTEMD_CREDS, NULL);
        assert_int_equal(service.n_opened, 0);
        service.r = -ETIMEDOUT;
        assert_int_equal(look(&silent, home, NULL, &fault), AGENT_ERROR_STORAGE_FAILED);
        assert_says(&fault, "cannot be opened", "the service is in trouble");
        assert_false(silent.unreadable); /* it may answer the next time */

        again = (struct disk_look){.keys = one.keys};
        assert_int_equal(disk_load(&again, &home->paths, &fault), 0); /* who knows the key does not ask */
        store_free(again.store);

        service.r = -EBADMSG;
        assert_int_equal(look(&strange, home, NULL, &fault), AGENT_ERROR_STORAGE_FAILED);
        assert_says(&fault, "of another machine or for another user", "logout --all");
        assert_true(strange.unreadable);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_each_from_the_start),
                TEST(test_each_to_each),
                TEST(test_passphrase),
                TEST(test_known_key_opens),
                TEST(test_old_key_file_opens_no_new_store),
                TEST(test_crash_before_the_store),
                TEST(test_crash_before_the_key),
                TEST(test_crash_before_the_key_is_removed),
                TEST(test_next_key_of_nothing),
                TEST(test_waits_for_who_refreshes),
                TEST(test_automatic),
                TEST(test_policy),
                TEST(test_policy_that_came_later),
                TEST(test_service_in_trouble),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
