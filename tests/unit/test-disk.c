/* What is saved is there again; what another daemon saved meanwhile too; what is wrong is said, and left as it
 * is. */

#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/unit/homes.h"

enum { DAEMONS = 8 };

static unsigned mode_of(const char *path) {
        struct stat st;

        assert_int_equal(lstat(path, &st), 0);
        return st.st_mode & 07777;
}

static void test_paths(void **state) {
        _cleanup_(disk_paths_deinit) struct disk_paths paths = {0}, copy = {0};

        setenv("HOME", "/home/alice", 1);
        setenv("XDG_STATE_HOME", "/var/state", 1);
        unsetenv("XDG_CONFIG_HOME");
        assert_int_equal(disk_paths_init(&paths), 0);
        assert_string_equal(paths.state_dir, "/var/state/globus-agent");
        assert_string_equal(paths.config_dir, "/home/alice/.config/globus-agent");
        disk_paths_deinit(&paths);

        setenv("XDG_STATE_HOME", "relative", 1);
        setenv("XDG_CONFIG_HOME", "", 1);
        assert_int_equal(disk_paths_init(&paths), 0);
        assert_string_equal(paths.state_dir, "/home/alice/.local/state/globus-agent");
        assert_string_equal(paths.config_dir, "/home/alice/.config/globus-agent");

        assert_int_equal(disk_paths_copy(&copy, &paths), 0);
        assert_string_equal(copy.state_dir, paths.state_dir);
        assert_ptr_not_equal(copy.state_dir, paths.state_dir);
}

static void test_nothing_yet(void **state) {
        struct home *home = *state;

        assert_null(load(home));
        assert_int_equal(access(home->paths.state_dir, F_OK), -1); /* looking makes nothing */
        assert_int_equal(access(home->paths.config_dir, F_OK), -1);
}

static void test_save_and_load(void **state) {
        _cleanup_(store_freep) struct store *store = NULL;
        struct home *home = *state;

        commit(home, 1, "default");
        assert_int_equal(mode_of(home->paths.state_dir), 0700);
        assert_int_equal(mode_of(home->paths.config_dir), 0700);
        assert_int_equal(mode_of(home->store), 0600);
        assert_int_equal(mode_of(home->key), 0600);
        assert_int_equal(mode_of(home->lock), 0600);

        store = load(home);
        assert_int_equal(count_records(store), 2);
        assert_string_equal(find_record(store, 2)->resource_server, "auth.globus.org");
}

static void test_second_save_adds(void **state) {
        _cleanup_(store_freep) struct store *store = NULL;
        _cleanup_(buffer_deinit) struct buffer before = {0}, after = {0};
        struct home *home = *state;

        commit(home, 1, "default");
        slurp(&before, home->key);
        assert_int_equal(buffer_size(&before), 32);
        commit(home, 11, "work");
        slurp(&after, home->key);
        assert_memory_equal(buffer_bytes(&before), buffer_bytes(&after), 32);

        store = load(home);
        assert_int_equal(count_records(store), 4);
}

static void test_no_change_no_write(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {0};
        struct disk_commit nothing = COMMIT_INIT(nothing);
        struct stat before, after;
        struct home *home = *state;

        add_change(&nothing.changes, CHANGE_REMOVE, make_record(1, 1, "default", NULL));
        assert_int_equal(disk_commit(&nothing, &home->paths, &fault), 0);
        change_free_all(&nothing.changes);
        assert_null(nothing.store);
        assert_int_equal(access(home->store, F_OK), -1);
        assert_int_equal(access(home->key, F_OK), -1);

        commit(home, 1, "default");
        assert_int_equal(stat(home->store, &before), 0);
        commit(home, 1, "default");
        assert_int_equal(stat(home->store, &after), 0);
        assert_true(before.st_ino == after.st_ino);
}

static void test_all_removed(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {0};
        _cleanup_(store_freep) struct store *loaded = NULL;
        struct disk_commit removal = COMMIT_INIT(removal);
        struct home *home = *state;

        commit(home, 1, "default");
        add_change(&removal.changes, CHANGE_REMOVE, make_record(1, 1, "default", NULL));
        assert_int_equal(disk_commit(&removal, &home->paths, &fault), 0);
        assert_int_equal(count_records(removal.store), 0);
        disk_commit_deinit(&removal);
        loaded = load(home);
        assert_int_equal(count_records(loaded), 0);
}

