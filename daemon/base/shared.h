#pragma once

/*
 * Shared: bytes that are written once and then held by many; the last one to let go frees them.
 *
 * So that what a crowd asks for at once is in memory once.
 */

#include "proto/buffer.h"
#include "proto/macro.h"

struct shared {
        struct buffer bytes; /* not to be changed any more */
        size_t holders;
        size_t readers; /* those of the holders that are sending it */
};

/* Takes the bytes out of the buffer. The caller holds it. */
int shared_new(struct shared **ret, struct buffer *bytes);

struct shared *shared_hold(struct shared *shared);

/* Lets go. */
struct shared *shared_free(struct shared *shared);

/* 0 for NULL. */
size_t shared_size(const struct shared *shared);

DEFINE_CLEANUP(struct shared, shared_free);
