#pragma once

/*
 * Text: strings from outside, made fit for a terminal.
 *
 * Control characters (C0, DEL, C1), what turns the direction of writing around (U+202A-E, U+2066-9 and the
 * marks), line and paragraph separators, and bytes that are not UTF-8 are shown as escapes: \n, \x1b, \u202e.
 */

#include "proto/buffer.h"
#include "proto/macro.h"

#define TEXT_INVALID UINT32_MAX

/* The character at the front of n > 0 bytes: its length, at least 1, and its code point or TEXT_INVALID. */
size_t text_next(const char *text, size_t n, uint32_t *ret);

int text_append_safe(struct buffer *out, const char *text, size_t n);

/* Of JSON text: the same characters as JSON escapes, which keeps its meaning. */
int text_append_json_safe(struct buffer *out, const char *json, size_t n);

/* A field of RFC 4180, always quoted. */
int text_append_csv(struct buffer *out, const char *text, size_t n);

/* Columns on a terminal. */
size_t text_width(const char *text, size_t n);

/* "47 h 20 min": the two greatest units that are not zero. */
enum { TEXT_DURATION_SIZE = 48 };
void text_duration(char ret[TEXT_DURATION_SIZE], int64_t seconds);
