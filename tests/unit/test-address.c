#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/address.h"

/* The machine as the module sees it: /tmp and /run/user below a directory of the test, and a uid of nobody's.
 * */
#define UID "4000000042"
static char base[64];
static const char *foreign; /* the path that belongs to somebody else */

static const char *moved(const char *path, char *space, size_t n) {
        if (!streq(path, "/tmp") &&
            strncmp(path, "/tmp/globus-agent-" UID, strlen("/tmp/globus-agent-" UID)) != 0 &&
            strncmp(path, "/run/user/", 10) != 0)
                return path;

        snprintf(space, n, "%s%s", base, path);
        return space;
}

static int moved_stat(const char *path, struct stat *st, int flags) {
        char space[512];
        int r;

        r = fstatat(AT_FDCWD, moved(path, space, sizeof(space)), st, flags);
        if (r == 0 && (path[0] != '/' || strncmp(moved(path, space, sizeof(space)), base, strlen(base)) == 0))
                st->st_uid = 4000000042;
        if (r == 0 && streq(path, "/tmp"))
                st->st_uid = 0;
        if (r == 0 && foreign && streq(path, foreign))
                st->st_uid = 12345;

        return r;
}

uid_t geteuid(void) {
        return 4000000042;
}

int stat(const char *path, struct stat *st) {
        return moved_stat(path, st, 0);
}

int lstat(const char *path, struct stat *st) {
        return moved_stat(path, st, AT_SYMLINK_NOFOLLOW);
}

int mkdir(const char *path, mode_t mode) {
        char space[512];

        return mkdirat(AT_FDCWD, moved(path, space, sizeof(space)), mode);
}

/* A path below the base, in one of four static places. */
static const char *below(const char *path) {
        static char space[4][512];
        static size_t turn;
        char *at = space[turn++ % 4];

        snprintf(at, sizeof(space[0]), "%s/%s", base, path);
        return at;
}

static void make_directory(const char *path, mode_t mode) {
        assert_int_equal(mkdirat(AT_FDCWD, path, 0700), 0);
        assert_int_equal(chmod(path, mode), 0);
}

static bool is_private_directory(const char *path) {
        struct stat st;

        return fstatat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
               (st.st_mode & 0777) == 0700;
}

static int setup(void **state) {
        strcpy(base, "/tmp/test-address-XXXXXX");
        if (!mkdtemp(base))
                return -1;

        foreign = NULL;
        unsetenv("GLOBUS_AGENT_SOCK");
        unsetenv("XDG_RUNTIME_DIR");
        make_directory(below("tmp"), 01777);
        return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        return remove(path);
}

static int teardown(void **state) {
        return chdir("/") < 0 || nftw(base, remove_one, 8, FTW_DEPTH | FTW_PHYS) < 0 ? -1 : 0;
}

static void assert_found(const char *explicit_path, const char *expected) {
        _cleanup_(fault_deinit) struct fault fault = {};
        _cleanup_(freep) char *path = NULL;

        assert_int_equal(address_find(&path, explicit_path, &fault), 0);
        assert_string_equal(path, expected);
        assert_int_equal(fault.r, 0);
        assert_null(fault.message);
}

/* needle: has to be in the message. */
static void assert_fault(const char *explicit_path, int r, const char *needle) {
        _cleanup_(fault_deinit) struct fault fault = {};
        char *path = NULL;

        assert_int_equal(address_find(&path, explicit_path, &fault), r);
        assert_int_equal(fault.r, r);
        assert_null(path);
        assert_non_null(strstr(fault_message(&fault), needle));
}

static void test_explicit_makes_its_directory(void **state) {
        umask(0);
        assert_found(below("dir/socket"), below("dir/socket"));
        assert_true(is_private_directory(below("dir")));
        assert_found(below("dir/other"), below("dir/other"));
        umask(022);
}

static void test_explicit_is_the_only_candidate(void **state) {
        make_directory(below("bad"), 0755);
        make_directory(below("good"), 0700);
        setenv("GLOBUS_AGENT_SOCK", below("good/socket"), 1);
        assert_fault(below("bad/socket"), -EACCES, below("bad"));
}

static void test_modes(void **state) {
        static const mode_t bad[] = {0755, 0750, 0701, 0770, 0500, 0600, 0};

        make_directory(below("dir"), 0700);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                char mode[8];

                assert_int_equal(chmod(below("dir"), bad[i]), 0);
                snprintf(mode, sizeof(mode), "%04o", bad[i]);
                assert_fault(below("dir/socket"), -EACCES, mode);
                assert_fault(below("dir/socket"), -EACCES, "chmod 0700");
        }

        /* inherited from a parent that says whose group new files are */
        assert_int_equal(chmod(below("dir"), 02700), 0);
        assert_found(below("dir/socket"), below("dir/socket"));
}

static void test_what_is_no_directory_of_ours(void **state) {
        make_directory(below("dir"), 0700);
        assert_int_equal(symlink(below("dir"), below("link")), 0);
        assert_int_equal(symlink("nowhere", below("dangling")), 0);
        close(open(below("file"), O_CREAT | O_CLOEXEC | O_WRONLY, 0600));

        assert_fault(below("link/socket"), -ELOOP, "symbolic link");
        assert_fault(below("dangling/socket"), -ELOOP, "symbolic link");
        assert_fault(below("file/socket"), -ENOTDIR, below("file"));
        assert_fault(below("file/dir/socket"), -ENOTDIR, below("file"));
}

