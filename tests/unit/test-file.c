/* Nothing foreign is read, nothing is ever half written, and one byte has one holder. */

#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/file.h"

static char path[64];
static int dir_fd;

/* The kernel, replaced: it can be stingy, without RENAME_NOREPLACE, or the machine dies at its n-th call. */

static struct {
        bool stingy, no_noreplace;
        int dies_at, n_calls, n_fsync, fsync_fails_at;
        int held_fd; /* given up by the first wait */
} kernel;

static void kernel_called(void) {
        if (++kernel.n_calls == kernel.dies_at)
                raise(SIGKILL);
}

ssize_t write(int fd, const void *data, size_t n) {
        kernel_called();
        if (kernel.stingy && kernel.n_calls % 2) {
                errno = EINTR;
                return -1;
        }

        return syscall(SYS_write, fd, data, kernel.stingy ? MIN(n, (size_t)3) : n);
}

int fsync(int fd) {
        kernel_called();
        if (++kernel.n_fsync == kernel.fsync_fails_at) {
                errno = EIO;
                return -1;
        }

        return (int)syscall(SYS_fsync, fd);
}

int renameat(int old_fd, const char *from, int new_fd, const char *to) {
        kernel_called();
        return (int)syscall(SYS_renameat2, old_fd, from, new_fd, to, 0);
}

int renameat2(int old_fd, const char *from, int new_fd, const char *to, unsigned int flags) {
        kernel_called();
        if (kernel.no_noreplace) {
                errno = EINVAL;
                return -1;
        }

        return (int)syscall(SYS_renameat2, old_fd, from, new_fd, to, flags);
}

int linkat(int old_fd, const char *from, int new_fd, const char *to, int flags) {
        kernel_called();
        return (int)syscall(SYS_linkat, old_fd, from, new_fd, to, flags);
}

int unlinkat(int fd, const char *name, int flags) {
        kernel_called();
        return (int)syscall(SYS_unlinkat, fd, name, flags);
}

int nanosleep(const struct timespec *time, struct timespec *left) {
        if (kernel.held_fd > 0)
                close(kernel.held_fd);
        kernel.held_fd = 0;
        return (int)syscall(SYS_nanosleep, time, left);
}

static int remove_entry(const char *name, const struct stat *st, int type, struct FTW *ftw) {
        return remove(name);
}

static int make_directory(void **state) {
        memset(&kernel, 0, sizeof(kernel));
        snprintf(path, sizeof(path), "/tmp/test-file.XXXXXX");
        if (!mkdtemp(path))
                return -1;

        return file_open_dir(&dir_fd, path);
}

