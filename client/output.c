#include "client/output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "client/command.h"
#include "client/text.h"
#include "proto/error.h"

void output_init(void) {
        /* the wrong way round, so that using one that was closed stays an error; takes the lowest number that
         * is free */
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                if (fcntl(fd, F_GETFD) < 0)
                        (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);

        signal(SIGPIPE, SIG_IGN);
}

bool output_is_terminal(void) {
        return isatty(STDOUT_FILENO);
}

int output_write_all(int fd, const char *bytes, size_t n) {
        while (n > 0) {
                ssize_t written = write(fd, bytes, n);

                if (written < 0 && errno == EAGAIN)
                        (void)poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
                else if (written < 0 && errno != EINTR)
                        return -errno;
                else if (written > 0) {
                        bytes += written;
                        n -= (size_t)written;
                }
        }

        return 0;
}

int output_finish(struct buffer *text, int r) {
        if (!r)
                r = output_write_all(STDOUT_FILENO, buffer_bytes(text), buffer_size(text));
        buffer_clear(text);

        /* a network file system may tell only now that it is full */
        if (!r && close(STDOUT_FILENO) < 0 && errno != EINTR)
                r = -errno;
        if (!r)
                return EXIT_SUCCESS;

        if (r != -EPIPE)
                output_error("Cannot write to standard output: %s", error_sentence(r));
        return EXIT_STATUS_FAILED;
}

static void output_line(const char *prefix, const char *format, va_list ap) _printf_(2, 0);

/* One write() a line, so that lines of several processes do not mix. */
static void output_line(const char *prefix, const char *format, va_list ap) {
        _cleanup_(freep) char *text = NULL;
        _cleanup_(buffer_deinit) struct buffer line = {};

        if (vasprintf(&text, format, ap) < 0) {
                text = NULL;
                return;
        }
        if (buffer_append_string(&line, prefix) || text_append_safe(&line, text, strlen(text)) ||
            buffer_append(&line, "\n", 1))
                return;

        (void)output_write_all(STDERR_FILENO, buffer_bytes(&line), buffer_size(&line));
}

void output_error(const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        output_line("globus-agentctl: ", format, ap);
        va_end(ap);
}

void output_note(const struct globals *globals, const char *format, ...) {
        va_list ap;

        if (globals->quiet)
                return;

        va_start(ap, format);
        output_line("", format, ap);
        va_end(ap);
}
