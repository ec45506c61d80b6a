#pragma once

/*
 * Peer: one connection: reads a call, has it answered, sends the reply, reads the next.
 *
 * One call at a time; a peer that does not read its reply is not read from. What its socket is polled for
 * follows from its state, in peer_update() and nowhere else. Only the listener frees a peer, never a callback
 * of the peer's own.
 */

#include <stdint.h>

#include "daemon/rpc/unread.h"
#include "proto/buffer.h"
#include "proto/fault.h"
#include "proto/frame.h"
#include "proto/list.h"

struct call;
struct context;
struct listener;

struct peer {
        struct list link; /* listener.peers, or listener.gone */
        struct list ready; /* listener.ready, listener.replying, or itself */
        struct listener *listener; /* borrowed */
        const struct context *context; /* borrowed */
        int fd;
        uint32_t interest; /* what it is polled for now */
        uint32_t events; /* what its socket is ready for, since it was last processed (epoll) */
        struct frame_reader reader;
        struct reply reply; /* the one that is not sent yet */
        bool has_secrets; /* that one */
        struct call *call; /* the one being answered; owned */
        bool processing; /* peer_process() is on the stack */
        bool ended; /* it sends no more */
        bool broken; /* to be freed */
};

struct peer_deps {
        struct listener *listener;
        struct unread *unread;
        const struct context *context;
}; /* all borrowed */

/* Takes over fd, also on failure. */
int peer_new(struct peer **ret, const struct peer_deps *deps, int fd);
struct peer *peer_free(struct peer *peer);

/* It has events, or goes on where it was left: takes up one call at most. Sets peer->broken at the end. */
void peer_process(struct peer *peer);

/* Sends what the socket takes of its reply. Sets peer->broken if that was the end. */
void peer_send(struct peer *peer);

enum peer_use {
        PEER_IDLE, /* nothing is going on */
        PEER_HALF, /* it has sent a part of a message, and then no more */
        PEER_BUSY, /* it is being served */
};

enum peer_use peer_use(const struct peer *peer);

/* Where its next reply is written, or what it is to be sent instead. */
struct buffer *peer_out(struct peer *peer);
void peer_share(struct peer *peer, struct shared *message);

/* The reply is there (r: or could not be written). It is sent, and the next call taken up, later, from the
 * loop: many may be answered in one turn. */
void peer_answered(struct peer *peer, bool oneway, int r);

/* If it waits for the answer to a method with one of these flags, it is told this. */
void peer_refuse(struct peer *peer, unsigned flags, const struct fault *fault);

/* What it has not read yet of a reply with secrets is wiped: it is to be freed then. */
void peer_wipe(struct peer *peer);

/* At the end: answers what is pending with Stopping, unless it may be half done: then no answer would be right.
 * Sends what the socket takes at once. False: it takes no more now; the rest is sent by peer_flush(). */
bool peer_stop(struct peer *peer);

/* As far as the socket takes it. True: nothing is left to be sent, or nobody to read it. */
bool peer_flush(struct peer *peer);