static int remove_directory(void **state) {
        close(dir_fd);
        return nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static struct bytes bytes_of(const char *text) {
        return (struct bytes){text, strlen(text)};
}

static int put(const char *name, const char *text) {
        return file_write(dir_fd, name, bytes_of(text));
}

static void assert_contents(const char *name, const char *text) {
        _cleanup_(buffer_deinit) struct buffer buffer = {0};

        assert_int_equal(file_read(&buffer, dir_fd, name, 1024 * 1024), 0);
        assert_int_equal(buffer_size(&buffer), strlen(text));
        if (*text)
                assert_memory_equal(buffer_bytes(&buffer), text, strlen(text));
}

static int read_fails(const char *name) {
        _cleanup_(buffer_deinit) struct buffer buffer = {0};
        int r;

        assert_int_equal(buffer_append_string(&buffer, "kept"), 0);
        r = file_read(&buffer, dir_fd, name, 100);
        assert_int_equal(buffer_size(&buffer), 4);
        return r;
}

static int count_entries(void) {
        DIR *dir = opendir(path);
        int n = 0;

        assert_non_null(dir);
        while (readdir(dir))
                n++;
        closedir(dir);
        return n - 2; /* itself and its parent */
}

static int open_below(const char *name) {
        char below[128];
        int fd = -1, r;

        snprintf(below, sizeof(below), "%s/%s", path, name);
        r = file_open_dir(&fd, below);
        if (!r)
                close(fd);
        return r;
}

static void test_open_dir(void **state) {
        struct stat st;

        assert_int_equal(open_below("a/b//c/"), 0);
        assert_int_equal(open_below("a/b/c"), 0);
        assert_int_equal(fstatat(dir_fd, "a", &st, 0), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
        assert_int_equal(fstatat(dir_fd, "a/b/c", &st, 0), 0);
        assert_int_equal(st.st_mode & 07777, 0700);

        assert_int_equal(fchmodat(dir_fd, "a/b", 0755, 0), 0);
        assert_int_equal(open_below("a/b/c"), 0); /* its own mode counts */
        assert_int_equal(open_below("a/b"), -EPERM);
}

static void test_open_dir_refuses(void **state) {
        int fd;

        assert_int_equal(mkdirat(dir_fd, "real", 0700), 0);
        assert_int_equal(symlinkat("real", dir_fd, "link"), 0);
        assert_int_equal(open_below("link"), -ELOOP);
        assert_int_equal(open_below("link/"), -ELOOP);
        assert_int_equal(open_below("link/below"), 0);

        assert_int_equal(put("file", ""), 0);
        assert_int_equal(open_below("file"), -ENOTDIR);
        assert_int_equal(open_below("file/below"), -ENOTDIR);
        assert_int_equal(file_open_dir(&fd, ""), -ENOENT);

        if (geteuid() == 0) {
                assert_int_equal(fchownat(dir_fd, "real", 65534, 65534, 0), 0);
                assert_int_equal(open_below("real"), -EPERM);
        }
}

static void test_write_and_read(void **state) {
        struct stat st;

        assert_int_equal(read_fails("store"), -ENOENT);
        assert_int_equal(put("store", "first"), 0);
        assert_contents("store", "first");
        assert_int_equal(kernel.n_fsync, 2); /* the file and its directory */
        assert_int_equal(put("store", ""), 0);
        assert_contents("store", "");
        assert_int_equal(put("store", "second"), 0);
        assert_contents("store", "second");

        assert_int_equal(symlinkat("store", dir_fd, "link"), 0);
        assert_int_equal(put("link", "third"), 0); /* replaces the link, not what it names */
        assert_contents("link", "third");
        assert_contents("store", "second");
        assert_int_equal(unlinkat(dir_fd, "link", 0), 0);

        assert_int_equal(fstatat(dir_fd, "store", &st, 0), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(count_entries(), 1);
}

static void test_read_refuses(void **state) {
        char large[102] = "";

        memset(large, 'x', 101);
        assert_int_equal(put("large", large), 0);
        assert_int_equal(read_fails("large"), -EFBIG);

        assert_int_equal(put("store", "text"), 0);
        assert_int_equal(symlinkat("store", dir_fd, "link"), 0);
        assert_int_equal(read_fails("link"), -ELOOP);
        assert_int_equal(mkfifoat(dir_fd, "fifo", 0600), 0);
        assert_int_equal(read_fails("fifo"), -EPERM); /* and does not wait for a writer */

        assert_int_equal(fchmodat(dir_fd, "store", 0640, 0), 0);
        assert_int_equal(read_fails("store"), -EPERM);
        assert_int_equal(fchmodat(dir_fd, "store", 0400, 0), 0);
        assert_contents("store", "text");
        assert_int_equal(linkat(dir_fd, "store", dir_fd, "second-name", 0), 0);
        assert_int_equal(read_fails("store"), -EPERM);

        if (geteuid() == 0) {
                assert_int_equal(put("foreign", "text"), 0);
                assert_int_equal(fchownat(dir_fd, "foreign", 65534, 65534, 0), 0);
                assert_int_equal(read_fails("foreign"), -EPERM);
        }
}

static void test_write_new(void **state) {
        for (int i = 0; i < 2; i++) {
                kernel.no_noreplace = i;
                assert_int_equal(file_write_new(dir_fd, "key", bytes_of("mine")), 0);
                assert_int_equal(file_write_new(dir_fd, "key", bytes_of("theirs")), -EEXIST);
                assert_contents("key", "mine");
                assert_int_equal(count_entries(), 1);
                assert_int_equal(unlinkat(dir_fd, "key", 0), 0);
        }
}

static void test_stingy_kernel(void **state) {
        kernel.stingy = true;
        assert_int_equal(put("store", "a text of more than three bytes"), 0);
        kernel.stingy = false;
        assert_contents("store", "a text of more than three bytes");
}

static void test_failing_disk(void **state) {
        struct rlimit before, little = {.rlim_cur = 4096};
        static char large[8193];

        memset(large, 'x', sizeof(large) - 1);
        assert_int_equal(put("store", "old"), 0);

        signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
        little.rlim_max = before.rlim_max;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
        assert_int_equal(put("store", large), -EFBIG);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);

        kernel.fsync_fails_at = kernel.n_fsync + 1;
        assert_int_equal(put("store", "new"), -EIO);
        assert_contents("store", "old");
        assert_int_equal(count_entries(), 1);
}

/* In a process of its own, which dies at the n-th call to the kernel; false if it lived. */
static bool dies(int n, int (*write_fn)(int, const char *, struct bytes), const char *text) {
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                kernel.n_calls = 0;
                kernel.dies_at = n;
                _exit(write_fn(dir_fd, "store", bytes_of(text)) ? 1 : 0);
        }

        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
        return WIFSIGNALED(status);
}

static void test_crash_at_any_call(void **state) {
        int n;

        for (n = 1;; n++) {
                _cleanup_(buffer_deinit) struct buffer buffer = {0};

                assert_int_equal(put("store", "old"), 0);
                if (!dies(n, file_write, "new"))
                        break;

                assert_int_equal(file_read(&buffer, dir_fd, "store", 100), 0);
                assert_int_equal(buffer_size(&buffer), 3);
                assert_true(memcmp(buffer_bytes(&buffer), "old", 3) == 0 ||
                            memcmp(buffer_bytes(&buffer), "new", 3) == 0);
        }

        assert_int_equal(n, 5); /* write, fsync, rename, fsync of the directory */
        assert_contents("store", "new");
}

static void test_crash_without_noreplace(void **state) {
        int n;

        kernel.no_noreplace = true;
        for (n = 1; dies(n, file_write_new, "new"); n++) {
                _cleanup_(buffer_deinit) struct buffer buffer = {0};
                int r = file_read(&buffer, dir_fd, "store", 100);

                /* a second name from in between link and unlink harms nobody */
                assert_true(r == -ENOENT || (r == 0 && memcmp(buffer_bytes(&buffer), "new", 3) == 0));
                unlinkat(dir_fd, "store", 0);
        }

        assert_int_equal(n, 7); /* write, fsync, rename, link, unlink, fsync of the directory */
        assert_contents("store", "new");
}

static void test_move_aside(void **state) {
        _cleanup_(freep) char *first = NULL, *second = NULL, *none = NULL;

        for (int i = 0; i < 2; i++) {
                kernel.no_noreplace = i;
                assert_int_equal(put("store", i ? "two" : "one"), 0);
                assert_int_equal(file_move_aside(i ? &second : &first, dir_fd, "store"), 0);
                assert_int_equal(read_fails("store"), -ENOENT);
        }

        assert_string_equal(first, "store-aside-1");
        assert_string_equal(second, "store-aside-2");
        assert_contents(first, "one");
        assert_contents(second, "two");
        assert_int_equal(file_move_aside(&none, dir_fd, "store"), -ENOENT);
}

static void test_lock(void **state) {
        int first, second, other;

        assert_int_equal(file_lock(&first, dir_fd, "lock", 7, 0), 0);
        assert_int_equal(file_lock(&second, dir_fd, "lock", 7, 0), -ETIMEDOUT);
        assert_int_equal(file_lock(&second, dir_fd, "lock", 7, 25 * USEC_PER_MSEC), -ETIMEDOUT);
        assert_int_equal(file_lock(&other, dir_fd, "lock", 8, 0), 0);

        close(first);
        assert_int_equal(file_lock(&second, dir_fd, "lock", 7, 0), 0);
        close(second);
        close(other);

        assert_int_equal(file_lock(&first, dir_fd, "lock", UINT64_MAX, 0), -EINVAL);
}

static void test_lock_waits(void **state) {
        int first, second;

        assert_int_equal(file_lock(&first, dir_fd, "lock", 0, 0), 0);
        kernel.held_fd = first;
        assert_int_equal(file_lock(&second, dir_fd, "lock", 0, 60 * USEC_PER_SEC), 0);
        assert_int_equal(kernel.held_fd, 0); /* it did wait */
        close(second);
}

static void test_error(void **state) {
        assert_string_equal(file_error(-ENOSPC), "No space left on device");
        assert_non_null(strstr(file_error(-EPERM), "0600"));
        assert_string_equal(file_error(-12345), "unknown error");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_directory, remove_directory)

int main(void) {
        const struct CMUnitTest tests[] = {TEST(test_open_dir),
                                           TEST(test_open_dir_refuses),
                                           TEST(test_write_and_read),
                                           TEST(test_read_refuses),
                                           TEST(test_write_new),
                                           TEST(test_stingy_kernel),
                                           TEST(test_failing_disk),
                                           TEST(test_crash_at_any_call),
                                           TEST(test_crash_without_noreplace),
                                           TEST(test_move_aside),
                                           TEST(test_lock),
                                           TEST(test_lock_waits),
                                           TEST(test_error)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
