#pragma once

/*
 * Buffer: bytes that grow, are taken from the front, and leave nothing behind.
 *
 * Every byte given up (by growing, consuming, clearing, ending) is wiped, so a buffer may carry a token from
 * one system call to the next. What is kept for longer belongs into a struct secret.
 */

#include "proto/macro.h"

/* Bytes of somebody else, borrowed. */
struct bytes {
        const void *data;
        size_t n;
};

struct buffer {
        char *data; /* owned; NULL when empty */
        size_t begin, end; /* the bytes are data[begin..end) */
        size_t allocated;
};

void buffer_deinit(struct buffer *buffer);

static inline size_t buffer_size(const struct buffer *buffer) {
        return buffer->end - buffer->begin;
}

/* Borrowed until the buffer changes. Not NUL-terminated. */
static inline char *buffer_bytes(const struct buffer *buffer) {
        return buffer->data ? buffer->data + buffer->begin : NULL;
}

static inline struct bytes buffer_contents(const struct buffer *buffer) {
        return (struct bytes){buffer_bytes(buffer), buffer_size(buffer)};
}

/* Makes room for n more bytes behind the end; *ret points at it. Call buffer_commit() for those written. */
int buffer_reserve(struct buffer *buffer, size_t n, char **ret);
void buffer_commit(struct buffer *buffer, size_t n);

int buffer_append_growing(struct buffer *buffer, const void *data, size_t n);

/* A text is written in many small parts, nearly all of which find room. */
static inline int buffer_append(struct buffer *buffer, const void *data, size_t n) {
        if (buffer->allocated - buffer->end < n || n == 0)
                return buffer_append_growing(buffer, data, n);

        memcpy(buffer->data + buffer->end, data, n);
        buffer->end += n;
        return 0;
}

int buffer_append_string(struct buffer *buffer, const char *string);

/* Takes n bytes (at most buffer_size()) from the front. */
void buffer_consume(struct buffer *buffer, size_t n);

/* Gives up all bytes and the memory. */
void buffer_clear(struct buffer *buffer);

/* Exchanges contents. */
void buffer_swap(struct buffer *a, struct buffer *b);
