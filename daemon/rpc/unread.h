#pragma once

/*
 * Unread: the replies that their peers have not read yet: how much they are in all, and who reads slowest.
 *
 * What several peers are sent of one copy counts once, and until the last of them has read it.
 */

#include <stdint.h>

#include "daemon/base/shared.h"
#include "proto/list.h"

struct unread {
        size_t total; /* bytes of memory */
        struct list waiting; /* reply.link; who has read nothing for the longest first */
};

/* The one reply of a peer that is not sent yet: bytes of its own, or shared ones. Embedded. */
struct reply {
        struct unread *unread; /* borrowed */
        struct list link; /* unread.waiting, or itself: it was not tried to be sent */
        struct buffer own;
        size_t counted; /* bytes of own, as they are in the total */
        struct shared *shared;
        size_t sent; /* bytes of shared */
        uint64_t read_usec; /* when the peer read last; while it is waiting */
};

void unread_init(struct unread *unread);

/* Who has read nothing for the longest; NULL: nobody keeps a reply waiting. */
struct reply *unread_slowest(const struct unread *unread);

void reply_init(struct reply *reply, struct unread *unread);

/* Gives up what was not sent. */
void reply_clear(struct reply *reply);

bool reply_is_empty(const struct reply *reply);
size_t reply_size(const struct reply *reply);

/* Bytes were written to reply->own. */
void reply_count(struct reply *reply);

/* In the place of bytes of its own. Holds it. */
void reply_share(struct reply *reply, struct shared *shared);

/* Sends what the socket takes, but of a long one only so much a turn. 0: all is sent; -EAGAIN: some is left;
 * else -errno. */
int reply_send(struct reply *reply, int fd);
