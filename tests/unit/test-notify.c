/* What the manager hears, and what happens when it does not. */

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/un.h>

#include "daemon/base/notify.h"
#include "tests/unit/manager.h"

static int begin(void **state) {
        return manager_begin();
}

static int end(void **state) {
        return manager_end();
}

static void test_nobody_wants_to_hear(void **state) {
        int fd = -1;

        unsetenv("NOTIFY_SOCKET");
        assert_false(notify_is_wanted());
        assert_int_equal(notify_connect(&fd), -ENOENT);
        setenv("NOTIFY_SOCKET", "", 1);
        assert_false(notify_is_wanted());
        assert_int_equal(notify_connect(&fd), -ENOENT);
        assert_int_equal(fd, -1);
}

static void test_bad_address(void **state) {
        char longer[256];
        int fd = -1;

        memset(longer, 'x', sizeof(longer) - 1);
        longer[sizeof(longer) - 1] = '\0';
        setenv("NOTIFY_SOCKET", longer, 1);
        assert_int_equal(notify_connect(&fd), -ENAMETOOLONG);
        setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
        assert_int_equal(notify_connect(&fd), -ENOENT);
        assert_int_equal(fd, -1);
}

static void test_text_and_descriptor(void **state) {
        int fd, passed, pipe_fds[2];
        char byte = 0;

        assert_true(notify_is_wanted());
        assert_int_equal(notify_connect(&fd), 0);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        assert_int_equal(notify_send(fd, "STATUS=100% of it", -1), 0);
        assert_string_equal(manager_hear(&passed), "STATUS=100% of it");
        assert_int_equal(passed, -1);

        assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
        assert_int_equal(notify_send(fd, "FDSTORE=1", pipe_fds[1]), 0);
        assert_string_equal(manager_hear(&passed), "FDSTORE=1");
        assert_int_equal(write(passed, "!", 1), 1);
        assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
        assert_int_equal(byte, '!');

        close(passed);
        close(pipe_fds[0]);
        close(pipe_fds[1]);
        close(fd);
}

/* An abstract name has no place in the file system; this one is ours for as long as its number is. */
static void test_abstract_address(void **state) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int n = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "test-notify-%d", getpid());
        int listening = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), fd;
        char heard[16], name[128];

        assert_int_equal(bind(listening, (const struct sockaddr *)&address,
                              (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)),
                         0);
        snprintf(name, sizeof(name), "@%s", address.sun_path + 1);
        setenv("NOTIFY_SOCKET", name, 1);
        assert_int_equal(notify_connect(&fd), 0);
        assert_int_equal(notify_send(fd, "READY=1", -1), 0);
        assert_int_equal(recv(listening, heard, sizeof(heard), MSG_DONTWAIT), strlen("READY=1"));
        close(fd);
        close(listening);
}

static void test_full(void **state) {
        int fd, passed, n = 0, r;

        assert_int_equal(notify_connect(&fd), 0);
        while ((r = notify_send(fd, "STATUS=again", -1)) == 0)
                assert_true(++n < 100000);
        assert_int_equal(r, -EAGAIN);

        for (; n > 0; n--)
                assert_non_null(manager_hear(&passed));
        assert_int_equal(notify_send(fd, "STATUS=again", -1), 0);
        close(fd);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_nobody_wants_to_hear), TEST(test_bad_address), TEST(test_text_and_descriptor),
                TEST(test_abstract_address),     TEST(test_full),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
