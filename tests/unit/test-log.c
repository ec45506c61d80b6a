#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/log.h"
#include "proto/macro.h"

static int stderr_saved, pipe_read;

/* From here to restore_stderr() nothing else may write there. */
static int redirect_stderr(void **state) {
        int ends[2];

        unsetenv("JOURNAL_STREAM");
        stderr_saved = dup(STDERR_FILENO);
        if (pipe2(ends, O_NONBLOCK) < 0 || dup2(ends[1], STDERR_FILENO) < 0)
                return -1;

        close(ends[1]);
        pipe_read = ends[0];
        return 0;
}

static int restore_stderr(void **state) {
        dup2(stderr_saved, STDERR_FILENO);
        close(stderr_saved);
        close(pipe_read);
        log_set_level(LOG_LEVEL_INFO);
        return 0;
}

/* Static storage. */
static const char *written(void) {
        static char text[32 * 1024];
        ssize_t n = read(pipe_read, text, sizeof(text) - 1);

        text[MAX(n, (ssize_t)0)] = '\0';
        return text;
}

static const char *written_message(void) {
        const char *line = written();
        int date = 0;

        sscanf(line, "%*4d-%*2d-%*2dT%*2d:%*2d:%*2dZ %n", &date);
        assert_int_equal(date, strlen("2024-01-01T00:00:00Z "));
        return line + date;
}

static void test_time_stamp(void **state) {
        log_info("Refreshing %s failed, next try in %d s", "groups", 30);
        assert_string_equal(written_message(), "Refreshing groups failed, next try in 30 s\n");
}

static void test_journal(void **state) {
        char stream[64];
        struct stat st;

        assert_int_equal(fstat(STDERR_FILENO, &st), 0);
        snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
        setenv("JOURNAL_STREAM", stream, 1);
        log_warning("careful");
        log_error("broken");
        assert_string_equal(written(), "<4>careful\n<3>broken\n");

        /* inherited from something whose stderr was the journal */
        snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino + 1);
        setenv("JOURNAL_STREAM", stream, 1);
        log_error("broken");
        assert_string_equal(written_message(), "broken\n");

        setenv("JOURNAL_STREAM", "nonsense", 1);
        log_error("broken");
        assert_string_equal(written_message(), "broken\n");
}

static void test_level(void **state) {
        log_debug("not yet");
        assert_string_equal(written(), "");
        log_set_level(LOG_LEVEL_DEBUG);
        log_debug("now");
        assert_string_equal(written_message(), "now\n");
        log_set_level(LOG_LEVEL_ERROR);
        log_warning("no more");
        assert_string_equal(written(), "");
}

static void test_control_characters(void **state) {
        log_info("%s", "a\nforged\x1b[31m\x7f\t\xc2\x9b\xff \xc3\xa9 \xf0\x9f\x98\x80 100%");
        assert_string_equal(written_message(),
                            "a\\x0aforged\\x1b[31m\\x7f\\x09\\xc2\\x9b\\xff \xc3\xa9 \xf0\x9f\x98\x80 100%\n");
}

static void test_long_text_is_cut(void **state) {
        _cleanup_(freep) char *text = malloc(100001);
        const char *line;

        assert_non_null(text);
        memset(text, '\x01', 100000);
        text[100000] = '\0';
        log_info("%s", text);
        line = written_message();
        assert_true(strlen(line) > 4000 && strlen(line) < 10000);
        assert_string_equal(strchr(line, '\n'), "\n");
}

static void test_errno_is_kept(void **state) {
        close(STDERR_FILENO);
        errno = ENOENT;
        log_info("something");
        assert_int_equal(errno, ENOENT);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, redirect_stderr, restore_stderr)
        const struct CMUnitTest tests[] = {
                TEST(test_time_stamp),         TEST(test_journal),          TEST(test_level),
                TEST(test_control_characters), TEST(test_long_text_is_cut), TEST(test_errno_is_kept),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