static void test_version_known_is_no_news(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {0};
        _cleanup_(store_freep) struct store *first = NULL;
        _cleanup_(disk_look_deinit) struct disk_look look = {};
        struct home *home = *state;

        commit(home, 1, "default");
        first = load(home);
        look.known = first->version;
        assert_int_equal(disk_load(&look, &home->paths, &fault), -EALREADY);
        assert_null(look.store);

        commit(home, 11, "work");
        assert_int_equal(disk_load(&look, &home->paths, &fault), 0);
        assert_int_equal(count_records(look.store), 4);
}

static void test_commit_tells_the_version(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {0};
        _cleanup_(store_freep) struct store *loaded = NULL;
        struct disk_commit commit = COMMIT_INIT(commit);
        struct home *home = *state;

        add_change(&commit.changes, CHANGE_ADD, make_record(1, 1, "default", NULL));
        assert_int_equal(disk_commit(&commit, &home->paths, &fault), 0);
        loaded = load(home);
        assert_true(store_version_equal(&commit.store->version, &loaded->version));
        assert_false(commit.unlocked);
        disk_commit_deinit(&commit);
}

/* Whoever has it in memory writes all of it anew, not only what changed last. */
static void test_store_that_is_gone_is_not_begun_anew(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {0};
        _cleanup_(store_freep) struct store *before = NULL;
        struct disk_commit lost = COMMIT_INIT(lost);
        struct home *home = *state;

        commit(home, 1, "default");
        before = load(home);
        assert_int_equal(unlink(home->store), 0);

        lost.known = before->version;
        add_change(&lost.changes, CHANGE_ADD, make_record(11, 1, "work", NULL));
        assert_int_equal(disk_commit(&lost, &home->paths, &fault), 0);
        assert_null(lost.store);
        assert_int_equal(access(home->store, F_OK), -1);
        change_free_all(&lost.changes);
}

static void test_claims(void **state) {
        static const unsigned char one[UUID_SIZE] = {1}, other[UUID_SIZE] = {2};
        _cleanup_(fault_deinit) struct fault fault = {0};
        struct byte_lock *first, *second, *third;
        struct home *home = *state;

        commit(home, 1, "default");
        assert_int_equal(disk_claim(&first, &home->paths, one, &fault), 0);
        assert_int_equal(disk_claim(&second, &home->paths, other, &fault), 0);
        assert_int_equal(disk_claim(&third, &home->paths, one, &fault), -EAGAIN);
        assert_int_equal(fault.r, 0);
        commit(home, 11, "work"); /* is not kept waiting by any */

        byte_lock_free(first);
        assert_int_equal(disk_claim(&third, &home->paths, one, &fault), 0);
        byte_lock_free(second);
        byte_lock_free(third);
}

