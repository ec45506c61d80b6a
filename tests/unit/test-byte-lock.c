/* Many locks with one descriptor, each its own: against other processes, and within this one. */

#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/byte-lock.h"
#include "daemon/base/file.h"

enum { MANY = 400, DESCRIPTORS = 32 };

static char dir[64];
static int dir_fd;

static int set_up(void **state) {
        strcpy(dir, "/tmp/globus-agent-test-XXXXXX");
        assert_non_null(mkdtemp(dir));
        dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(dir_fd >= 0);
        return 0;
}

static int tear_down(void **state) {
        (void)unlinkat(dir_fd, "lock", 0);
        close(dir_fd);
        return rmdir(dir);
}

static size_t count_descriptors(void) {
        DIR *list = opendir("/proc/self/fd");
        size_t n = 0;

        assert_non_null(list);
        while (readdir(list))
                n++;
        closedir(list);
        return n;
}

static struct byte_lock *take(uint64_t offset) {
        struct byte_lock *lock;

        assert_int_equal(byte_lock_new(&lock, dir_fd, "lock", offset), 0);
        return lock;
}

/* By another process; or by one more opening of the file, which is all the same to the kernel. */
static bool is_locked(uint64_t offset) {
        int fd, r;

        r = file_lock(&fd, dir_fd, "lock", offset, 0);
        if (!r)
                close(fd);
        else
                assert_int_equal(r, -ETIMEDOUT);

        return r;
}

static void test_one(void **state) {
        size_t before = count_descriptors();
        struct byte_lock *lock, *again;

        lock = take(7);
        assert_true(is_locked(7));
        assert_false(is_locked(6));
        assert_int_equal(byte_lock_new(&again, dir_fd, "lock", 7), -EAGAIN);
        assert_true(is_locked(7));
        lock = byte_lock_free(lock);
        assert_false(is_locked(7));
        byte_lock_free(take(7));
        assert_int_equal(count_descriptors(), before);
        assert_null(byte_lock_free(NULL));
}

static void test_of_another_process(void **state) {
        size_t before = count_descriptors();
        struct byte_lock *lock;
        int fd;

        assert_int_equal(file_lock(&fd, dir_fd, "lock", 7, 0), 0);
        assert_int_equal(byte_lock_new(&lock, dir_fd, "lock", 7), -EAGAIN);
        close(fd);
        assert_int_equal(count_descriptors(), before);
        lock = take(7);
        lock = byte_lock_free(lock);
}

static void test_many(void **state) {
        struct rlimit limit, few;
        struct byte_lock *locks[MANY];

        assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
        few = (struct rlimit){.rlim_cur = DESCRIPTORS, .rlim_max = limit.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);

        for (uint64_t i = 0; i < MANY; i++)
                locks[i] = take(i);
        for (uint64_t i = 0; i < MANY; i++)
                assert_true(is_locked(i));

        for (uint64_t i = 0; i < MANY; i += 2)
                byte_lock_free(locks[i]);
        for (uint64_t i = 0; i < MANY; i++)
                assert_int_equal(is_locked(i), i % 2);
        for (uint64_t i = 1; i < MANY; i += 2)
                byte_lock_free(locks[i]);
        assert_false(is_locked(1));
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* Then others lock the new one. */
static void test_file_is_replaced(void **state) {
        size_t before = count_descriptors();
        struct byte_lock *old, *new;

        old = take(7);
        assert_int_equal(unlinkat(dir_fd, "lock", 0), 0);
        assert_false(is_locked(7));
        new = take(7);
        assert_true(is_locked(7));
        old = byte_lock_free(old);
        assert_true(is_locked(7));
        assert_int_equal(count_descriptors(), before + 1);
        new = byte_lock_free(new);
        assert_false(is_locked(7));
        assert_int_equal(count_descriptors(), before);
}

static void test_what_cannot_be_locked(void **state) {
        size_t before = count_descriptors();
        struct byte_lock *lock;

        assert_int_equal(byte_lock_new(&lock, dir_fd, "lock", UINT64_MAX), -EINVAL);
        assert_int_equal(fchmodat(dir_fd, "lock", 0644, 0), 0);
        assert_int_equal(byte_lock_new(&lock, dir_fd, "lock", 0), -EPERM);
        assert_int_equal(count_descriptors(), before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_one),
                TEST(test_of_another_process),
                TEST(test_many),
                TEST(test_file_is_replaced),
                TEST(test_what_cannot_be_locked),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
