#include "daemon/rpc/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/rpc/call.h"
#include "daemon/rpc/dispatch.h"
#include "daemon/rpc/listener.h"
#include "proto/log.h"
#include "proto/message.h"

DEFINE_CLEANUP(struct peer, peer_free);

/* Polled for what it can do next: send, or read; nothing while its call is being answered. */
static void peer_update(struct peer *peer) {
        uint32_t interest = 0;

        if (!reply_is_empty(&peer->reply))
                interest = EPOLLOUT;
        else if (!peer->call && !peer->ended)
                interest = EPOLLIN;

        if (interest == peer->interest)
                return;

        if (listener_poll(peer->listener, peer, interest))
                peer->broken = true;
        peer->interest = interest;
}

/* More calls may have come with the one that was answered. */
void peer_send(struct peer *peer) {
        int r;

        r = reply_send(&peer->reply, peer->fd);
        if (r == -EAGAIN)
                listener_bound_unread(peer->listener);
        else if (r)
                peer->broken = true;
        else if (peer->ended || buffer_size(&peer->reader.buffer) > 0)
                listener_make_ready(peer->listener, peer);

        peer_update(peer);
}

static void peer_read(struct peer *peer) {
        int r;

        r = frame_reader_fill(&peer->reader, peer->fd);
        if (r == 0)
                peer->ended = true;
        else if (r < 0 && r != -EAGAIN && r != -EBUSY && r != -EMSGSIZE)
                peer->broken = true;
}

/* Takes up one call. False: there is none to take up now. */
static bool peer_take_call(struct peer *peer) {
        const char *text;
        size_t n;
        int r;

        if (peer->broken || peer->call || !reply_is_empty(&peer->reply))
                return false;

        r = frame_reader_next(&peer->reader, &text, &n);
        if (r < 0)
                log_debug("Closing a connection: a call has %d KiB at most", MESSAGE_CALL_MAX / 1024);
        if (r <= 0) {
                peer->broken = r < 0 || peer->ended;
                return false;
        }

        r = call_new(&peer->call, peer, text, n);
        if (!r)
                dispatch(peer->call, peer->context);

        frame_reader_consume(&peer->reader);
        if (r) {
                log_debug("Closing a connection: no Varlink call came");
                peer->broken = true;
        }

        return !r;
}

void peer_process(struct peer *peer) {
        uint32_t events = peer->events;
        bool took;

        peer->processing = true;
        peer->events = 0;

        if ((events & (EPOLLHUP | EPOLLERR)) && (peer->call || !reply_is_empty(&peer->reply)))
                peer->broken = true; /* nobody hears the reply */
        else if (reply_is_empty(&peer->reply) && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                peer_read(peer);

        took = peer_take_call(peer);
        peer->processing = false;
        if (peer->broken)
                return;
        if (!reply_is_empty(&peer->reply)) {
                listener_send_soon(peer->listener, peer);
                return;
        }

        if (took)
                listener_make_ready(peer->listener, peer);
        peer_update(peer);
}

/* Whether something has come that was not looked at yet. The end is no reason to keep it. */
static bool peer_has_sent_more(const struct peer *peer) {
        char byte;

        return recv(peer->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

enum peer_use peer_use(const struct peer *peer) {
        if (peer->call || !reply_is_empty(&peer->reply) || !list_is_empty(&peer->ready) ||
            peer_has_sent_more(peer))
                return PEER_BUSY;

        return buffer_size(&peer->reader.buffer) > 0 ? PEER_HALF : PEER_IDLE;
}

struct buffer *peer_out(struct peer *peer) {
        return &peer->reply.own;
}

void peer_share(struct peer *peer, struct shared *message) {
        reply_share(&peer->reply, message);
}

void peer_answered(struct peer *peer, bool oneway, int r) {
        peer->call = NULL;
        reply_count(&peer->reply);
        if (r || reply_size(&peer->reply) > MESSAGE_REPLY_MAX + 1)
                peer->broken = true;
        if (oneway || peer->broken)
                reply_clear(&peer->reply);

        if (!peer->processing)
                listener_make_ready(peer->listener, peer);
}

void peer_wipe(struct peer *peer) {
        if (!peer->has_secrets || reply_is_empty(&peer->reply))
                return;

        reply_clear(&peer->reply);
        peer->broken = true;
        listener_make_ready(peer->listener, peer);
}

/* What has been begun for it is cancelled. */
static void peer_fail(struct peer *peer, const struct fault *fault) {
        struct call *call = peer->call;

        if (call->cancel)
                call->cancel(call->work);
        call_fail(call, fault);
}

void peer_refuse(struct peer *peer, unsigned flags, const struct fault *fault) {
        if (peer->call && peer->call->method && (peer->call->method->flags & flags))
                peer_fail(peer, fault);
}

static bool peer_is_committed(const struct peer *peer) {
        return peer->call && peer->call->cancel && peer->call->method->flags & METHOD_ONCE;
}

bool peer_flush(struct peer *peer) {
        int r = reply_is_empty(&peer->reply) ? 0 : reply_send(&peer->reply, peer->fd);

        peer_update(peer);
        return r != -EAGAIN || peer->broken;
}

bool peer_stop(struct peer *peer) {
        _cleanup_(fault_deinit) struct fault stopping = {};

        (void)fault_set(&stopping, AGENT_ERROR_STOPPING, NULL);
        peer->processing = true; /* nothing more is taken up */
        peer->ended = true;
        if (peer_is_committed(peer))
                return true;
        if (peer->call)
                peer_fail(peer, &stopping);

        return peer_flush(peer);
}

int peer_new(struct peer **ret, const struct peer_deps *deps, int fd) {
        _cleanup_(peer_freep) struct peer *peer = NULL;

        peer = calloc(1, sizeof(*peer));
        if (!peer) {
                close(fd);
                return -ENOMEM;
        }

        peer->listener = deps->listener;
        peer->context = deps->context;
        peer->fd = fd;
        peer->reader = FRAME_READER_INIT(MESSAGE_CALL_MAX - 1);
        reply_init(&peer->reply, deps->unread);
        list_init(&peer->link);
        list_init(&peer->ready);
        *ret = TAKE(peer);
        return 0;
}

struct peer *peer_free(struct peer *peer) {
        if (!peer)
                return NULL;

        peer->call = call_free(peer->call);
        list_unlink(&peer->link);
        list_unlink(&peer->ready);
        frame_reader_deinit(&peer->reader);
        reply_clear(&peer->reply);
        close(peer->fd);
        free(peer);
        return NULL;
}
