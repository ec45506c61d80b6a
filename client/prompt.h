#pragma once

/*
 * Prompt: a line from a person, or from what stands in for one.
 *
 * Read from stdin; questions go to stderr, or to the terminal where stderr leads elsewhere. Lines are wiped
 * after use.
 */

#include "proto/buffer.h"
#include "proto/macro.h"

enum { PROMPT_LINE_MAX = 16 * 1024 };

struct prompt {
        bool terminal; /* a person types */
        int terminal_fd; /* -1 unless opened to ask on */
        struct buffer read; /* what is read, the current line in front */
        size_t current; /* bytes of it, with the line's end */
};

void prompt_init(struct prompt *prompt);
void prompt_deinit(struct prompt *prompt);

/* Shows text as it is: it is made safe by the caller. */
void prompt_show(struct prompt *prompt, const char *text, size_t n);

/* Goes on to the next line. -ENODATA: the end. -EINTR: ^C, or another wish that we end. -EMSGSIZE: a line
 * longer than PROMPT_LINE_MAX. */
int prompt_read_line(struct prompt *prompt);

/* The line read last, without blanks around it. Borrowed until the next is read. */
void prompt_line(const struct prompt *prompt, const char **ret, size_t *ret_n);

/* Takes blanks and line ends off both sides. */
void prompt_strip(const char **text, size_t *n);
