#include "daemon/rpc/listener.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/rpc/farewell.h"
#include "daemon/rpc/listener-private.h"
#include "daemon/rpc/peer.h"
#include "proto/log.h"

/* A crowd is complained of no more often. */
#define COMPLAINT_PAUSE_USEC (60 * USEC_PER_SEC)

void listener_complain(struct listener *listener, const char *of, const char *so) {
        uint64_t now = clock_boottime_usec();

        if (listener->complained_usec && now - listener->complained_usec < COMPLAINT_PAUSE_USEC)
                return;

        listener->complained_usec = now;
        log_warning("%s, with %zu connections: %s", of, listener->n_peers, so);
}

static void listener_wake(struct listener *listener) {
        bool left = !list_is_empty(&listener->ready) || !list_is_empty(&listener->gone);
        bool awake = left && !listener->serving;
        eventfd_t count;

        if (awake == listener->awake)
                return;

        listener->awake = awake;
        if (awake)
                (void)eventfd_write(listener->wake_fd, 1);
        else
                (void)eventfd_read(listener->wake_fd, &count);
}

void listener_retire(struct listener *listener, struct peer *peer) {
        peer->broken = true;
        reply_clear(&peer->reply);
        list_unlink(&peer->ready);
        list_unlink(&peer->link);
        list_append(&listener->gone, &peer->link);
        listener_wake(listener);
}

void listener_free_gone(struct listener *listener) {
        struct list *first;

        while ((first = list_first(&listener->gone))) {
                peer_free(CONTAINER(first, struct peer, link));
                listener->n_peers--;
                if (!listener->stopped)
                        (void)listener_set_accepting(listener, true);
        }
}

void listener_bound_unread(struct listener *listener) {
        struct reply *slowest;

        while (listener->unread.total > LISTENER_UNREAD_MAX && (slowest = unread_slowest(&listener->unread))) {
                listener_complain(listener, "Too much waits to be read", "closing who reads slowest");
                listener_retire(listener, CONTAINER(slowest, struct peer, reply));
        }
}

/* It may have been broken since its last turn: by a reply that could not be written, or by being retired. */
static void listener_run(struct listener *listener, struct peer *peer) {
        list_unlink(&peer->ready);
        if (!peer->broken) {
                list_unlink(&peer->link);
                list_append(&listener->peers, &peer->link);
                peer_process(peer);
        }
        if (peer->broken)
                listener_retire(listener, peer);
}

/* Behind those who have something left to do. */
void listener_queue(struct listener *listener, struct peer *peer, uint32_t events) {
        peer->events |= events;
        if (list_is_empty(&peer->ready))
                list_append(&listener->ready, &peer->ready);
}

/* Somebody may be freed for who knocks: so that comes last. The event of wake_fd has no pointer. */
static void listener_take_events(struct listener *listener) {
        struct epoll_event events[LISTENER_PEERS_A_ROUND];
        bool knocked = false;
        int n;

        n = epoll_wait(listener->epoll_fd, events, LISTENER_PEERS_A_ROUND, 0);
        for (int i = 0; i < n; i++)
                if (events[i].data.ptr == listener)
                        knocked = true;
                else if (events[i].data.ptr)
                        listener_queue(listener, events[i].data.ptr, events[i].events);

        if (knocked)
                listener_accept(listener);
}

static void listener_send_replies(struct listener *listener) {
        struct list *first;

        while ((first = list_first(&listener->replying))) {
                struct peer *peer = CONTAINER(first, struct peer, ready);

                list_unlink(&peer->ready);
                peer_send(peer);
                if (peer->broken)
                        listener_retire(listener, peer);
        }
}

/* A few, and none twice: who has more to do queues up again. False: nobody had anything to do. */
static bool listener_serve_round(struct listener *listener) {
        struct list *first, *last;
        int n = 0;

        listener_take_events(listener);
        last = listener->ready.prev;
        while (n < LISTENER_PEERS_A_ROUND && (first = list_first(&listener->ready))) {
                n++;
                listener_run(listener, CONTAINER(first, struct peer, ready));
                if (first == last || turn_is_over(&listener->turn))
                        break;
        }

        listener_send_replies(listener);
        listener_free_gone(listener);
        return n > 0;
}

/* Who has read one reply has often sent the next call before the loop would come here again. */
static int listener_on_poll(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct listener *listener = userdata;

        turn_begin(&listener->turn);
        listener->serving = true;
        listener_wake(listener);
        while (listener_serve_round(listener) && !turn_is_over(&listener->turn))
                ;

        listener->serving = false;
        listener_wake(listener);
        return 0;
}

