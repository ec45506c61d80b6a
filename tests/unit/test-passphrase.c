#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

#include "client/passphrase.h"
#include "proto/error.h"
#include "tests/unit/captured.h"
#include "tests/unit/terminal.h"

/* There is nothing to read but these bytes. */
static void pipe_in(const char *bytes, size_t n) {
        int fds[2];

        assert_int_equal(pipe(fds), 0);
        assert_int_equal(write(fds[1], bytes, n), (ssize_t)n);
        close(fds[1]);
        assert_true(dup2(fds[0], STDIN_FILENO) >= 0);
        close(fds[0]);
}

static void assert_taken_n(const char *bytes, size_t n, const char *expected) {
        _cleanup_(secret_freep) struct secret *passphrase = NULL;

        pipe_in(bytes, n);
        assert_int_equal(passphrase_ask_new(&passphrase, true), EXIT_SUCCESS);
        assert_int_equal(secret_size(passphrase), strlen(expected));
        assert_string_equal(secret_string(passphrase), expected);
}

static void assert_taken(const char *text, const char *expected) {
        assert_taken_n(text, strlen(text), expected);
}

static void assert_refused_n(const char *bytes, size_t n, const char *words) {
        struct secret *passphrase = NULL;
        struct captured captured;

        pipe_in(bytes, n);
        capture(&captured);
        assert_int_equal(passphrase_ask_new(&passphrase, true), EXIT_STATUS_FAILED);
        assert_non_null(strstr(release(&captured), words));
        assert_null(strstr(captured.text, "secret"));
        assert_string_equal(strchr(captured.text, '\n'), "\n"); /* once: nobody can mend it */
        assert_null(passphrase);
}

static void assert_refused(const char *text, const char *words) {
        assert_refused_n(text, strlen(text), words);
}

/* A line as it is, whoever wrote it. */
static void test_stdin(void **state) {
        char longest[PASSPHRASE_MAX + 2] = {};

        assert_taken("x\n", "x");
        assert_taken("no line's end", "no line's end");
        assert_taken(" blanks\t at both ends \nsecond\n", " blanks\t at both ends ");
        assert_taken("\"\\ h\xc3\xbc\xc3\xb6\n", "\"\\ h\xc3\xbc\xc3\xb6");

        memset(longest, 'x', PASSPHRASE_MAX);
        assert_taken(longest, longest);
        longest[PASSPHRASE_MAX] = 'x';
        assert_refused(longest, "too long");
}

static void test_no_passphrase(void **state) {
        static char endless[PROMPT_LINE_MAX + 2];

        assert_refused("", "No passphrase was given");
        assert_refused("\nsecret\n", "cannot be empty");
        assert_refused("secret\r\n", "control character");
        assert_refused("secret\x7f\n", "control character");
        assert_refused("secret\x1b[A\n", "control character");
        assert_refused("secret\xc2\x85\n", "control character");
        assert_refused("secret\xff\n", "not UTF-8");
        assert_refused_n("sec\0ret\n", 8, "control character");

        memset(endless, 'x', sizeof(endless) - 1);
        assert_refused(endless, "too long");
}

/* 'y': "pass word" was taken. */
static char ask_new(void) {
        _cleanup_(secret_freep) struct secret *passphrase = NULL;

        if (passphrase_ask_new(&passphrase, false))
                return 'n';

        return streq(secret_string(passphrase), "pass word") ? 'y' : '?';
}

/* --stdin where stdin is a terminal hides what is typed there, too. */
static char ask_new_from_stdin(void) {
        _cleanup_(secret_freep) struct secret *passphrase = NULL;

        return passphrase_ask_new(&passphrase, true) ? 'n' : 'y';
}

static void type_twice(struct terminal *terminal, const char *first, const char *second) {
        terminal_expect(terminal, "Enter a new passphrase: ");
        terminal_type(terminal, first);
        terminal_expect(terminal, "Enter it once more: ");
        terminal_type(terminal, second);
}

static void test_twice(void **state) {
        static const job_fn jobs[] = {ask_new, ask_new_from_stdin};

        for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
                struct terminal terminal;

                terminal_run(&terminal, jobs[i]);
                type_twice(&terminal, "pass word\n", "pass word\n");
                assert_int_equal(terminal_result(&terminal), 'y');
                assert_null(strstr(terminal.shown, "word"));
                terminal_end(&terminal);
        }
}

static void test_mistyped(void **state) {
        struct terminal terminal;

        terminal_run(&terminal, ask_new);
        type_twice(&terminal, "pass word\n", "pass wort\n");
        terminal_expect(&terminal, "not twice the same\r\n");
        terminal_expect(&terminal, "Enter a new passphrase: ");
        terminal_type(&terminal, "\n");
        terminal_expect(&terminal, "cannot be empty\r\n");
        type_twice(&terminal, "pass word\n", "pass word\n");
        assert_int_equal(terminal_result(&terminal), 'y');
        terminal_end(&terminal);
}

static void test_mistyped_too_often(void **state) {
        struct terminal terminal;

        terminal_run(&terminal, ask_new);
        for (int i = 0; i < PASSPHRASE_TRIES; i++) {
                type_twice(&terminal, "one\n", "other\n");
                terminal_expect(&terminal, "not twice the same\r\n");
        }
        assert_int_equal(terminal_result(&terminal), 'n');
        terminal_end(&terminal);
}

static void test_interrupted(void **state) {
        struct terminal terminal;

        terminal_run(&terminal, ask_new);
        terminal_expect(&terminal, "Enter a new passphrase: ");
        terminal_type(&terminal, "pass word\n");
        terminal_expect(&terminal, "Enter it once more: ");
        terminal_type(&terminal, "pass\x03");
        assert_int_equal(terminal_result(&terminal), 'n');
        terminal_expect(&terminal, "Interrupted");
        assert_true(terminal_echoes(&terminal));
        terminal_end(&terminal);
}

static void test_write(void **state) {
        _cleanup_(secret_freep) struct secret *passphrase = NULL;
        struct rpc rpc;

        assert_int_equal(secret_new(&passphrase, "a\"b", 3), 0);
        rpc_begin(&rpc, "a.B", 0);
        passphrase_write(&rpc, NULL);
        passphrase_write(&rpc, passphrase);
        assert_int_equal(buffer_append(&rpc.message, "", 1), 0);
        assert_string_equal(buffer_bytes(&rpc.message),
                            "{\"method\":\"a.B\",\"parameters\":{\"passphrase\":\"a\\\"b\"");
        rpc_deinit(&rpc);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_stdin),
                cmocka_unit_test(test_no_passphrase),
                cmocka_unit_test(test_twice),
                cmocka_unit_test(test_mistyped),
                cmocka_unit_test(test_mistyped_too_often),
                cmocka_unit_test(test_interrupted),
                cmocka_unit_test(test_write),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
