#pragma once

/* Listener, between its files: who is let in, and who is served. */

#include "daemon/base/turn.h"
#include "daemon/flow/alarm.h"
#include "daemon/rpc/listener.h"
#include "daemon/rpc/unread.h"
#include "proto/list.h"

struct listener {
        const struct context *context; /* borrowed */
        int fd, epoll_fd;
        int wake_fd; /* an eventfd in the epoll set: whether there is more to do */
        bool accepting; /* fd is in the epoll set */
        bool awake; /* what it says */
        bool serving; /* listener_on_poll() is on the stack, which looks itself */
        bool stopped; /* nobody else is let in */
        sd_event_source *polling;
        struct alarm *pause;
        struct list peers; /* peer.link, the one that has done nothing for the longest first */
        struct list ready; /* peer.ready: they have something left to do */
        struct list replying; /* peer.ready: their replies are sent at the end of the round */
        struct list gone; /* peer.link: to be freed when none is being served */
        struct unread unread;
        size_t n_peers, max_peers;
        uint64_t complained_usec;
        struct turn turn; /* of all peers together */
};

/* In the log, now and then. */
void listener_complain(struct listener *listener, const char *of, const char *so);

/* The peer is done with, and freed when none is being served: it may be on the stack, or among the events that
 * are being gone through. */
void listener_retire(struct listener *listener, struct peer *peer);
void listener_free_gone(struct listener *listener);

/* Its socket is ready for this. */
void listener_queue(struct listener *listener, struct peer *peer, uint32_t events);

/* Whether those who knock are let in. */
int listener_set_accepting(struct listener *listener, bool accepting);
void listener_on_pause_over(void *userdata);

/* Somebody knocks. Called while no peer is being served. */
void listener_accept(struct listener *listener);
