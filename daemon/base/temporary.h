#pragma once

/*
 * Temporary: the new contents of a file, beside it under a name of their own until they are whole.
 *
 * A crash may leave one behind: ".NAME." and six characters. The next writer of NAME removes it.
 */

#include <limits.h>
#include <sys/types.h>

#include "proto/buffer.h"
#include "proto/macro.h"

struct temporary {
        int dir_fd; /* borrowed */
        int fd;
        char name[NAME_MAX + 1]; /* "": none, or not ours to remove any more */
};

#define TEMPORARY_INIT(dir) ((struct temporary){.dir_fd = (dir), .fd = -1})

/* Removes the file, unless its name was cleared. */
void temporary_deinit(struct temporary *temporary);

/* For the file called name; mode 0600, empty. */
int temporary_open(struct temporary *temporary, const char *name);

/* Writes the contents, brings them to the disk, and closes. */
int temporary_fill(struct temporary *temporary, struct bytes contents);

/* Removes temporaries of name that are older than an hour, and those that are other names of the inode twin (0:
 * none): where a file gets its name by link(2), a crash before the unlink(2) leaves it with two. */
void temporary_drop(int dir_fd, const char *name, ino_t twin);
