/* Lines from stdin. */

#include "tests/unit/unit.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/prompt.h"

/* Makes stdin a pipe; the answer is its other end. */
static int replace_stdin(void) {
        int fds[2];

        assert_int_equal(pipe(fds), 0);
        assert_int_equal(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
        close(fds[0]);
        return fds[1];
}

static void feed(int fd, const char *text) {
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void assert_line(struct prompt *prompt, const char *expected) {
        const char *line;
        size_t n;

        assert_int_equal(prompt_read_line(prompt, NULL), 0);
        prompt_line(prompt, &line, &n);
        assert_int_equal(n, strlen(expected));
        assert_memory_equal(line, expected, n);
}

static void test_lines(void **state) {
        struct prompt prompt;
        int fd = replace_stdin();

        prompt_init(&prompt);
        assert_false(prompt.terminal);

        feed(fd, "one\n\n  \ttwo words \r\nlast");
        close(fd);
        assert_line(&prompt, "one");
        assert_line(&prompt, "");
        assert_line(&prompt, "two words");
        assert_line(&prompt, "last");
        assert_int_equal(prompt_read_line(&prompt, NULL), -ENODATA);
        assert_int_equal(prompt_read_line(&prompt, NULL), -ENODATA);
        prompt_deinit(&prompt);
}

static void test_too_long(void **state) {
        static char text[PROMPT_LINE_MAX + 2];
        struct prompt prompt;
        int fd = replace_stdin();

        memset(text, 'x', sizeof(text) - 1);
        feed(fd, text);
        close(fd);

        prompt_init(&prompt);
        assert_int_equal(prompt_read_line(&prompt, NULL), -EMSGSIZE);
        prompt_deinit(&prompt);
}

/* In a child: ^C as soon as the parent has read what was fed, thus waits or is about to. */
static void interrupt_when_read(pid_t parent) {
        int waiting = 1;

        while (waiting > 0 && ioctl(STDIN_FILENO, FIONREAD, &waiting) == 0)
                sched_yield();

        kill(parent, SIGINT);
        _exit(0);
}

static void test_interrupted(void **state) {
        struct sigaction before, after;
        struct prompt prompt;
        int fd = replace_stdin();

        assert_int_equal(sigaction(SIGINT, NULL, &before), 0);
        prompt_init(&prompt);
        feed(fd, "half a li");
        alarm(30);
        if (fork() == 0)
                interrupt_when_read(getppid());

        assert_int_equal(prompt_read_line(&prompt, NULL), -EINTR);
        assert_true(wait(NULL) > 0);
        alarm(0);

        /* the signal has its old meaning again */
        assert_int_equal(sigaction(SIGINT, NULL, &after), 0);
        assert_ptr_equal(after.sa_handler, before.sa_handler);

        close(fd);
        prompt_deinit(&prompt);
}

static void assert_stripped(const char *text, const char *expected) {
        size_t n = strlen(text);

        prompt_strip(&text, &n);
        assert_int_equal(n, strlen(expected));
        assert_memory_equal(text, expected, n);
}

static void test_strip(void **state) {
        assert_stripped("", "");
        assert_stripped(" \r\n\t ", "");
        assert_stripped("a b", "a b");
        assert_stripped("\n a \r\n", "a");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lines),
                cmocka_unit_test(test_too_long),
                cmocka_unit_test(test_interrupted),
                cmocka_unit_test(test_strip),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
