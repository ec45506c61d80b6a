/* Frame: a stream in any pieces, from a socket that has every mood, comes apart at its NULs alone. */

#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/frame.h"

enum { SOCKET = 1 << 20, PIECE_MAX = 64 * 1024 };
enum { MOOD_INTERRUPTED, MOOD_NOTHING, MOOD_FAILING, MOOD_LONG = 128 };

/* What the socket has to give, and how much of it in which mood. */
static struct {
        struct bytes stream, moods;
        size_t arrived, step;
        bool interrupted;
        struct buffer sent;
} peer;

ssize_t __real_read(int fd, void *data, size_t n);
ssize_t __wrap_read(int fd, void *data, size_t n);
ssize_t __wrap_send(int fd, const void *data, size_t n, int flags);

/* The bytes that go through now, or -1 with errno. */
static ssize_t peer_mood(size_t n) {
        unsigned char mood = MOOD_LONG;

        if (peer.moods.n > 0)
                mood = ((const unsigned char *)peer.moods.data)[peer.step++ % peer.moods.n];

        /* not twice in a row, or it would never end */
        peer.interrupted = !peer.interrupted && mood == MOOD_INTERRUPTED;
        if (peer.interrupted || mood == MOOD_NOTHING || mood == MOOD_FAILING) {
                errno = peer.interrupted ? EINTR : mood == MOOD_NOTHING ? EAGAIN : EIO;
                return -1;
        }

        return (ssize_t)MIN(n, mood < MOOD_LONG ? MAX(mood, (size_t)1) : (mood - MOOD_LONG + 1) * (size_t)64);
}

ssize_t __wrap_read(int fd, void *data, size_t n) {
        ssize_t taken;

        if (fd != SOCKET)
                return __real_read(fd, data, n);

        taken = peer_mood(MIN(n, peer.stream.n - peer.arrived));
        if (taken > 0) {
                memcpy(data, (const char *)peer.stream.data + peer.arrived, (size_t)taken);
                peer.arrived += (size_t)taken;
        }

        return taken;
}

ssize_t __wrap_send(int fd, const void *data, size_t n, int flags) {
        ssize_t taken = peer_mood(n);

        CLAIM(fd == SOCKET && n > 0 && flags == (MSG_NOSIGNAL | MSG_DONTWAIT));
        if (taken > 0)
                CLAIM(buffer_append(&peer.sent, data, (size_t)taken) == 0);

        return taken;
}

/* The bytes up to the next NUL, or all that have arrived; *ret_whole: is there one? */
static size_t message_size(size_t begin, bool *ret_whole) {
        const char *bytes = (const char *)peer.stream.data + begin;
        const char *nul = peer.arrived > begin ? memchr(bytes, '\0', peer.arrived - begin) : NULL;

        *ret_whole = nul;
        return nul ? (size_t)(nul - bytes) : peer.arrived - begin;
}

/* All messages that are complete. False: one is too long. */
static bool take_messages(struct frame_reader *reader, size_t *begin) {
        size_t size, n;
        const char *message;
        bool whole;
        int r;

        while ((r = frame_reader_next(reader, &message, &n)) == 1) {
                size = message_size(*begin, &whole);
                CLAIM(whole && size == n && size <= reader->limit);
                CLAIM(memcmp(message, (const char *)peer.stream.data + *begin, n + 1) == 0);

                frame_reader_consume(reader);
                *begin += n + 1;
        }

        size = message_size(*begin, &whole);
        CLAIM(r == (size > reader->limit ? -EMSGSIZE : 0));
        CLAIM(r || !whole);
        CLAIM(buffer_size(&reader->buffer) == peer.arrived - *begin);
        CLAIM(*begin < peer.arrived || reader->buffer.allocated == 0);
        return r == 0;
}

/* True: there may be more. */
static bool fill(struct frame_reader *reader, size_t begin) {
        size_t before = peer.arrived, size;
        bool whole;
        int r;

        size = message_size(begin, &whole);
        r = frame_reader_fill(reader, SOCKET);
        if (whole)
                CLAIM(r == -EBUSY);
        else if (size > reader->limit)
                CLAIM(r == -EMSGSIZE);
        else
                CLAIM(r == -EAGAIN || r == -EIO || r == (int)(peer.arrived - before));

        CLAIM(peer.arrived - begin <= reader->limit + PIECE_MAX);
        return r > 0 || r == -EAGAIN || r == -EBUSY;
}

static void receive(size_t limit) {
        _cleanup_(frame_reader_deinit) struct frame_reader reader = FRAME_READER_INIT(limit);
        size_t begin = 0, tries = 2 * peer.stream.n + 2;

        while (tries-- > 0 && fill(&reader, begin)) {
                if (tries % 3 == 0 && !fill(&reader, begin))
                        break;
                if (!take_messages(&reader, &begin))
                        break;
        }
}

static void transmit(void) {
        _cleanup_(buffer_deinit) struct buffer out = {};
        size_t tries = 2 * peer.stream.n + 2;
        int r = -EAGAIN;

        CLAIM(buffer_append(&out, peer.stream.data, peer.stream.n) == 0);
        while (tries-- > 0 && r == -EAGAIN) {
                r = frame_send(&out, SOCKET);
                CLAIM(buffer_size(&peer.sent) + buffer_size(&out) == peer.stream.n);
                CLAIM(r == 0 || r == -EAGAIN || r == -EIO);
                CLAIM((r == 0) == (buffer_size(&out) == 0));
        }

        CLAIM(r || !out.data);
        CLAIM(!peer.sent.data ||
              memcmp(buffer_bytes(&peer.sent), peer.stream.data, buffer_size(&peer.sent)) == 0);
        buffer_deinit(&peer.sent);
}

/* limit in words of four bytes · moods behind their number · the stream */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        struct bytes input = {data, n};
        size_t limit = 4 * (size_t)fuzz_byte(&input);

        memset(&peer, 0, sizeof(peer));
        peer.moods = fuzz_counted(&input);
        peer.stream = input;
        receive(limit);

        peer.step = 0;
        if (peer.stream.n > 0)
                transmit();
        return 0;
}
