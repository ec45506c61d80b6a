#include "client/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "client/output.h"

static const int end_signals[] = {SIGINT, SIGTERM, SIGHUP};

static volatile sig_atomic_t interrupted;

static void on_signal(int number) {
        interrupted = 1;
}

void prompt_init(struct prompt *prompt) {
        *prompt = (struct prompt){.terminal = isatty(STDIN_FILENO), .terminal_fd = -1};
        if (prompt->terminal && !isatty(STDERR_FILENO))
                prompt->terminal_fd = open("/dev/tty", O_WRONLY | O_NOCTTY | O_CLOEXEC);
}

void prompt_deinit(struct prompt *prompt) {
        buffer_deinit(&prompt->read);
        if (prompt->terminal_fd >= 0)
                close(prompt->terminal_fd);
        prompt->terminal_fd = -1;
}

void prompt_show(struct prompt *prompt, const char *text, size_t n) {
        (void)output_write_all(prompt->terminal_fd >= 0 ? prompt->terminal_fd : STDERR_FILENO, text, n);
}

void prompt_strip(const char **text, size_t *n) {
        static const char blanks[] = " \t\r\n\v\f";

        while (*n > 0 && memchr(blanks, **text, sizeof(blanks) - 1)) {
                (*text)++;
                (*n)--;
        }
        while (*n > 0 && memchr(blanks, (*text)[*n - 1], sizeof(blanks) - 1))
                (*n)--;
}

/* Waits for input with the signals let in, and for nothing else, so that none comes unnoticed. */
static int wait_for_input(const sigset_t *mask) {
        struct pollfd pollfd = {.fd = STDIN_FILENO, .events = POLLIN};

        while (!interrupted) {
                int n = ppoll(&pollfd, 1, NULL, mask);

                if (n > 0)
                        return 0;
                if (n < 0 && errno != EINTR)
                        return -errno;
        }

        return -EINTR;
}

/* > 0: bytes read. 0: the end. */
static int prompt_fill(struct prompt *prompt, const sigset_t *mask) {
        char *space;
        ssize_t n;
        int r;

        r = buffer_reserve(&prompt->read, 1024, &space);
        if (r)
                return r;

        do {
                r = wait_for_input(mask);
                if (r)
                        return r;
                n = read(STDIN_FILENO, space, 1024);
        } while (n < 0 && (errno == EINTR || errno == EAGAIN));

        if (n < 0)
                return -errno;

        buffer_commit(&prompt->read, (size_t)n);
        return (int)n;
}

/* Until a line is in front, or the rest that no line's end follows. */
static int prompt_fill_line(struct prompt *prompt, const sigset_t *mask) {
        for (;;) {
                size_t n = buffer_size(&prompt->read);
                const char *bytes = buffer_bytes(&prompt->read), *newline = n ? memchr(bytes, '\n', n) : NULL;
                int r;

                if (newline) {
                        prompt->current = (size_t)(newline - bytes) + 1;
                        return 0;
                }
                if (n > PROMPT_LINE_MAX)
                        return -EMSGSIZE;

                r = prompt_fill(prompt, mask);
                if (r < 0)
                        return r;
                if (r == 0) {
                        prompt->current = n;
                        return n > 0 ? 0 : -ENODATA;
                }
        }
}

int prompt_read_line(struct prompt *prompt) {
        struct sigaction action = {.sa_handler = on_signal}, old_actions[ARRAY_SIZE(end_signals)];
        sigset_t ours, old_mask;
        int r;

        buffer_consume(&prompt->read, prompt->current);
        prompt->current = 0;
        interrupted = 0;

        sigemptyset(&ours);
        for (size_t i = 0; i < ARRAY_SIZE(end_signals); i++)
                sigaddset(&ours, end_signals[i]);
        sigprocmask(SIG_BLOCK, &ours, &old_mask);
        for (size_t i = 0; i < ARRAY_SIZE(end_signals); i++)
                sigaction(end_signals[i], &action, old_actions + i);

        r = prompt_fill_line(prompt, &old_mask);

        sigprocmask(SIG_SETMASK, &old_mask, NULL);
        for (size_t i = 0; i < ARRAY_SIZE(end_signals); i++)
                sigaction(end_signals[i], old_actions + i, NULL);

        if (interrupted)
                r = -EINTR;
        if (r && prompt->terminal)
                prompt_show(prompt, "\n", 1); /* nobody has ended the line that the question stands on */

        return r;
}

void prompt_line(const struct prompt *prompt, const char **ret, size_t *ret_n) {
        *ret = buffer_bytes(&prompt->read);
        *ret_n = prompt->current;
        prompt_strip(ret, ret_n);
}
