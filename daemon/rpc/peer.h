#pragma once

/*
 * Peer: one connection: reads a call, has it answered, sends the reply, reads the next.
 *
 * One call at a time; a peer that does not read its reply is not read from. What its socket is polled for
 * follows from its state, in peer_update() and nowhere else. Only the listener frees a peer, never a callback
 * of the peer's own.
 */

#include <stdint.h>

#include "proto/buffer.h"
#include "proto/frame.h"
#include "proto/list.h"

struct call;
struct context;
struct listener;

struct peer {
        struct list link; /* listener.peers */
        struct list ready; /* listener.ready, or itself */
        struct listener *listener; /* borrowed */
        const struct context *context; /* borrowed */
        int fd;
        uint32_t interest; /* what it is polled for now */
        struct frame_reader reader;
        struct buffer out; /* the one reply that is not sent yet */
        struct call *call; /* the one being answered; owned */
        uint64_t stalled_usec; /* since when its reply waits to be read; 0: none does */
        bool processing; /* peer_process() is on the stack */
        bool ended; /* it sends no more */
        bool broken; /* to be freed */
};

/* Takes over fd, also on failure. */
int peer_new(struct peer **ret, struct listener *listener, const struct context *context, int fd);
struct peer *peer_free(struct peer *peer);

/* Its socket is ready for these (epoll) events, or 0: go on where it was left. Sets peer->broken at the end. */
void peer_process(struct peer *peer, uint32_t events);

/* Where its next reply is written. */
struct buffer *peer_out(struct peer *peer);

/* The reply is written (r: or could not be). Sends what goes; the next call is taken up later, from the
 * loop. */
void peer_answered(struct peer *peer, bool oneway, int r);

/* Gives up its reply; the listener frees it at the next turn. */
void peer_give_up(struct peer *peer);

/* At the end: answers what is pending with Stopping, as far as the socket takes it at once. */
void peer_stop(struct peer *peer);
