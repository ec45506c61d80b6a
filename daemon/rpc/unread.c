#include "daemon/rpc/unread.h"

#include <errno.h>
#include <sys/socket.h>

#include "daemon/base/clock.h"
#include "proto/frame.h"

enum { SENT_A_TURN = 256 * 1024 };

void unread_init(struct unread *unread) {
        *unread = (struct unread){};
        list_init(&unread->waiting);
}

struct reply *unread_slowest(const struct unread *unread) {
        return list_is_empty(&unread->waiting) ? NULL : CONTAINER(unread->waiting.next, struct reply, link);
}

void reply_init(struct reply *reply, struct unread *unread) {
        *reply = (struct reply){.unread = unread};
        list_init(&reply->link);
}

void reply_count(struct reply *reply) {
        reply->unread->total -= reply->counted;
        reply->counted = buffer_size(&reply->own);
        reply->unread->total += reply->counted;
}

void reply_share(struct reply *reply, struct shared *shared) {
        reply->shared = shared_hold(shared);
        reply->sent = 0;
        if (shared->readers++ == 0)
                reply->unread->total += shared_size(shared);
}

static void reply_unshare(struct reply *reply) {
        if (reply->shared && --reply->shared->readers == 0)
                reply->unread->total -= shared_size(reply->shared);

        reply->shared = shared_free(reply->shared);
}

void reply_clear(struct reply *reply) {
        list_unlink(&reply->link);
        buffer_clear(&reply->own);
        reply_count(reply);
        reply_unshare(reply);
}

bool reply_is_empty(const struct reply *reply) {
        return !reply->shared && buffer_size(&reply->own) == 0;
}

size_t reply_size(const struct reply *reply) {
        return reply->shared ? shared_size(reply->shared) - reply->sent : buffer_size(&reply->own);
}

static int reply_send_shared(struct reply *reply, int fd) {
        size_t left = reply_size(reply);
        ssize_t n;

        do
                n = send(fd, buffer_bytes(&reply->shared->bytes) + reply->sent, MIN(left, (size_t)SENT_A_TURN),
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;

        reply->sent += (size_t)n;
        return (size_t)n < left ? -EAGAIN : 0;
}

/* Where it stands among those that wait, now that so many bytes of it are left. */
static void reply_queue(struct reply *reply, size_t before, size_t left) {
        if (left == before && !list_is_empty(&reply->link))
                return;

        list_unlink(&reply->link);
        list_append(&reply->unread->waiting, &reply->link);
        reply->read_usec = clock_boottime_usec();
}

int reply_send(struct reply *reply, int fd) {
        size_t before = reply_size(reply);
        int r;

        r = reply->shared ? reply_send_shared(reply, fd) : frame_send(&reply->own, fd);
        if (r == -EAGAIN) {
                reply_count(reply);
                reply_queue(reply, before, reply_size(reply));
        } else {
                reply_clear(reply);
        }

        return r;
}
