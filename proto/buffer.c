#include "proto/buffer.h"

#include <errno.h>

enum { BUFFER_ALLOCATION_MIN = 256 };

void buffer_deinit(struct buffer *buffer) {
        buffer_clear(buffer);
}

void buffer_clear(struct buffer *buffer) {
        if (buffer->data)
                explicit_bzero(buffer_bytes(buffer), buffer_size(buffer));

        free(buffer->data);
        *buffer = (struct buffer){};
}

/* Moves the bytes to the front of their memory, where they do not overlap what they were. */
static void buffer_compact(struct buffer *buffer) {
        size_t size = buffer_size(buffer);

        memcpy(buffer->data, buffer_bytes(buffer), size);
        explicit_bzero(buffer_bytes(buffer), size);
        buffer->begin = 0;
        buffer->end = size;
}

/* By malloc() and a copy, since realloc() leaves the old bytes behind unwiped. */
static int buffer_grow(struct buffer *buffer, size_t n) {
        size_t size = buffer_size(buffer), allocated;
        char *data;

        if (n > SIZE_MAX / 4 || size > SIZE_MAX / 4)
                return -ENOMEM;

        allocated = MAX(MAX(size + n, 2 * size), (size_t)BUFFER_ALLOCATION_MIN);
        data = malloc(allocated);
        if (!data)
                return -ENOMEM;

        if (size > 0)
                memcpy(data, buffer_bytes(buffer), size);

        buffer_clear(buffer);
        *buffer = (struct buffer){.data = data, .end = size, .allocated = allocated};
        return 0;
}

int buffer_reserve(struct buffer *buffer, size_t n, char **ret) {
        size_t size = buffer_size(buffer);
        int r = 0;

        /* moving costs no more than was consumed since the last time */
        if (buffer->allocated - buffer->end < n && buffer->begin >= size && buffer->allocated - size >= n)
                buffer_compact(buffer);
        else if (buffer->allocated - buffer->end < n || !buffer->data)
                r = buffer_grow(buffer, n);
        if (r)
                return r;

        *ret = buffer->data + buffer->end;
        return 0;
}

void buffer_commit(struct buffer *buffer, size_t n) {
        buffer->end += n;
}

int buffer_append(struct buffer *buffer, const void *data, size_t n) {
        char *space;
        int r;

        if (n == 0)
                return 0;

        r = buffer_reserve(buffer, n, &space);
        if (r)
                return r;

        memcpy(space, data, n);
        buffer_commit(buffer, n);
        return 0;
}

int buffer_append_string(struct buffer *buffer, const char *string) {
        return buffer_append(buffer, string, strlen(string));
}

void buffer_consume(struct buffer *buffer, size_t n) {
        if (n == 0)
                return;

        explicit_bzero(buffer_bytes(buffer), n);
        buffer->begin += n;
        if (buffer->begin == buffer->end)
                buffer->begin = buffer->end = 0;
}

void buffer_swap(struct buffer *a, struct buffer *b) {
        struct buffer held = *a;

        *a = *b;
        *b = held;
}
