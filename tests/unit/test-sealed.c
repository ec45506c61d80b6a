/* What can be done to a sealed file, and what cannot. */

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/base/sealed.h"

static int sealed_of(const char *text) {
        int fd = -1;

        assert_int_equal(sealed_new(&fd, "test", (struct bytes){text, strlen(text)}), 0);
        return fd;
}

static void test_read(void **state) {
        int fd = sealed_of("four");
        char text[8] = "";
        size_t n = 0;

        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        assert_true(sealed_check(fd, &n));
        assert_int_equal(n, 4);
        assert_int_equal(sealed_read(fd, text, n), 0);
        assert_int_equal(sealed_read(fd, text, n), 0); /* from the beginning each time */
        assert_string_equal(text, "four");
        assert_int_equal(sealed_read(fd, text, 5), -EIO);
        close(fd);
}

static void test_unchangeable(void **state) {
        int fd = sealed_of("four");

        assert_int_equal(pwrite(fd, "x", 1, 0), -1);
        assert_int_equal(pwrite(fd, "x", 1, 4), -1);
        assert_int_equal(ftruncate(fd, 8), -1);
        assert_true(mmap(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
        assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), -1);
        close(fd);
}

static void test_emptied_for_all(void **state) {
        int fd = sealed_of("four"), theirs = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        size_t n = 1;
        char byte;

        assert_int_equal(sealed_empty(fd), 0);
        close(fd);
        assert_true(sealed_check(theirs, &n));
        assert_int_equal(n, 0);
        assert_int_equal(sealed_read(theirs, &byte, 1), -EIO);
        close(theirs);
}

static void test_what_is_none(void **state) {
        int unsealed = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), null = open("/dev/null", O_RDWR | O_CLOEXEC);
        size_t n;

        assert_false(sealed_check(unsealed, &n));
        assert_int_equal(fcntl(unsealed, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW), 0);
        assert_false(sealed_check(unsealed, &n)); /* somebody may seal it against being emptied */
        assert_false(sealed_check(file, &n));
        assert_false(sealed_check(null, &n));
        close(unsealed);
        close(file);
        close(null);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_read),
                cmocka_unit_test(test_unchangeable),
                cmocka_unit_test(test_emptied_for_all),
                cmocka_unit_test(test_what_is_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