void listener_make_ready(struct listener *listener, struct peer *peer) {
        list_unlink(&peer->ready);
        list_append(&listener->ready, &peer->ready);
        listener_wake(listener);
}

void listener_send_soon(struct listener *listener, struct peer *peer) {
        list_append(&listener->replying, &peer->ready);
}

int listener_poll(struct listener *listener, struct peer *peer, uint32_t interest) {
        struct epoll_event event = {.events = interest, .data.ptr = peer};

        return epoll_ctl(listener->epoll_fd, EPOLL_CTL_MOD, peer->fd, &event) < 0 ? -errno : 0;
}

void listener_stop(struct listener *listener) {
        struct list all = LIST_INIT(all), *first;

        listener->stopped = true;
        (void)listener_set_accepting(listener, false);
        alarm_set(listener->pause, USEC_INFINITY);

        listener->turn.ends_usec = clock_boottime_usec() + LISTENER_END_USEC;
        list_move_all(&all, &listener->peers);
        while ((first = list_first(&all))) {
                struct peer *peer = CONTAINER(first, struct peer, link);

                peer->events |= peer->call ? 0 : EPOLLIN;
                listener_run(listener, peer);
        }
        listener_send_replies(listener);
        while ((first = list_first(&listener->ready)) && !turn_is_over(&listener->turn)) {
                listener_run(listener, CONTAINER(first, struct peer, ready));
                listener_send_replies(listener);
        }
}

size_t listener_connections(const struct listener *listener) {
        return listener->n_peers;
}

size_t listener_connections_max(const struct listener *listener) {
        return listener->max_peers;
}

static int listener_add_sources(struct listener *listener, sd_event *event) {
        int r;

        r = sd_event_add_io(event, &listener->polling, listener->epoll_fd, EPOLLIN, listener_on_poll, listener);
        if (r < 0)
                return r;

        return alarm_new(&listener->pause, event, 10 * USEC_PER_MSEC, listener_on_pause_over, listener);
}

static int listener_add_epoll(struct listener *listener) {
        struct epoll_event event = {.events = EPOLLIN};

        listener->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        if (listener->epoll_fd < 0)
                return -errno;

        listener->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (listener->wake_fd < 0)
                return -errno;

        if (epoll_ctl(listener->epoll_fd, EPOLL_CTL_ADD, listener->wake_fd, &event) < 0)
                return -errno;

        return listener_set_accepting(listener, true);
}

static size_t max_peers_of(uint64_t descriptor_limit) {
        if (descriptor_limit >= LISTENER_CONNECTIONS_MAX + LISTENER_DESCRIPTORS_KEPT)
                return LISTENER_CONNECTIONS_MAX;

        return descriptor_limit > LISTENER_DESCRIPTORS_KEPT
                       ? (size_t)descriptor_limit - LISTENER_DESCRIPTORS_KEPT
                       : 1;
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
        listener->epoll_fd = listener->wake_fd = -1;
        listener->max_peers = max_peers_of(descriptor_limit);
        list_init(&listener->peers);
        list_init(&listener->ready);
        list_init(&listener->replying);
        list_init(&listener->gone);
        unread_init(&listener->unread);

        r = listener_add_epoll(listener);
        if (!r)
                r = listener_add_sources(listener, event);
        if (r)
                return r;

        *ret = TAKE(listener);
        return 0;
}

void listener_refuse(struct listener *listener, unsigned flags, const struct fault *fault) {
        for (struct list *l = listener->peers.next; l != &listener->peers; l = l->next)
                peer_refuse(CONTAINER(l, struct peer, link), flags, fault);
}

void listener_wipe(struct listener *listener) {
        for (struct list *l = listener->peers.next; l != &listener->peers; l = l->next)
                peer_wipe(CONTAINER(l, struct peer, link));
}

struct listener *listener_free(struct listener *listener) {
        if (!listener)
                return NULL;

        listener_free_gone(listener);
        (void)listener_set_accepting(listener, false);
        if (listener->wake_fd >= 0)
                close(listener->wake_fd); /* and so it is no longer in the set */
        farewell(&listener->peers, listener->epoll_fd);

        sd_event_source_disable_unref(listener->polling);
        alarm_free(listener->pause);
        if (listener->epoll_fd >= 0)
                close(listener->epoll_fd);
        close(listener->fd);
        free(listener);
        return NULL;
}
