#pragma once

/*
 * Listener: lets peers of our own uid in, and polls them all.
 *
 * Their sockets and the one they knock at are one epoll set, which is one source of the event loop: sd-event
 * dispatches one source a wait, and would let a crowd of peers queue behind each other. It is gone through in
 * rounds: a few are accepted, each peer that has sent something has one call handled, and then the replies are
 * sent, all at once: whoever waits for them all, or has to share a CPU with us, is woken once a round instead
 * of once a reply (measured with 64 clients: a third more calls). A turn of the loop has no more rounds than
 * fit its time, so that a flood keeps nobody waiting. When all places are taken, whoever has been idle for the
 * longest makes room for who comes.
 */

#include <systemd/sd-event.h>

#include "proto/fault.h"
#include "proto/macro.h"

struct context;
struct listener;
struct peer;

enum {
        LISTENER_CONNECTIONS_MAX = 1024,
        LISTENER_ACCEPTS_A_ROUND = 16,
        LISTENER_PEERS_A_ROUND = 64,
        LISTENER_DESCRIPTORS_KEPT = 64, /* for curl, files and the loop */
};

/* At the end, for all peers: so much is spent on what they sent before. */
#define LISTENER_END_USEC (500 * USEC_PER_MSEC)

#define LISTENER_UNREAD_MAX ((size_t)64 * 1024 * 1024)

/* Takes over fd, a listening socket, also on failure. descriptor_limit: of the process; fewer connections, if
 * it is low. */
int listener_new(struct listener **ret, sd_event *event, const struct context *context, int fd,
                 uint64_t descriptor_limit);

/* At the end, while the methods still work: lets nobody else in, reads each peer once, and has answered what
 * can be answered now. Who has not been let in by now waits for the next daemon, if there is one to inherit the
 * socket. */
void listener_stop(struct listener *listener);

/* Answers what is pending with Stopping, see farewell(). */
struct listener *listener_free(struct listener *listener);

size_t listener_connections(const struct listener *listener);
size_t listener_connections_max(const struct listener *listener);

/* Tells those that wait for the answer to a method with one of these flags. */
void listener_refuse(struct listener *listener, unsigned flags, const struct fault *fault);

/* Wipes what has not been read yet of replies with secrets: those peers are let go. */
void listener_wipe(struct listener *listener);

/* For peers: what the socket is polled for; that it has something left to do; that it has a reply, which is
 * sent at the end of the round. */
int listener_poll(struct listener *listener, struct peer *peer, uint32_t interest);
void listener_make_ready(struct listener *listener, struct peer *peer);
void listener_send_soon(struct listener *listener, struct peer *peer);

/* For a peer whose reply waits to be read: makes room if too much does. */
void listener_bound_unread(struct listener *listener);

DEFINE_CLEANUP(struct listener, listener_free);
