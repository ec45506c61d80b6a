#pragma once

/*
 * Sealed: a memory file that is written once. Whoever has it can read it, and empty it for all who have it, but
 * not change it (memfd_create(2), "File sealing" in fcntl(2)).
 */

#include "proto/buffer.h"
#include "proto/macro.h"

/* name: for /proc. */
int sealed_new(int *ret, const char *name, struct bytes data);

/* Whether it is such a file, of ours; it may be empty by now. */
bool sealed_check(int fd, size_t *ret_size);

/* n: its size. -EIO: it was emptied. */
int sealed_read(int fd, void *to, size_t n);

int sealed_empty(int fd);
