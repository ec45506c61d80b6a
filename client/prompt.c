#include "client/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "client/echo.h"
#include "client/output.h"

static const int watched_signals[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP};

static volatile sig_atomic_t interrupted, suspended;

/* What the watched signals meant before. */
struct watch {
        struct sigaction actions[ARRAY_SIZE(watched_signals)];
};

static void on_signal(int number) {
        if (number == SIGTSTP)
                suspended = 1;
        else
                interrupted = 1;
}

void prompt_init(struct prompt *prompt) {
        *prompt = (struct prompt){.terminal = isatty(STDIN_FILENO), .terminal_fd = -1};
        if (prompt->terminal && !isatty(STDERR_FILENO))
                prompt->terminal_fd = open("/dev/tty", O_WRONLY | O_NOCTTY | O_CLOEXEC);
}

int prompt_init_hidden(struct prompt *prompt) {
        int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

        if (fd < 0)
                return -errno;

        *prompt = (struct prompt){.terminal = true, .hidden = true, .terminal_fd = fd};
        return 0;
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

/* While a line is read nothing that can be caught ends or stops us with the echo off. */
static void watch_begin(struct watch *watch) {
        const struct sigaction action = {.sa_handler = on_signal};

        for (size_t i = 0; i < ARRAY_SIZE(watched_signals); i++)
                sigaction(watched_signals[i], &action, watch->actions + i);
}

static void watch_end(const struct watch *watch) {
        for (size_t i = 0; i < ARRAY_SIZE(watched_signals); i++)
                sigaction(watched_signals[i], watch->actions + i, NULL);
}

/* As if nobody had watched: until the shell continues us the terminal is its own. */
static void suspend(struct watch *watch) {
        watch_end(watch);
        (void)raise(SIGTSTP);
        watch_begin(watch);
        suspended = 0;
}

/* Waits for input with the signals let in, and for nothing else, so that none comes unnoticed. */
static int wait_for_input(int fd) {
        struct pollfd pollfd = {.fd = fd, .events = POLLIN};
        sigset_t watched, others;
        int n = 0, r = 0;

        sigemptyset(&watched);
        for (size_t i = 0; i < ARRAY_SIZE(watched_signals); i++)
                sigaddset(&watched, watched_signals[i]);
        sigprocmask(SIG_BLOCK, &watched, &others);

        while (n <= 0 && !r && !interrupted && !suspended) {
                n = ppoll(&pollfd, 1, NULL, &others);
                if (n < 0 && errno != EINTR)
                        r = -errno;
        }

        sigprocmask(SIG_SETMASK, &others, NULL);
        if (interrupted)
                return -EINTR;
        return suspended ? -ERESTART : r;
}

/* > 0: bytes read. 0: the end. */
static int prompt_fill(struct prompt *prompt) {
        int fd = prompt->hidden ? prompt->terminal_fd : STDIN_FILENO, r;
        char *space;
        ssize_t n;

        r = buffer_reserve(&prompt->read, 1024, &space);
        if (r)
                return r;

        do {
                r = wait_for_input(fd);
                if (r)
                        return r;
                n = read(fd, space, 1024);
        } while (n < 0 && (errno == EINTR || errno == EAGAIN));

        if (n < 0)
                return -errno;

        buffer_commit(&prompt->read, (size_t)n);
        return (int)n;
}

/* Until a line is in front, or the rest that no line's end follows. */
static int prompt_fill_line(struct prompt *prompt) {
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

                r = prompt_fill(prompt);
                if (r < 0)
                        return r;
                if (r == 0) {
                        prompt->current = n;
                        return n > 0 ? 0 : -ENODATA;
                }
        }
}

/* -ERESTART: ^Z. */
static int prompt_ask(struct prompt *prompt, const char *question) {
        _cleanup_(echo_on) struct echo echo = {};
        int r = 0;

        if (prompt->hidden)
                do
                        r = echo_off(&echo, prompt->terminal_fd);
                while (r == -EINTR && !interrupted);
        if (r)
                return r;

        if (prompt->terminal && question)
                prompt_show(prompt, question, strlen(question));

        return prompt_fill_line(prompt);
}

int prompt_read_line(struct prompt *prompt, const char *question) {
        struct watch watch;
        int r;

        buffer_consume(&prompt->read, prompt->current);
        prompt->current = 0;
        interrupted = 0;
        suspended = 0;

        watch_begin(&watch);
        while ((r = prompt_ask(prompt, question)) == -ERESTART) {
                if (prompt->terminal)
                        buffer_clear(&prompt->read); /* as the terminal does with the rest of the line */
                suspend(&watch);
        }
        watch_end(&watch);

        if (interrupted)
                r = -EINTR;
        if (r && prompt->terminal)
                prompt_show(prompt, "\n", 1); /* nobody has ended the line that the question stands on */

        return r;
}

void prompt_whole_line(const struct prompt *prompt, const char **ret, size_t *ret_n) {
        const char *line = buffer_bytes(&prompt->read);
        size_t n = prompt->current;

        *ret = line;
        *ret_n = n > 0 && line[n - 1] == '\n' ? n - 1 : n;
}

void prompt_line(const struct prompt *prompt, const char **ret, size_t *ret_n) {
        *ret = buffer_bytes(&prompt->read);
        *ret_n = prompt->current;
        prompt_strip(ret, ret_n);
}
