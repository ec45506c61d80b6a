/* The log of a daemon that a client started. */

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/agent-log.h"

static char directory[] = "/tmp/test-agent-log.XXXXXX", state_home[64], path[128];

static int set_up(void **state) {
        if (!mkdtemp(directory))
                return -1;

        snprintf(state_home, sizeof(state_home), "%s/a/b", directory);
        snprintf(path, sizeof(path), "%s/globus-agent/agent.log", state_home);
        return setenv("XDG_STATE_HOME", state_home, 1);
}

static int tear_down(void **state) {
        char home[128];

        unlink(path);
        snprintf(home, sizeof(home), "%s/globus-agent", state_home);
        rmdir(home);
        rmdir(state_home);
        snprintf(home, sizeof(home), "%s/a", directory);
        rmdir(home);
        return rmdir(directory);
}

static void test_made_private(void **state) {
        struct stat st;
        int fd = -1;

        assert_int_equal(agent_log_open(&fd), 0);
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        close(fd);

        assert_int_equal(stat(state_home, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
}

static void test_last_line(void **state) {
        static const char before[] = "2026-01-01T00:00:00Z from an earlier one\n";
        char *line = NULL;
        int fd = -1;

        assert_int_equal(agent_log_open(&fd), 0);
        dprintf(fd, "%s", before);
        assert_int_equal(agent_log_last_line(&line, fd, sizeof(before) - 1), 0);
        assert_null(line);

        dprintf(fd, "2026-01-01T00:00:00Z first\n2026-01-01T00:00:00Z Cannot listen: no\n\n");
        assert_int_equal(agent_log_last_line(&line, fd, sizeof(before) - 1), 0);
        assert_string_equal(line, "Cannot listen: no");

        dprintf(fd, "A line without a time");
        assert_int_equal(agent_log_last_line(&line, fd, sizeof(before) - 1), 0);
        assert_string_equal(line, "A line without a time");

        free(line);
        close(fd);
}

static void test_begun_anew(void **state) {
        struct stat st;
        int fd = -1;

        assert_int_equal(truncate(path, 1024 * 1024), 0);
        assert_int_equal(agent_log_open(&fd), 0);
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_size, 1024 * 1024);
        close(fd);

        assert_int_equal(truncate(path, 1024 * 1024 + 1), 0);
        assert_int_equal(agent_log_open(&fd), 0);
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_size, 0);
        close(fd);
}

static void test_no_symlink_no_fifo(void **state) {
        int fd = -1;

        assert_int_equal(unlink(path), 0);
        assert_int_equal(symlink("/dev/null", path), 0);
        assert_int_equal(agent_log_open(&fd), -ELOOP);

        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_int_equal(agent_log_open(&fd), -EPERM);
        assert_int_equal(fd, -1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_made_private),
                cmocka_unit_test(test_last_line),
                cmocka_unit_test(test_begun_anew),
                cmocka_unit_test(test_no_symlink_no_fifo),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