/* What they cost must not be what is left of connections. */
static void test_claims_of_many_grants(void **state) {
        enum { GRANTS = 400, DESCRIPTORS = 32 };
        _cleanup_(fault_deinit) struct fault fault = {0};
        struct byte_lock *locks[GRANTS];
        struct rlimit limit, few;
        struct home *home = *state;

        commit(home, 1, "default");
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
        few = (struct rlimit){.rlim_cur = DESCRIPTORS, .rlim_max = limit.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);

        for (size_t i = 0; i < GRANTS; i++) {
                const unsigned char uuid[UUID_SIZE] = {(unsigned char)i, (unsigned char)(i / 256)};

                assert_int_equal(disk_claim(&locks[i], &home->paths, uuid, &fault), 0);
                assert_non_null(locks[i]);
        }
        for (size_t i = 0; i < GRANTS; i++)
                byte_lock_free(locks[i]);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void test_claim_without_a_directory(void **state) {
        static const unsigned char uuid[UUID_SIZE] = {1};
        _cleanup_(fault_deinit) struct fault fault = {0};
        struct home *home = *state;
        struct byte_lock *lock;

        assert_int_equal(disk_claim(&lock, &home->paths, uuid, &fault), AGENT_ERROR_STORAGE_FAILED);
        assert_int_equal(access(home->paths.state_dir, F_OK), -1);
}

/* Waits until the writing end of the gate is closed everywhere, so that all begin at once. */
static pid_t start_daemon(const struct home *home, const int gate[2], unsigned char i) {
        _cleanup_(fault_deinit) struct fault fault = {0};
        char profile[] = {'p', (char)('a' + i), '\0'}, byte;
        pid_t pid = fork();
        int r;

        if (pid)
                return pid;

        close(gate[1]);
        if (read(gate[0], &byte, 1) != 0)
                _exit(2);
        do {
                r = try_commit(home, (unsigned char)(1 + 2 * i), profile, &fault);
        } while (r == -EAGAIN); /* another one's turn, for longer than a commit waits */
        _exit(r ? 1 : 0);
}

static void run_daemons(const struct home homes[static DAEMONS]) {
        pid_t pids[DAEMONS];
        int gate[2];

        assert_int_equal(pipe(gate), 0);
        for (unsigned char i = 0; i < DAEMONS; i++) {
                pids[i] = start_daemon(&homes[i], gate, i);
                assert_true(pids[i] > 0);
        }
        close(gate[0]);
        close(gate[1]);

        for (int i = 0; i < DAEMONS; i++) {
                int status;

                assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
                assert_int_equal(status, 0);
        }
}

static void test_daemons_begin_at_once(void **state) {
        _cleanup_(store_freep) struct store *store = NULL;
        struct home *home = *state, homes[DAEMONS];

        for (int i = 0; i < DAEMONS; i++)
                homes[i] = *home;
        run_daemons(homes);

        store = load(home);
        assert_int_equal(count_records(store), 2 * DAEMONS);
}

/* No lock is common to them, yet all must end up with one key. */
static void test_daemons_share_the_key_only(void **state) {
        struct home *home = *state, homes[DAEMONS];

        for (int i = 0; i < DAEMONS; i++) {
                homes[i] = *home;
                assert_true(asprintf(&homes[i].paths.state_dir, "%s-%d", home->paths.state_dir, i) > 0);
        }
        run_daemons(homes);

        for (int i = 0; i < DAEMONS; i++) {
                _cleanup_(store_freep) struct store *store = load(&homes[i]);

                assert_int_equal(count_records(store), 2);
                free(homes[i].paths.state_dir);
        }
}

static void test_move_aside(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {0};
        _cleanup_(freep) char *none = NULL, *first = NULL, *second = NULL;
        struct home *home = *state;

        assert_int_equal(disk_move_aside(&none, &home->paths, &fault), 0);
        assert_null(none);

        commit(home, 1, "default");
        spill(home->store, "ruins", 5);
        assert_int_equal(try_commit(home, 11, "work", &fault), AGENT_ERROR_STORAGE_FAILED);
        assert_int_equal(disk_move_aside(&first, &home->paths, &fault), 0);
        assert_int_equal(access(first, F_OK), 0);
        assert_int_equal(strncmp(first, home->store, strlen(home->store)), 0);
        assert_null(load(home));

        commit(home, 11, "work");
        assert_int_equal(disk_move_aside(&second, &home->paths, &fault), 0);
        assert_string_not_equal(first, second);
        assert_int_equal(disk_move_aside(&none, &home->paths, &fault), 0);
        assert_null(none);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_paths),
                cmocka_unit_test_setup_teardown(test_nothing_yet, setup_home, teardown_home),
                cmocka_unit_test_setup_teardown(test_save_and_load, setup_home, teardown_home),
                cmocka_unit_test_setup_teardown(test_second_save_adds, setup_home, teardown_home),
                cmocka_unit_test_setup_teardown(test_no_change_no_write, setup_home, teardown_home),
                cmocka_unit_test_setup_teardown(test_all_removed, setup_home, teardown_home),
                cmocka_unit_test_setup_teardown(test_version_known_is_no_news, setup_home, teardown_home),
                cmocka_unit_test_setup_teardown(test_commit_tells_the_version, setup_home, teardown_home),
                cmocka_unit_test_setup_teardown(test_store_that_is_gone_is_not_begun_anew, setup_home,
                                                teardown_home),
                cmocka_unit_test_setup_teardown(test_claims, setup_home, teardown_home),
                cmocka_unit_test_setup_teardown(test_claims_of_many_grants, setup_home, teardown_home),
                cmocka_unit_test_setup_teardown(test_claim_without_a_directory, setup_home, teardown_home),
                cmocka_unit_test_setup_teardown(test_daemons_begin_at_once, setup_home, teardown_home),
                cmocka_unit_test_setup_teardown(test_daemons_share_the_key_only, setup_home, teardown_home),
                cmocka_unit_test_setup_teardown(test_move_aside, setup_home, teardown_home),
        };

        return cmocka_run_group_tests_name("disk", tests, NULL, NULL);
}
