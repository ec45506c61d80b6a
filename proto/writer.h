#pragma once

/*
 * Writer: JSON text (RFC 8259), written in one pass into a buffer.
 *
 * Nothing is kept but the text, so a token on its way out has no copy to wipe but the buffer's. The first
 * failure sticks and turns later calls into nothing; writer_end() tells it. Invalid UTF-8 is written as U+FFFD.
 */

#include "proto/buffer.h"
#include "proto/macro.h"

struct writer {
        struct buffer *out; /* borrowed */
        int r;
        bool comma; /* a value stands before the next one */
};

#define WRITER_INIT(buffer) ((struct writer){.out = (buffer)})

void write_object_begin(struct writer *writer);
void write_object_end(struct writer *writer);
void write_array_begin(struct writer *writer);
void write_array_end(struct writer *writer);

/* The name of the member whose value is written next. */
void write_name(struct writer *writer, const char *name);

void write_string(struct writer *writer, const char *string);
void write_string_n(struct writer *writer, const char *string, size_t n);
void write_strings(struct writer *writer, char *const *strv); /* an array; [] for NULL */
void write_int(struct writer *writer, int64_t value);
void write_bool(struct writer *writer, bool value);

/* Text that is one JSON value already. */
void write_raw(struct writer *writer, const char *json, size_t n);

/* Bytes as they are, outside the grammar: a record separator, the NUL behind a message. No comma follows them.
 * */
void write_bytes(struct writer *writer, const void *bytes, size_t n);

/* A named member; left out where the string is NULL. */
void write_string_member(struct writer *writer, const char *name, const char *string);
void write_strings_member(struct writer *writer, const char *name, char *const *strv); /* left out where NULL */
void write_int_member(struct writer *writer, const char *name, int64_t value);
void write_bool_member(struct writer *writer, const char *name, bool value);

/* 0 or the first failure (-ENOMEM). */
int writer_end(struct writer *writer);
