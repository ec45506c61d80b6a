#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/launch.h"
#include "proto/client.h"

/* A home whose globus-agent is a script. */
static char dir[64], program[96], note[96], fifo[96], state_home[96];

static void make_agent(const char *text, mode_t mode) {
        FILE *file = fopen(program, "we");

        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(chmod(program, mode), 0);
}

static int setup(void **state) {
        strcpy(dir, "/tmp/globus-agent-test-XXXXXX");
        assert_non_null(mkdtemp(dir));
        snprintf(program, sizeof(program), "%s/globus-agent", dir);
        snprintf(note, sizeof(note), "%s/note", dir);
        snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
        snprintf(state_home, sizeof(state_home), "%s/state", dir);
        setenv("XDG_STATE_HOME", state_home, 1);
        setenv("NOTE", note, 1);
        setenv("FIFO", fifo, 1);
        setenv("PATH", dir, 1);
        return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        return remove(path);
}

static int teardown(void **state) {
        return nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static int launch(uint64_t usec, char **ret_last_words, struct fault *fault) {
        return launch_daemon("/x/socket", client_now_usec() + usec, ret_last_words, fault);
}

static void assert_noted(const char *expected) {
        char noted[1024];
        FILE *file = fopen(note, "re");
        size_t n;

        assert_non_null(file);
        n = fread(noted, 1, sizeof(noted) - 1, file);
        noted[n] = '\0';
        fclose(file);
        assert_string_equal(noted, expected);
}

/* It has nothing of ours: neither our directory nor our descriptors, and no terminal to get. */
static void test_ready(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};
        _cleanup_(freep) char *last_words = NULL;
        char session[16];
        int inherited = fcntl(STDIN_FILENO, F_DUPFD, 5); /* not closed on exec */

        assert_in_range(inherited, 5, 9);
        snprintf(session, sizeof(session), "%d", (int)getsid(0));
        setenv("SESSION", session, 1);
        make_agent(
                "#!/bin/sh\n"
                "echo \"$*\" >$NOTE\n"
                "pwd >>$NOTE\n"
                "echo $GLIBC_TUNABLES >>$NOTE\n"
                "umask >>$NOTE\n"
                "for fd in 0 1 2 3 4 5 6 7 8 9; do\n"
                "        [ -e /proc/$$/fd/$fd ] && [ ! /proc/$$/fd/$fd -ef $0 ] && open=\"$open $fd\"\n"
                "done\n"
                "echo $open >>$NOTE\n"
                "read -r _ _ _ _ _ session terminal _ </proc/$$/stat\n"
                "[ $session != $$ ] && [ $session != $SESSION ] && [ $terminal = 0 ] && echo detached >>$NOTE\n"
                "printf x >&3\n",
                0700);
        assert_int_equal(launch(30 * USEC_PER_SEC, &last_words, &fault), 0);
        assert_noted("--socket /x/socket --ready-fd 3\n/\n"
                     "glibc.malloc.perturb=90:glibc.malloc.tcache_count=0\n0077\n0 1 2 3\ndetached\n");
        assert_null(last_words);
        close(inherited);
}

/* What it said last is told, but nothing of those before it. */
static void test_ends(void **state) {
        for (int i = 0; i < 2; i++) {
                _cleanup_(fault_deinit) struct fault fault = {};
                _cleanup_(freep) char *last_words = NULL;

                make_agent(i == 0 ? "#!/bin/sh\necho first\necho no key >&2\nexit 1\n" : "#!/bin/sh\nexit 1\n",
                           0700);
                assert_int_equal(launch(30 * USEC_PER_SEC, &last_words, &fault), -ENODATA);
                if (i == 0)
                        assert_non_null(last_words);
                else
                        assert_null(last_words);
                if (last_words)
                        assert_non_null(strstr(last_words, "no key"));
        }
}

static void test_cannot_be_run(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};
        _cleanup_(freep) char *last_words = NULL;

        make_agent("#!/nowhere/sh\n", 0700);
        assert_int_equal(launch(30 * USEC_PER_SEC, &last_words, &fault), -ENODATA);
        assert_non_null(last_words);
        assert_non_null(strstr(last_words, "cannot be run"));
}

/* Nothing is taken from where we happen to be. */
static void test_not_found(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};
        _cleanup_(freep) char *last_words = NULL, *before = getcwd(NULL, 0);

        make_agent("#!/bin/sh\nprintf x >&3\n", 0600);
        assert_int_equal(launch(30 * USEC_PER_SEC, &last_words, &fault), -ENOENT);

        make_agent("#!/bin/sh\nprintf x >&3\n", 0700);
        assert_int_equal(chdir(dir), 0);
        setenv("PATH", ".:", 1);
        assert_int_equal(launch(30 * USEC_PER_SEC, &last_words, &fault), -ENOENT);
        assert_non_null(strstr(fault_message(&fault), "none is found to start"));
        assert_int_equal(chdir(before), 0);
}

/* Neither ready nor ended. */
static void test_hangs(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {};
        _cleanup_(freep) char *last_words = NULL;
        int fd;

        assert_int_equal(mkfifo(fifo, 0600), 0);
        make_agent("#!/bin/sh\nread -r _ <$FIFO\n", 0700);
        assert_int_equal(launch(30 * USEC_PER_MSEC, &last_words, &fault), -ETIMEDOUT);
        assert_int_equal(fault.r, -ETIMEDOUT);
        assert_non_null(strstr(fault_message(&fault), "does not get ready"));

        fd = open(fifo, O_WRONLY | O_CLOEXEC); /* which lets it end */
        assert_true(fd >= 0);
        close(fd);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_ready),     TEST(test_ends),  TEST(test_cannot_be_run),
                TEST(test_not_found), TEST(test_hangs),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
