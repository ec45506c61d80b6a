/* Whatever fails, and whoever else is at it, there is a key file that opens the store. */

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include "tests/unit/homes.h"

static int rename_errno; /* of what puts a key file in place */
static void (*before_key)(struct home *home); /* once, when a key file is about to be read */
static struct home *current;

/* These take the place of the C library's. */

int renameat(int from_fd, const char *from, int to_fd, const char *to) {
        if (rename_errno && streq(from, "key.new") && streq(to, "key")) {
                errno = rename_errno;
                return -1;
        }

        return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, 0);
}

int openat(int fd, const char *name, int flags, ...) {
        va_list arguments;
        unsigned mode;

        va_start(arguments, flags);
        mode = flags & O_CREAT ? va_arg(arguments, unsigned) : 0;
        va_end(arguments);
        if (before_key && streq(name, "key"))
                TAKE(before_key)(current);
        return (int)syscall(SYS_openat, fd, name, flags, mode);
}

static int set_up(void **state) {
        rename_errno = 0;
        before_key = NULL;
        setup_home(state);
        current = *state;
        commit(current, 1, "default");
        return 0;
}

static int protect(const struct home *home, enum protector protector, struct fault *fault) {
        struct disk_commit commit = COMMIT_INIT(commit);
        int r;

        commit.action = DISK_PROTECT;
        commit.wish.protector = protector;
        r = disk_commit(&commit, &home->paths, fault);
        disk_commit_deinit(&commit);
        return r;
}

static void protect_well(struct home *home, enum protector protector) {
        _cleanup_(fault_deinit) struct fault fault = {};

        assert_int_equal(protect(home, protector, &fault), 0);
}

static void protect_with_new_key(struct home *home) {
        protect_well(home, PROTECTOR_KEYFILE);
}

static void protect_with_nothing(struct home *home) {
        protect_well(home, PROTECTOR_PLAINTEXT);
}

static void assert_opens(const struct home *home) {
        _cleanup_(store_freep) struct store *store = load(home);

        assert_true(count_records(store) >= 2);
}

static bool is_there(const struct home *home, const char *name) {
        char path[128];

        snprintf(path, sizeof(path), "%s/%s", home->paths.config_dir, name);
        return access(path, F_OK) == 0;
}

static void test_looking_moves_no_key(void **state) {
        _cleanup_(buffer_deinit) struct buffer before = {}, after = {};
        struct home *home = *state;

        rename_errno = EIO;
        protect_with_new_key(home);
        rename_errno = 0;
        slurp(&before, home->key);
        assert_opens(home);
        assert_true(is_there(home, "key.new"));
        slurp(&after, home->key);
        assert_memory_equal(buffer_bytes(&before), buffer_bytes(&after), 32);

        commit(home, 11, "work"); /* which has the lock */
        assert_false(is_there(home, "key.new"));
        assert_opens(home);
}

static void test_only_key_is_not_written_over(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};
        struct home *home = *state;

        rename_errno = EIO;
        protect_with_new_key(home);
        assert_opens(home);
        assert_int_equal(protect(home, PROTECTOR_KEYFILE, &fault), AGENT_ERROR_STORAGE_FAILED);
        assert_says(&fault, home->paths.config_dir, "key.new");
        assert_opens(home);
        commit(home, 11, "work"); /* takes no other key */
        assert_opens(home);

        rename_errno = 0;
        protect_with_new_key(home);
        assert_opens(home);
        assert_false(is_there(home, "key.new"));
}

static void test_first_key_that_is_not_put_in_place(void **state) {
        struct home *home = *state;

        protect_with_nothing(home);
        assert_false(is_there(home, "key"));
        rename_errno = EIO;
        protect_with_new_key(home);
        assert_opens(home);

        rename_errno = 0;
        protect_with_nothing(home);
        assert_false(is_there(home, "key.new"));
        assert_opens(home);
}

/* Between its looks at the store and at the key file, another daemon changes both. */
static void test_change_while_looking(void **state) {
        static void (*const changes[])(struct home *) = {protect_with_new_key, protect_with_nothing};
        struct home *home = *state;

        for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
                before_key = changes[i];
                assert_opens(home);
                assert_null(before_key);
        }
}

static unsigned n_changes;

static void change_again_and_again(struct home *home) {
        protect_with_new_key(home);
        if (n_changes++ < 100)
                before_key = change_again_and_again;
}

static void test_looking_comes_to_an_end(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};
        struct disk_look look = {};
        struct home *home = *state;

        before_key = change_again_and_again;
        assert_int_equal(disk_load(&look, &home->paths, &fault), AGENT_ERROR_STORAGE_FAILED);
        assert_in_range(n_changes, 2, 20);
        before_key = NULL;
        assert_opens(home);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_looking_moves_no_key, set_up, teardown_home),
                cmocka_unit_test_setup_teardown(test_only_key_is_not_written_over, set_up, teardown_home),
                cmocka_unit_test_setup_teardown(test_first_key_that_is_not_put_in_place, set_up, teardown_home),
                cmocka_unit_test_setup_teardown(test_change_while_looking, set_up, teardown_home),
                cmocka_unit_test_setup_teardown(test_looking_comes_to_an_end, set_up, teardown_home),
        };

        return cmocka_run_group_tests_name("disk-keys", tests, NULL, NULL);
}
