#include "proto/frame.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
        READ_MIN = 4 * 1024,
        READ_MAX = 64 * 1024,
};

void frame_reader_deinit(struct frame_reader *reader) {
        buffer_deinit(&reader->buffer);
        reader->scanned = 0;
}

/* Looks at what was not looked at yet. True: a message of reader->scanned bytes stands at the front. */
static bool frame_reader_scan(struct frame_reader *reader) {
        size_t size = buffer_size(&reader->buffer);
        const char *bytes = buffer_bytes(&reader->buffer), *nul;

        if (reader->scanned == size)
                return false;

        nul = memchr(bytes + reader->scanned, '\0', size - reader->scanned);
        reader->scanned = nul ? (size_t)(nul - bytes) : size;
        return nul;
}

static ssize_t read_some(int fd, char *space, size_t n) {
        ssize_t r;

        do
                r = read(fd, space, n);
        while (r < 0 && errno == EINTR);

        return r < 0 ? -errno : r;
}

/* How much comes is not known: memory is taken for what came, none for nothing. */
static int frame_reader_begin(struct frame_reader *reader, int fd) {
        char space[READ_MIN];
        ssize_t n = read_some(fd, space, sizeof(space));
        int r;

        if (n <= 0)
                return (int)n;

        r = buffer_append(&reader->buffer, space, (size_t)n);
        explicit_bzero(space, (size_t)n);
        return r ?: (int)n;
}

int frame_reader_fill(struct frame_reader *reader, int fd) {
        size_t size = buffer_size(&reader->buffer);
        char *space;
        int r;

        if (frame_reader_scan(reader))
                return -EBUSY;
        if (size > reader->limit)
                return -EMSGSIZE;
        if (size == 0)
                return frame_reader_begin(reader, fd);

        /* as much again as is there: short messages need little, long ones few reads */
        r = buffer_reserve(&reader->buffer, MIN(MAX(size, (size_t)READ_MIN), (size_t)READ_MAX), &space);
        if (r)
                return r;

        r = (int)read_some(fd, space, MIN(reader->buffer.allocated - reader->buffer.end, (size_t)READ_MAX));
        if (r > 0)
                buffer_commit(&reader->buffer, (size_t)r);

        return r;
}

int frame_reader_next(struct frame_reader *reader, const char **ret, size_t *ret_n) {
        bool complete = frame_reader_scan(reader);

        if (reader->scanned > reader->limit)
                return -EMSGSIZE;
        if (!complete)
                return 0;

        *ret = buffer_bytes(&reader->buffer);
        *ret_n = reader->scanned;
        return 1;
}

void frame_reader_consume(struct frame_reader *reader) {
        buffer_consume(&reader->buffer, reader->scanned + 1);
        reader->scanned = 0;
        if (buffer_size(&reader->buffer) == 0)
                buffer_clear(&reader->buffer); /* an idle connection holds no memory */
}

int frame_send(struct buffer *out, int fd) {
        ssize_t n;

        while (buffer_size(out) > 0) {
                n = send(fd, buffer_bytes(out), buffer_size(out), MSG_NOSIGNAL | MSG_DONTWAIT);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;

                buffer_consume(out, (size_t)n);
        }

        buffer_clear(out);
        return 0;
}
