/* A file system without locks: all is written all the same, and it is told. */

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include "tests/unit/homes.h"

static int lock_errno;

/* Takes the place of the C library's. */
int fcntl(int fd, int command, ...) {
        va_list arguments;
        void *argument;

        if (command == F_OFD_SETLK) {
                errno = lock_errno;
                return -1;
        }

        va_start(arguments, command);
        argument = va_arg(arguments, void *);
        va_end(arguments);
        return (int)syscall(SYS_fcntl, fd, command, argument);
}

static void test_no_locks(void **state) {
        static const int errnos[] = {ENOLCK, EOPNOTSUPP, EINVAL};
        static const unsigned char uuid[UUID_SIZE] = {1};
        _cleanup_(fault_deinit) struct fault fault = {0};
        struct home *home = *state;

        for (size_t i = 0; i < ARRAY_SIZE(errnos); i++) {
                _cleanup_(store_freep) struct store *store = NULL;
                struct disk_commit commit = COMMIT_INIT(commit);
                struct byte_lock *lock = (struct byte_lock *)home;

                lock_errno = errnos[i];
                add_change(&commit.changes, CHANGE_ADD,
                           make_record((unsigned char)(i + 1), 1, "default", NULL));
                assert_int_equal(disk_commit(&commit, &home->paths, &fault), 0);
                assert_true(commit.unlocked);
                store = load(home);
                assert_non_null(find_record(store, (unsigned char)(i + 1)));
                assert_int_equal(disk_claim(&lock, &home->paths, uuid, &fault), 0);
                assert_null(lock);
                change_free_all(&commit.changes);
                store_free(commit.store);
        }
}

/* Before there is a store, no key can get lost. */
static void test_key_is_not_changed(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {0};
        struct home *home = *state;
        struct disk_commit protection = COMMIT_INIT(protection);

        lock_errno = ENOLCK;
        protection.action = DISK_PROTECT;
        assert_int_equal(disk_commit(&protection, &home->paths, &fault), 0);
        store_free(TAKE(protection.store));
        commit(home, 1, "default");
        assert_int_equal(disk_commit(&protection, &home->paths, &fault), AGENT_ERROR_STORAGE_FAILED);
        assert_says(&fault, home->paths.state_dir, "has no locks");
        store_free(load(home));
}

static void test_trouble_is_not_taken_for_it(void **state) {
        static const unsigned char uuid[UUID_SIZE] = {1};
        _cleanup_(fault_deinit) struct fault fault = {0};
        struct home *home = *state;
        struct byte_lock *lock;

        lock_errno = EIO;
        assert_int_equal(try_commit(home, 1, "default", &fault), AGENT_ERROR_STORAGE_FAILED);
        assert_int_equal(disk_claim(&lock, &home->paths, uuid, &fault), AGENT_ERROR_STORAGE_FAILED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_no_locks, setup_home, teardown_home),
                cmocka_unit_test_setup_teardown(test_key_is_not_changed, setup_home, teardown_home),
                cmocka_unit_test_setup_teardown(test_trouble_is_not_taken_for_it, setup_home, teardown_home),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
