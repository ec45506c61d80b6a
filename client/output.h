#pragma once

/*
 * Output: what a command prints: its result to stdout, once and whole; messages to stderr, line by line.
 */

#include "proto/buffer.h"
#include "proto/macro.h"

struct globals;

/* Makes sure that descriptors 0 to 2 are taken, so that no file opened later is mistaken for stdout, and that a
 * reader who leaves is an error and no signal. */
void output_init(void);

bool output_is_terminal(void);

/* Writes the text to stdout, which is closed then, and wipes it. r: the result of making the text. The exit
 * status, having said what went wrong; a reader who left needs no words. */
int output_finish(struct buffer *text, int r);

/* "globus-agentctl: ..." on stderr: one line, safe for a terminal. */
void output_error(const char *format, ...) _printf_(1, 2);

/* A line on stderr that -q suppresses. */
void output_note(const struct globals *globals, const char *format, ...) _printf_(2, 3);

/* All of the bytes to a descriptor; -errno. */
int output_write_all(int fd, const char *bytes, size_t n);
