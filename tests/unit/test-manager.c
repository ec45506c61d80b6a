#include "tests/unit/unit.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/manager.h"
#include "proto/client.h"

/* A runtime directory with, in place of systemctl, a script that notes how it was called. */
static char dir[64], path[128], private_dir[96], private_path[112], script[96], note[96];

static void make_file(const char *name, const char *text, mode_t mode) {
        FILE *file = fopen(name, "we");

        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(chmod(name, mode), 0);
}

static void make_systemctl(const char *end) {
        char text[512];

        snprintf(text, sizeof(text), "#!/bin/sh\necho \"$XDG_RUNTIME_DIR $*\" >%s\n%s\n", note, end);
        make_file(script, text, 0700);
}

static int setup(void **state) {
        strcpy(dir, "/tmp/globus-agent-test-XXXXXX");
        assert_non_null(mkdtemp(dir));
        snprintf(path, sizeof(path), "%s/globus-agent/socket", dir);
        snprintf(private_dir, sizeof(private_dir), "%s/systemd", dir);
        snprintf(private_path, sizeof(private_path), "%s/private", private_dir);
        snprintf(script, sizeof(script), "%s/systemctl", dir);
        snprintf(note, sizeof(note), "%s/note", dir);
        assert_int_equal(mkdir(private_dir, 0700), 0);
        make_file(private_path, "", 0600);
        setenv("XDG_RUNTIME_DIR", dir, 1);
        setenv("PATH", dir, 1);
        return 0;
}

static int teardown(void **state) {
        unlink(note);
        unlink(script);
        unlink(private_path);
        rmdir(private_dir);
        return rmdir(dir);
}

static bool start(const char *socket) {
        return manager_start_socket(socket, client_now_usec() + 30 * USEC_PER_SEC);
}

static void test_started(void **state) {
        char expected[256], noted[256] = "";
        FILE *file;

        make_systemctl("exit 0");
        assert_true(start(path));
        file = fopen(note, "re");
        assert_non_null(file);
        assert_non_null(fgets(noted, sizeof(noted), file));
        fclose(file);
        snprintf(expected, sizeof(expected), "%s --user --no-ask-password start globus-agent.socket\n", dir);
        assert_string_equal(noted, expected);
}

static void test_not_installed(void **state) {
        make_systemctl("exit 5");
        assert_false(start(path));
        assert_int_equal(access(note, F_OK), 0);

        unlink(script);
        assert_false(start(path));
}

/* It is not even asked. */
static void test_no_manager(void **state) {
        char elsewhere[128];

        make_systemctl("exit 0");
        assert_false(start("/elsewhere/globus-agent/socket"));
        assert_false(start("/globus-agent/socket"));
        snprintf(elsewhere, sizeof(elsewhere), "%s/other/socket", dir);
        assert_false(start(elsewhere));

        setenv("XDG_RUNTIME_DIR", "/elsewhere", 1);
        assert_false(start(path)); /* its directory is not the one that a manager of ours serves */
        setenv("XDG_RUNTIME_DIR", dir, 1);

        unlink(private_path);
        assert_false(start(path));
        assert_int_equal(access(note, F_OK), -1);
}

/* It is ended at the deadline: it has no child left that could hold anything up. */
static void test_hangs(void **state) {
        make_systemctl("kill -STOP $$");
        assert_false(manager_start_socket(path, client_now_usec() + 30 * USEC_PER_MSEC));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_started),
                TEST(test_not_installed),
                TEST(test_no_manager),
                TEST(test_hangs),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
