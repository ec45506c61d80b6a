#pragma once

/*
 * Byte lock: bytes of lock files, locked against other processes and within this one, whatever their number
 * with one descriptor.
 *
 * The locks are of the open file (OFD locks of fcntl(2)), which is shared by all that are held. A file that was
 * replaced meanwhile is another one, and stays open until the last lock on it is let go. For any thread.
 */

#include <stdint.h>

#include "proto/macro.h"

struct byte_lock;

/* The file is made if missing, and checked as in file.h. -EAGAIN: somebody else has it. May block. */
int byte_lock_new(struct byte_lock **ret, int dir_fd, const char *name, uint64_t offset);

/* Lets it go. May block. */
struct byte_lock *byte_lock_free(struct byte_lock *lock);

DEFINE_CLEANUP(struct byte_lock, byte_lock_free);
