#include "daemon/rpc/listener.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/flow/alarm.h"
#include "daemon/rpc/peer.h"
#include "proto/error.h"
#include "proto/log.h"

enum { EVENTS_A_WAKE_UP = 64 };

/* Out of descriptors: how long until accepting is tried again, if no peer leaves before. */
#define ACCEPT_PAUSE_USEC USEC_PER_SEC

struct listener {
        const struct context *context; /* borrowed */
        int fd, epoll_fd;
        sd_event_source *accepting, *polling, *going_on;
        struct alarm *pause;
        struct list peers; /* peer.link */
        struct list ready; /* peer.ready: they have something left to do */
        size_t n_peers, max_peers;
};

static void listener_set_accepting(struct listener *listener) {
        bool room = listener->n_peers < listener->max_peers;

        (void)sd_event_source_set_enabled(listener->accepting, room ? SD_EVENT_ON : SD_EVENT_OFF);
}

static void listener_drop(struct listener *listener, struct peer *peer) {
        peer_free(peer);
        listener->n_peers--;
        listener_set_accepting(listener);
}

/* Too much unread: those that have not read for the longest give up their replies, and go at the next turn. */
void listener_bound_unread(struct listener *listener) {
        struct peer *slowest;
        size_t unread;

        do {
                slowest = NULL;
                unread = 0;
                for (struct list *l = listener->peers.next; l != &listener->peers; l = l->next) {
                        struct peer *peer = CONTAINER(l, struct peer, link);

                        unread += buffer_size(&peer->out);
                        if (buffer_size(&peer->out) > 0 && peer->stalled_usec &&
                            (!slowest || peer->stalled_usec < slowest->stalled_usec))
                                slowest = peer;
                }

                if (unread <= LISTENER_UNREAD_MAX || !slowest)
                        return;

                log_warning("Closing a connection that does not read its reply: too much waits to be read");
                peer_give_up(slowest);
        } while (true);
}

static void listener_run(struct listener *listener, struct peer *peer, uint32_t events) {
        peer_process(peer, events);
        if (peer->broken)
                listener_drop(listener, peer);
}

/* A peer dropped on the way takes its events with it: it may be anywhere in what epoll told. */
static bool listener_has(const struct listener *listener, const struct peer *peer) {
        for (struct list *l = listener->peers.next; l != &listener->peers; l = l->next)
                if (l == &peer->link)
                        return true;

        return false;
}

static int listener_on_poll(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct listener *listener = userdata;
        struct epoll_event events[EVENTS_A_WAKE_UP];
        size_t before;
        int n;

        n = epoll_wait(listener->epoll_fd, events, EVENTS_A_WAKE_UP, 0);
        before = listener->n_peers;
        for (int i = 0; i < n; i++) {
                struct peer *peer = events[i].data.ptr;

                if (listener->n_peers == before || listener_has(listener, peer))
                        listener_run(listener, peer, events[i].events);
        }

        return 0;
}

static int listener_on_ready(sd_event_source *source, void *userdata) {
        struct listener *listener = userdata;
        struct list turn = LIST_INIT(turn), *first;

        while ((first = list_first(&listener->ready))) {
                list_unlink(first);
                list_append(&turn, first);
        }
        while ((first = list_first(&turn))) {
                list_unlink(first);
                listener_run(listener, CONTAINER(first, struct peer, ready), 0);
        }

        if (list_is_empty(&listener->ready))
                (void)sd_event_source_set_enabled(listener->going_on, SD_EVENT_OFF);
        return 0;
}

void listener_make_ready(struct listener *listener, struct peer *peer) {
        list_unlink(&peer->ready);
        list_append(&listener->ready, &peer->ready);
        (void)sd_event_source_set_enabled(listener->going_on, SD_EVENT_ON);
}

int listener_poll(struct listener *listener, struct peer *peer, uint32_t interest) {
        struct epoll_event event = {.events = interest, .data.ptr = peer};

        return epoll_ctl(listener->epoll_fd, EPOLL_CTL_MOD, peer->fd, &event) < 0 ? -errno : 0;
}

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

