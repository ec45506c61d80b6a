/* Lines from the terminal that nobody sees. */

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

#include "client/prompt.h"
#include "tests/unit/terminal.h"

#define QUESTION "Passphrase? "

/* Of what was typed, read as a shell does that edits its line. */
static bool something_is_left(void) {
        struct termios termios;
        int n = 0;

        if (tcgetattr(STDIN_FILENO, &termios) < 0)
                return true;

        termios.c_lflag &= ~(tcflag_t)ICANON;
        return tcsetattr(STDIN_FILENO, TCSANOW, &termios) < 0 || ioctl(STDIN_FILENO, FIONREAD, &n) < 0 || n > 0;
}

/* 'y': the line is as expected. 'E': interrupted. 'L': the same, and something is left. 'D': the end. 'T': no
 * terminal. 'n': anything else. */
static char ask_for(const char *expected) {
        struct prompt prompt;
        const char *line;
        char result = 'n';
        size_t n;
        int r;

        r = prompt_init_hidden(&prompt);
        if (r)
                return r == -ENXIO ? 'T' : 'n';

        r = prompt_read_line(&prompt, QUESTION);
        if (r == -EINTR)
                result = something_is_left() ? 'L' : 'E';
        if (r == -ENODATA)
                result = 'D';
        if (r == 0) {
                prompt_whole_line(&prompt, &line, &n);
                result = n == strlen(expected) && memcmp(line, expected, n) == 0 ? 'y' : 'n';
        }
        prompt_deinit(&prompt);
        return result;
}

static char ask(void) {
        return ask_for(" two  words ");
}

/* With its streams elsewhere, as in a pipeline. */
static char ask_aside(void) {
        int null = open("/dev/null", O_RDWR);

        (void)!dup(STDIN_FILENO); /* a terminal that nobody has open seems to have gone */
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                if (dup2(null, fd) < 0)
                        return 'n';

        return ask();
}

static char ask_twice(void) {
        char first = ask();

        return first == 'y' ? ask() : first;
}

static void test_line(void **state) {
        static const job_fn jobs[] = {ask, ask_aside};

        for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
                struct terminal terminal;

                terminal_run(&terminal, jobs[i]);
                terminal_expect(&terminal, QUESTION);
                assert_false(terminal_echoes(&terminal));
                terminal_type(&terminal, " two  words \n");
                assert_int_equal(terminal_result(&terminal), 'y');
                assert_true(terminal_echoes(&terminal));
                terminal_expect(&terminal, "\r\n");
                assert_null(strstr(terminal.shown, "words"));
                terminal_end(&terminal);
        }
}

static void test_two_lines(void **state) {
        struct terminal terminal;

        terminal_run(&terminal, ask_twice);
        terminal_expect(&terminal, QUESTION);
        terminal_type(&terminal, " two  words \n");
        terminal_expect(&terminal, "\r\n" QUESTION);
        assert_false(terminal_echoes(&terminal));
        terminal_type(&terminal, " two  words \n");
        assert_int_equal(terminal_result(&terminal), 'y');
        assert_true(terminal_echoes(&terminal));
        terminal_end(&terminal);
}

static void test_end(void **state) {
        struct terminal terminal;

        terminal_run(&terminal, ask);
        terminal_expect(&terminal, QUESTION);
        terminal_type(&terminal, "\x04");
        assert_int_equal(terminal_result(&terminal), 'D');
        assert_true(terminal_echoes(&terminal));
        terminal_end(&terminal);
}

/* However it is ended the echo is on again, and what was typed is not left to the shell. */
static void test_interrupted(void **state) {
        static const int signals[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};

        for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
                struct terminal terminal;

                terminal_run(&terminal, ask);
                terminal_expect(&terminal, QUESTION);
                terminal_type(&terminal, "half a pass");
                assert_false(terminal_echoes(&terminal));
                assert_int_equal(kill(terminal.pid, signals[i]), 0);
                assert_int_equal(terminal_result(&terminal), 'E');
                assert_true(terminal_echoes(&terminal));
                terminal_expect(&terminal, "\r\n");
                terminal_end(&terminal);
        }
}

/* With no shell to continue it nobody stops, but asks again. */
static void test_suspended(void **state) {
        struct terminal terminal;

        terminal_run(&terminal, ask);
        terminal_expect(&terminal, QUESTION);
        terminal_type(&terminal, "half\x04\x1a");
        terminal_expect(&terminal, QUESTION);
        assert_false(terminal_echoes(&terminal));
        terminal_type(&terminal, " two  words \n");
        assert_int_equal(terminal_result(&terminal), 'y');
        assert_true(terminal_echoes(&terminal));
        terminal_end(&terminal);
}

static char ask_without_terminal(void) {
        signal(SIGHUP, SIG_IGN); /* what the leader of a session gets for that */
        if (ioctl(STDIN_FILENO, TIOCNOTTY) < 0)
                return 'n';

        return ask();
}

static void test_no_terminal(void **state) {
        struct terminal terminal;

        terminal_run(&terminal, ask_without_terminal);
        assert_int_equal(terminal_result(&terminal), 'T');
        terminal_end(&terminal);
}

static void test_keys_that_interrupt(void **state) {
        static const char *const keys[] = {"half\x03", "half\x1c"};

        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
                struct terminal terminal;

                terminal_run(&terminal, ask);
                terminal_expect(&terminal, QUESTION);
                terminal_type(&terminal, keys[i]);
                assert_int_equal(terminal_result(&terminal), 'E');
                assert_true(terminal_echoes(&terminal));
                terminal_end(&terminal);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_line),
                cmocka_unit_test(test_two_lines),
                cmocka_unit_test(test_end),
                cmocka_unit_test(test_suspended),
                cmocka_unit_test(test_interrupted),
                cmocka_unit_test(test_no_terminal),
                cmocka_unit_test(test_keys_that_interrupt),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