static void test_foreign_directory(void **state) {
        char path[128];

        make_directory(below("dir"), 0700);
        snprintf(path, sizeof(path), "%s", below("dir"));
        foreign = path;
        assert_fault(below("dir/socket"), -EACCES, "12345");
}

static void test_parents(void **state) {
        char path[128];

        assert_fault(below("none/dir/socket"), -ENOENT, below("none"));
        assert_false(is_private_directory(below("none")));

        make_directory(below("parent"), 0777);
        snprintf(path, sizeof(path), "%s", below("parent"));
        foreign = path;
        assert_fault(below("parent/dir/socket"), -EACCES, below("parent"));
        assert_false(is_private_directory(below("parent/dir")));

        /* sticky, but not of root */
        assert_int_equal(chmod(below("parent"), 01777), 0);
        assert_fault(below("parent/dir/socket"), -EACCES, below("parent"));

        foreign = NULL;
        assert_found(below("parent/dir/socket"), below("parent/dir/socket"));
}

static void test_paths_that_cannot_be(void **state) {
        char path[200];

        memset(path, 'x', sizeof(path));
        path[0] = '/';
        path[108] = '\0';
        assert_fault(path, -ENAMETOOLONG, "107 bytes");

        assert_fault("", -EINVAL, "names no socket");
        assert_fault("/", -EINVAL, "names no socket");
        assert_fault("dir/", -EINVAL, "names no socket");
        assert_fault("dir/.", -EINVAL, "names no socket");
        assert_fault("dir/..", -EINVAL, "names no socket");
        assert_fault("/socket", -EACCES, "socket, /,");
}

static void test_longest_path(void **state) {
        char path[109];

        make_directory(below("dir"), 0700);
        memset(path, 'x', sizeof(path));
        path[107] = '\0';
        memcpy(path, below("dir/"), strlen(below("dir/")));
        assert_found(path, path);
}

static void test_relative_paths_become_absolute(void **state) {
        make_directory(below("dir"), 0700);
        assert_int_equal(chdir(base), 0);
        assert_found("dir/socket", below("dir/socket"));
        assert_found("socket", below("socket"));
        setenv("GLOBUS_AGENT_SOCK", "dir/socket", 1);
        assert_found(NULL, below("dir/socket"));
}

static void test_order(void **state) {
        make_directory(below("env"), 0700);
        make_directory(below("xdg"), 0700);
        make_directory(below("run"), 0755);
        make_directory(below("run/user"), 0755);
        make_directory(below("run/user/" UID), 0700);
        setenv("GLOBUS_AGENT_SOCK", below("env/socket"), 1);
        setenv("XDG_RUNTIME_DIR", below("xdg"), 1);

        assert_found(NULL, below("env/socket"));

        assert_int_equal(chmod(below("env"), 0755), 0);
        assert_found(NULL, below("xdg/globus-agent/socket"));
        assert_true(is_private_directory(below("xdg/globus-agent")));

        assert_int_equal(chmod(below("xdg/globus-agent"), 0755), 0);
        assert_found(NULL, "/run/user/" UID "/globus-agent/socket");
        assert_true(is_private_directory(below("run/user/" UID "/globus-agent")));

        assert_int_equal(chmod(below("run/user/" UID "/globus-agent"), 0755), 0);
        assert_found(NULL, "/tmp/globus-agent-" UID "/socket");
        assert_true(is_private_directory(below("tmp/globus-agent-" UID)));

        /* the last one is named */
        assert_int_equal(chmod(below("tmp/globus-agent-" UID), 0755), 0);
        assert_fault(NULL, -EACCES, "/tmp/globus-agent-" UID);
}

static void test_runtime_directory_that_does_not_count(void **state) {
        char path[128];

        setenv("XDG_RUNTIME_DIR", below("gone"), 1);
        assert_found(NULL, "/tmp/globus-agent-" UID "/socket");
        assert_false(is_private_directory(below("gone")));

        setenv("XDG_RUNTIME_DIR", "", 1);
        assert_found(NULL, "/tmp/globus-agent-" UID "/socket");

        assert_int_equal(chdir(base), 0);
        make_directory(below("xdg"), 0700);
        setenv("XDG_RUNTIME_DIR", "xdg", 1);
        assert_found(NULL, "/tmp/globus-agent-" UID "/socket");

        snprintf(path, sizeof(path), "%s", below("xdg"));
        make_directory(below("xdg/globus-agent"), 0700);
        setenv("XDG_RUNTIME_DIR", path, 1);
        foreign = path;
        assert_found(NULL, "/tmp/globus-agent-" UID "/socket");

        foreign = NULL;
        assert_found(NULL, below("xdg/globus-agent/socket"));
}

static void test_empty_variable_is_none(void **state) {
        setenv("GLOBUS_AGENT_SOCK", "", 1);
        assert_found(NULL, "/tmp/globus-agent-" UID "/socket");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_explicit_makes_its_directory),
                TEST(test_explicit_is_the_only_candidate),
                TEST(test_modes),
                TEST(test_what_is_no_directory_of_ours),
                TEST(test_foreign_directory),
                TEST(test_parents),
                TEST(test_paths_that_cannot_be),
                TEST(test_longest_path),
                TEST(test_relative_paths_become_absolute),
                TEST(test_order),
                TEST(test_runtime_directory_that_does_not_count),
                TEST(test_empty_variable_is_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