static int listener_admit(struct listener *listener, int fd) {
        struct epoll_event event = {.events = EPOLLIN};
        struct peer *peer;
        int r;

        if (!peer_is_ours(fd)) {
                close(fd);
                return 0;
        }

        r = peer_new(&peer, listener, listener->context, fd);
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
        return 0;
}

static void listener_pause(struct listener *listener, int error) {
        log_warning("Not accepting connections for a moment: %s", error_sentence(error));
        (void)sd_event_source_set_enabled(listener->accepting, SD_EVENT_OFF);
        alarm_set(listener->pause, clock_boottime_usec() + ACCEPT_PAUSE_USEC);
}

static int listener_on_connection(sd_event_source *source, int listening_fd, uint32_t revents, void *userdata) {
        struct listener *listener = userdata;

        for (int i = 0; i < LISTENER_ACCEPTS_A_WAKE_UP && listener->n_peers < listener->max_peers; i++) {
                int fd, r;

                fd = accept4(listening_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
                if (fd < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED))
                        break;

                r = fd < 0 ? -errno : listener_admit(listener, fd);
                if (r) {
                        listener_pause(listener, r);
                        return 0;
                }
        }

        listener_set_accepting(listener);
        return 0;
}

static void listener_on_pause_over(void *userdata) {
        listener_set_accepting(userdata);
}

size_t listener_connections(const struct listener *listener) {
        return listener->n_peers;
}

size_t listener_connections_max(const struct listener *listener) {
        return listener->max_peers;
}

static int listener_add_sources(struct listener *listener, sd_event *event) {
        int r;

        r = sd_event_add_io(event, &listener->accepting, listener->fd, EPOLLIN, listener_on_connection,
                            listener);
        if (r < 0)
                return r;

        r = sd_event_add_io(event, &listener->polling, listener->epoll_fd, EPOLLIN, listener_on_poll, listener);
        if (r < 0)
                return r;

        r = sd_event_add_defer(event, &listener->going_on, listener_on_ready, listener);
        if (r < 0)
                return r;

        return alarm_new(&listener->pause, event, 10 * USEC_PER_MSEC, listener_on_pause_over, listener);
}

int listener_new(struct listener **ret, sd_event *event, const struct context *context, int fd,
                 uint64_t descriptor_limit) {
        _cleanup_(listener_freep) struct listener *listener = NULL;
        int r;

        listener = calloc(1, sizeof(*listener));
        if (!listener) {
                close(fd);
                return -ENOMEM;
        }

        listener->context = context;
        listener->fd = fd;
        listener->max_peers = LISTENER_CONNECTIONS_MAX;
        if (descriptor_limit < LISTENER_CONNECTIONS_MAX + LISTENER_DESCRIPTORS_KEPT)
                listener->max_peers = descriptor_limit > LISTENER_DESCRIPTORS_KEPT
                                              ? (size_t)descriptor_limit - LISTENER_DESCRIPTORS_KEPT
                                              : 1;
        list_init(&listener->peers);
        list_init(&listener->ready);

        listener->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        if (listener->epoll_fd < 0)
                return -errno;

        r = listener_add_sources(listener, event);
        if (r)
                return r;

        *ret = TAKE(listener);
        return 0;
}

struct listener *listener_free(struct listener *listener) {
        struct list *first;

        if (!listener)
                return NULL;

        while ((first = list_first(&listener->peers))) {
                struct peer *peer = CONTAINER(first, struct peer, link);

                peer_stop(peer);
                peer_free(peer);
        }

        sd_event_source_disable_unref(listener->accepting);
        sd_event_source_disable_unref(listener->polling);
        sd_event_source_disable_unref(listener->going_on);
        alarm_free(listener->pause);
        if (listener->epoll_fd >= 0)
                close(listener->epoll_fd);
        close(listener->fd);
        free(listener);
        return NULL;
}
