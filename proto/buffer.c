#include "proto/buffer.h"

#include <errno.h>
#include <sys/mman.h>

enum {
        ALLOCATION_MIN = 1000, /* enough for most messages, and what malloc() just takes for small */
        MAPPING_MIN =
                128 * 1024, /* a mapping of its own, which grows without a copy: megabytes would take long */
};

static bool is_mapping(size_t allocated) {
        return allocated >= MAPPING_MIN;
}

static char *memory_new(size_t n) {
        void *memory;

        if (!is_mapping(n))
                return malloc(n);

        memory = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return memory == MAP_FAILED ? NULL : memory;
}

static void memory_free(char *memory, size_t n) {
        if (is_mapping(n))
                munmap(memory, n);
        else
                free(memory);
}

void buffer_deinit(struct buffer *buffer) {
        buffer_clear(buffer);
}

void buffer_clear(struct buffer *buffer) {
        if (buffer->data)
                explicit_bzero(buffer_bytes(buffer), buffer_size(buffer));

        memory_free(buffer->data, buffer->allocated);
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

/* Its pages become part of a larger mapping: nothing is left where they were. */
static int buffer_stretch(struct buffer *buffer, size_t n) {
        size_t allocated = MAX(buffer->end + n, 2 * buffer->allocated);
        void *data;

        data = mremap(buffer->data, buffer->allocated, allocated, MREMAP_MAYMOVE);
        if (data == MAP_FAILED)
                return -ENOMEM;

        buffer->data = data;
        buffer->allocated = allocated;
        return 0;
}

/* By a copy, since realloc() leaves the old bytes behind unwiped. */
static int buffer_grow(struct buffer *buffer, size_t n) {
        size_t size = buffer_size(buffer), allocated;
        char *data;

        if (n > SIZE_MAX / 4 || buffer->allocated > SIZE_MAX / 4)
                return -ENOMEM;
        if (is_mapping(buffer->allocated))
                return buffer_stretch(buffer, n);

        allocated = MAX(MAX(size + n, 2 * size), (size_t)ALLOCATION_MIN);
        data = memory_new(allocated);
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

int buffer_append_growing(struct buffer *buffer, const void *data, size_t n) {
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
