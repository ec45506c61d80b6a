#pragma once

/* What goes to stderr, taken instead. */

#include <fcntl.h>
#include <unistd.h>

struct captured {
        int pipe[2], old;
        char text[4096];
};

static inline void capture(struct captured *captured) {
        assert_int_equal(pipe2(captured->pipe, O_CLOEXEC | O_NONBLOCK), 0);
        captured->old = dup(STDERR_FILENO);
        assert_true(dup2(captured->pipe[1], STDERR_FILENO) >= 0);
        close(captured->pipe[1]);
}

/* What came since capture(). */
static inline const char *release(struct captured *captured) {
        ssize_t n = read(captured->pipe[0], captured->text, sizeof(captured->text) - 1);

        captured->text[n > 0 ? n : 0] = '\0';
        assert_true(dup2(captured->old, STDERR_FILENO) >= 0);
        close(captured->old);
        close(captured->pipe[0]);
        return captured->text;
}
