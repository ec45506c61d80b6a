#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/rpc/listener-private.h"
#include "daemon/rpc/peer.h"
#include "proto/error.h"
#include "proto/log.h"

/* Out of descriptors: how long until accepting is tried again, if no peer leaves before. */
#define ACCEPT_PAUSE_USEC USEC_PER_SEC

/* Who has read nothing of a reply for so long is given up for somebody new. */
#define READ_PATIENCE_USEC (10 * USEC_PER_SEC)

static bool peer_is_ours(int fd) {
        struct ucred ucred;
        socklen_t n = sizeof(ucred);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &ucred, &n) < 0)
                return false;
        if (ucred.uid == geteuid())
                return true;

        log_warning("Refused a connection of uid %u: this agent serves uid %u only", (unsigned)ucred.uid,
                    (unsigned)geteuid());
        return false;
}

/* Who is being served stays. */
static struct peer *listener_find_idle(struct listener *listener) {
        struct reply *slowest = unread_slowest(&listener->unread);
        struct peer *half = NULL;

        for (struct list *l = listener->peers.next; l != &listener->peers; l = l->next) {
                struct peer *peer = CONTAINER(l, struct peer, link);
                enum peer_use use = peer_use(peer);

                if (use == PEER_IDLE)
                        return peer;
                if (use == PEER_HALF && !half)
                        half = peer;
        }

        if (half || !slowest || clock_boottime_usec() - slowest->read_usec < READ_PATIENCE_USEC)
                return half;

        return CONTAINER(slowest, struct peer, reply);
}

/* Called while no peer is being served. False: all are busy. */
static bool listener_make_room(struct listener *listener) {
        struct peer *idle = listener_find_idle(listener);

        if (!idle)
                return false;

        listener_complain(listener, "No place is free", "closing who has been idle for the longest");
        listener_retire(listener, idle);
        listener_free_gone(listener);
        return true;
}

static int listener_admit(struct listener *listener, int fd) {
        const struct peer_deps deps = {listener, &listener->unread, listener->context};
        struct epoll_event event = {.events = EPOLLIN};
        struct peer *peer;
        int r;

        if (!peer_is_ours(fd)) {
                close(fd);
                return 0;
        }

        if (listener->n_peers >= listener->max_peers && !listener_make_room(listener)) {
                listener_complain(listener, "All places are taken", "letting nobody else in");
                close(fd);
                return 0;
        }

        r = peer_new(&peer, &deps, fd);
        if (r)
                return r;

        event.data.ptr = peer;
        if (epoll_ctl(listener->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
                r = -errno;
                peer_free(peer);
                return r;
        }

        peer->interest = EPOLLIN;
        list_append(&listener->peers, &peer->link);
        listener->n_peers++;
        listener_queue(listener, peer, EPOLLIN); /* who connects has mostly sent its call by now */
        return 0;
}

int listener_set_accepting(struct listener *listener, bool accepting) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = listener};

        if (accepting == listener->accepting)
                return 0;
        if (epoll_ctl(listener->epoll_fd, accepting ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, listener->fd, &event) < 0)
                return -errno;

        listener->accepting = accepting;
        return 0;
}

static void listener_pause(struct listener *listener, int error) {
        listener_complain(listener, "Accepting nobody for a moment", error_sentence(error));
        (void)listener_set_accepting(listener, false);
        alarm_set(listener->pause, clock_boottime_usec() + ACCEPT_PAUSE_USEC);
}

/* Out of descriptors, accept4() says so even where nobody waits: only the first of a round is believed. */
void listener_accept(struct listener *listener) {
        for (int i = 0; i < LISTENER_ACCEPTS_A_ROUND; i++) {
                int fd, r;

                fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
                if (fd < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED))
                        break;

                r = fd < 0 ? -errno : listener_admit(listener, fd);
                if (!r || (i == 0 && r == -EMFILE && listener_make_room(listener)))
                        continue;
                if (i == 0)
                        listener_pause(listener, r);
                break;
        }
}

void listener_on_pause_over(void *userdata) {
        struct listener *listener = userdata;

        (void)listener_set_accepting(listener, true);
}
