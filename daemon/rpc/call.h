#pragma once

/*
 * Call: one request of a peer, and exactly one reply to it.
 *
 * Replying consumes the call. What still waits when the agent ends is answered Stopping by peer_stop(). The
 * reply is written in one pass into the peer's buffer, which is wiped as it is sent.
 */

#include "daemon/base/shared.h"
#include "daemon/flow/waiter.h"
#include "proto/fault.h"
#include "proto/message.h"

struct context;
struct method;
struct peer;

struct call {
        struct peer *peer; /* borrowed: it owns the call */
        const struct context *context; /* borrowed */
        struct message_call message;
        const struct method *method; /* NULL until found */
        void *params; /* the method's record, parsed; owned */
        struct waiter gate; /* waits for the store to be read, or looked at */
        bool looked; /* it has been, for this call */
        void *work; /* the method's, while it waits */
        void (*cancel)(void *work); /* frees the work of a call whose peer is gone */
        struct writer writer;
};

/* Parses; -EBADMSG: no call, the connection is to be closed. The text stays until it is dispatched. */
int call_new(struct call **ret, struct peer *peer, const char *text, size_t n);

/* Of a peer that is gone: cancels what waits for it. */
struct call *call_free(struct call *call);

/* The method answers later; cancel frees its work, should the peer leave first. */
void call_hold(struct call *call, void *work, void (*cancel)(void *work));

/* One JSON object is to be written, then call_end(). */
struct writer *call_begin_reply(struct call *call);
void call_end(struct call *call);

/* A reply without parameters; a whole message that others are sent, too; an error. */
void call_reply_empty(struct call *call);
void call_reply_shared(struct call *call, struct shared *message);
void call_fail(struct call *call, const struct fault *fault);
