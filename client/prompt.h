#pragma once

/*
 * Prompt: a line from a person, or from what stands in for one.
 *
 * Read from stdin; questions go to stderr, or to the terminal where stderr leads elsewhere. What is not to be
 * seen is asked for and read on the terminal, with nothing shown of what is typed. Lines are wiped after use.
 */

#include "proto/buffer.h"
#include "proto/macro.h"

enum { PROMPT_LINE_MAX = 16 * 1024 };

struct prompt {
        bool terminal; /* a person types */
        bool hidden; /* on terminal_fd, unseen */
        int terminal_fd; /* -1 unless opened to ask on */
        struct buffer read; /* what is read, the current line in front */
        size_t current; /* bytes of it, with the line's end */
};

#define PROMPT_NULL ((struct prompt){.terminal_fd = -1})

void prompt_init(struct prompt *prompt);
void prompt_deinit(struct prompt *prompt);

/* On the controlling terminal, wherever stdin leads. -ENXIO: there is none. */
int prompt_init_hidden(struct prompt *prompt);

/* Shows text as it is: it is made safe by the caller. */
void prompt_show(struct prompt *prompt, const char *text, size_t n);

/* Goes on to the next line. question: what a person is asked, again after ^Z. -ENODATA: the end. -EINTR: ^C, or
 * another wish that we end. -EMSGSIZE: a line longer than PROMPT_LINE_MAX. */
int prompt_read_line(struct prompt *prompt, const char *question);

/* The line read last, without blanks around it. Borrowed until the next is read. */
void prompt_line(const struct prompt *prompt, const char **ret, size_t *ret_n);

/* The same with its blanks. */
void prompt_whole_line(const struct prompt *prompt, const char **ret, size_t *ret_n);

/* Takes blanks and line ends off both sides. */
void prompt_strip(const char **text, size_t *n);
