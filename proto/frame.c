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

/* An idle connection holds no memory. */
static void frame_reader_trim(struct frame_reader *reader) {
        if (buffer_size(&reader->buffer) == 0)
                buffer_clear(&reader->buffer);
}

int frame_reader_fill(struct frame_reader *reader, int fd) {
        size_t size = buffer_size(&reader->buffer);
        ssize_t n;
        char *space;
        int r;

        if (frame_reader_scan(reader))
                return -EBUSY;
        if (size > reader->limit)
                return -EMSGSIZE;

        /* as much again as is there: short messages need little, long ones few reads */
        r = buffer_reserve(&reader->buffer, MIN(MAX(size, (size_t)READ_MIN), (size_t)READ_MAX), &space);
        if (r)
                return r;

        do
                n = read(fd, space, MIN(reader->buffer.allocated - reader->buffer.end, (size_t)READ_MAX));
        while (n < 0 && errno == EINTR);

        r = n < 0 ? -errno : (int)n;
        if (n > 0)
                buffer_commit(&reader->buffer, (size_t)n);

        frame_reader_trim(reader);
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
        frame_reader_trim(reader);
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
