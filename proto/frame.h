#pragma once

/*
 * Frame: bytes of a stream to messages, each ended by one NUL, and back.
 *
 * One read is not one message: half a message waits, several are given one by one. Bytes are wiped once
 * consumed.
 */

#include "proto/buffer.h"
#include "proto/macro.h"

struct frame_reader {
        struct buffer buffer;
        size_t scanned; /* bytes of the buffer known to hold no NUL */
        size_t limit; /* of one message, its NUL not counted */
};

#define FRAME_READER_INIT(max) ((struct frame_reader){.limit = (max)})

void frame_reader_deinit(struct frame_reader *reader);

/* One read() of what is there. > 0: bytes; 0: end of stream; -EAGAIN: nothing now; else -errno. Never reads
 * when a whole message, or limit + 1 bytes, are waiting to be taken: call frame_reader_next() until it says 0
 * first (-EBUSY, -EMSGSIZE). */
int frame_reader_fill(struct frame_reader *reader, int fd);

/* 1: *ret (borrowed until frame_reader_consume()) is the next message of *ret_n bytes, followed by its NUL.
 * 0: none complete. -EMSGSIZE: longer than the limit. */
int frame_reader_next(struct frame_reader *reader, const char **ret, size_t *ret_n);

/* Wipes and drops the message that frame_reader_next() gave. */
void frame_reader_consume(struct frame_reader *reader);

/* Sends from the front of the buffer, never waiting and never raising SIGPIPE. 0: all sent, the buffer's memory
 * is free; -EAGAIN: some is left; else -errno. */
int frame_send(struct buffer *out, int fd);
