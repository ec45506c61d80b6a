#pragma once

/* A terminal with a job on it: a child that leads a session of its own and says how it goes on a pipe. */

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "proto/macro.h"

struct terminal {
        int fd; /* what the person sees and types */
        int report; /* what the job says of itself */
        int hold; /* the job ends when this is closed */
        pid_t pid;
        char shown[4096];
        size_t n_shown, n_seen; /* seen: by terminal_expect() */
};

/* What the child is for: its result is a byte on the pipe. */
typedef char (*job_fn)(void);

static inline void terminal_run(struct terminal *terminal, job_fn job) {
        int report[2], hold[2];

        assert_int_equal(pipe(report), 0);
        assert_int_equal(pipe(hold), 0);
        *terminal = (struct terminal){.report = report[0], .hold = hold[1]};
        terminal->pid = forkpty(&terminal->fd, NULL, NULL, NULL);
        if (terminal->pid == 0) {
                char result;

                alarm(60);
                close(hold[1]);
                result = job();
                (void)!write(report[1], &result, 1);
                (void)!read(hold[0], &result, 1); /* an end would hang up the terminal */
                _exit(0);
        }

        assert_true(terminal->pid > 0);
        close(report[1]);
        close(hold[0]);
}

/* Until it stands on the screen, behind what was expected before. */
static inline void terminal_expect(struct terminal *terminal, const char *words) {
        const char *found;

        while (!(found = strstr(terminal->shown + terminal->n_seen, words))) {
                struct pollfd pollfd = {.fd = terminal->fd, .events = POLLIN};
                ssize_t n;

                if (poll(&pollfd, 1, 30000) != 1 || terminal->n_shown >= sizeof(terminal->shown) - 1)
                        fail_msg("'%s' does not come; there is '%s'", words, terminal->shown);
                n = read(terminal->fd, terminal->shown + terminal->n_shown,
                         sizeof(terminal->shown) - 1 - terminal->n_shown);
                if (n <= 0)
                        fail_msg("'%s' did not come; there was '%s'", words, terminal->shown);
                terminal->n_shown += (size_t)n;
                terminal->shown[terminal->n_shown] = '\0';
        }
        terminal->n_seen = (size_t)(found - terminal->shown) + strlen(words);
}

static inline void terminal_type(const struct terminal *terminal, const char *keys) {
        assert_int_equal(write(terminal->fd, keys, strlen(keys)), (ssize_t)strlen(keys));
}

static inline bool terminal_echoes(const struct terminal *terminal) {
        struct termios termios;

        assert_int_equal(tcgetattr(terminal->fd, &termios), 0);
        return termios.c_lflag & ECHO;
}

/* The byte that the job came to; it goes on living. */
static inline char terminal_result(const struct terminal *terminal) {
        char result;

        assert_int_equal(read(terminal->report, &result, 1), 1);
        return result;
}

static inline void terminal_end(struct terminal *terminal) {
        close(terminal->hold);
        close(terminal->fd);
        close(terminal->report);
        assert_int_equal(waitpid(terminal->pid, NULL, 0), terminal->pid);
}
