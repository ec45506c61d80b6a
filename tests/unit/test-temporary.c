/* A temporary is there until its end, and a forgotten one until the next writer comes. */

#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/temporary.h"

static char path[64];
static int dir_fd;

static int make_directory(void **state) {
        snprintf(path, sizeof(path), "/tmp/test-temporary.XXXXXX");
        if (!mkdtemp(path))
                return -1;

        dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return dir_fd < 0 ? -1 : 0;
}

static int remove_directory(void **state) {
        close(dir_fd);
        return rmdir(path); /* fails unless the test left it empty */
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

static void make_file(const char *name, time_t age_sec) {
        struct timespec times[2] = {{.tv_sec = time(NULL) - age_sec}, {.tv_sec = time(NULL) - age_sec}};
        int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(futimens(fd, times), 0);
        close(fd);
}

static bool exists(const char *name) {
        return faccessat(dir_fd, name, F_OK, 0) == 0;
}

static void test_vanishes(void **state) {
        struct temporary temporary = TEMPORARY_INIT(dir_fd);
        struct stat st;

        assert_int_equal(temporary_open(&temporary, "store"), 0);
        assert_int_equal(strncmp(temporary.name, ".store.", 7), 0);
        assert_int_equal(strlen(temporary.name), 13);
        assert_int_equal(fstat(temporary.fd, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(temporary_fill(&temporary, (struct bytes){"text", 4}), 0);
        assert_int_equal(count_entries(), 1);

        temporary_deinit(&temporary);
        assert_int_equal(count_entries(), 0);
}

static void test_two_of_one_name(void **state) {
        struct temporary a = TEMPORARY_INIT(dir_fd), b = TEMPORARY_INIT(dir_fd);

        assert_int_equal(temporary_open(&a, "store"), 0);
        assert_int_equal(temporary_open(&b, "store"), 0);
        assert_string_not_equal(a.name, b.name);
        temporary_deinit(&a);
        temporary_deinit(&b);
}

static void test_kept(void **state) {
        struct temporary temporary = TEMPORARY_INIT(dir_fd);

        assert_int_equal(temporary_open(&temporary, "store"), 0);
        assert_int_equal(renameat(dir_fd, temporary.name, dir_fd, "store"), 0);
        temporary.name[0] = '\0';
        temporary_deinit(&temporary);
        assert_true(exists("store"));
        assert_int_equal(unlinkat(dir_fd, "store", 0), 0);
}

static void test_name_too_long(void **state) {
        struct temporary temporary = TEMPORARY_INIT(dir_fd);
        char name[NAME_MAX + 1];

        memset(name, 'x', NAME_MAX);
        name[NAME_MAX] = '\0';
        assert_int_equal(temporary_open(&temporary, name), -ENAMETOOLONG);
        temporary_deinit(&temporary);

        name[NAME_MAX - 8] = '\0'; /* two dots and six characters */
        temporary = TEMPORARY_INIT(dir_fd);
        assert_int_equal(temporary_open(&temporary, name), 0);
        temporary_deinit(&temporary);
}

static void test_drop(void **state) {
        static const char *const stay[] = {".store.222222", ".store.33333", ".store.4444444", ".stores.555555",
                                           "store"};

        make_file(".store.111111", 3700); /* forgotten */
        make_file(stay[0], 60); /* of a writer at work */
        for (size_t i = 1; i < ARRAY_SIZE(stay); i++)
                make_file(stay[i], 3700); /* none of ours */

        temporary_drop(dir_fd, "store", 0);
        assert_false(exists(".store.111111"));
        assert_int_equal(count_entries(), ARRAY_SIZE(stay));
        for (size_t i = 0; i < ARRAY_SIZE(stay); i++)
                assert_int_equal(unlinkat(dir_fd, stay[i], 0), 0);
}

static void test_drop_twin(void **state) {
        struct stat st;

        make_file("store", 0);
        make_file(".store.222222", 0);
        assert_int_equal(linkat(dir_fd, "store", dir_fd, ".store.111111", 0), 0);
        assert_int_equal(fstatat(dir_fd, "store", &st, 0), 0);

        temporary_drop(dir_fd, "store", st.st_ino);
        assert_false(exists(".store.111111"));
        assert_true(exists("store") && exists(".store.222222"));
        assert_int_equal(unlinkat(dir_fd, "store", 0), 0);
        assert_int_equal(unlinkat(dir_fd, ".store.222222", 0), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_directory, remove_directory)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_vanishes), TEST(test_two_of_one_name), TEST(test_kept), TEST(test_name_too_long),
                TEST(test_drop),     TEST(test_drop_twin),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
