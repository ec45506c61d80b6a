#pragma once

/*
 * Filesystem: whether files lie on this machine alone.
 *
 * A home on a network has other machines, which lack the keys of this one. So local is only what is known to
 * be: a file system that may have another one below it (overlay, FUSE, ..) is not.
 */

#include <stdbool.h>
#include <stdint.h>

/* Of the directory that the descriptor is of. false also where it cannot be told. May block. */
bool filesystem_is_local(int fd);

/* The same of a type of statfs(2). */
bool filesystem_type_is_local(uint64_t type);
