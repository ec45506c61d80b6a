#pragma once

/*
 * Groups reply: the answer of my_groups, read as it arrives; pure.
 *
 * Each element of the top-level array is turned into the Group of org.globus.Agent as soon as it is complete,
 * so megabytes never become one tree. Optional members may be absent; an element without id or name is an
 * error of the server's.
 */

#include "proto/buffer.h"
#include "proto/macro.h"

enum {
        GROUPS_BODY_MAX = 64 * 1024 * 1024,
        GROUPS_ELEMENT_MAX = 128 * 1024, /* a few milliseconds of parsing */
        GROUPS_TEXT_MAX = 16 * 1024 * 1024 - 4096, /* of what it becomes: fits in one reply */
};

struct groups_reply;

/* head: what stands before the array, so that megabytes need not be moved behind it. The roles of a group come
 * from those of its memberships that are active or carry no status. A NUL in a text becomes U+FFFD. */
int groups_reply_new(struct groups_reply **ret, struct bytes head);
struct groups_reply *groups_reply_free(struct groups_reply *reply);

/* -EBADMSG: not what the interface of Globus Groups promises. -EFBIG: a limit above. */
int groups_reply_feed(struct groups_reply *reply, const char *data, size_t n);

/* After the last byte: appends the head and the JSON array of Group to out. -EBADMSG: the answer was cut
 * short. */
int groups_reply_finish(struct groups_reply *reply, struct buffer *out);

DEFINE_CLEANUP(struct groups_reply, groups_reply_free);
