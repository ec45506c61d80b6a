#pragma once

/*
 * File: what the agent keeps on disk: read with distrust, written so that a crash leaves the old or the new,
 * locked against another daemon on the same home. All of it blocks: for the worker and for start-up.
 *
 * A directory is ours with mode 0700 or less, a file a regular one of ours with mode 0600 or less and one link;
 * no symbolic link is followed in the last component. What is not so is refused with -EPERM (kind, owner, mode,
 * links) or -ELOOP (symbolic link).
 */

#include "proto/buffer.h"
#include "proto/macro.h"

/* Opens a directory, made (with its parents) if missing; *ret is a descriptor to be closed. A directory of ours
 * with a wider mode is refused. */
int file_open_dir(int *ret, const char *path);

/* -ENOENT: none. -EFBIG: over max bytes. */
int file_read(struct buffer *out, int dir_fd, const char *name, size_t max);

/* Temporary file in the same directory, fsync, rename, fsync of the directory; mode 0600. */
int file_write(int dir_fd, const char *name, struct bytes contents);

/* The same, but -EEXIST when the name is taken already. */
int file_write_new(int dir_fd, const char *name, struct bytes contents);

/* Renames, in place of what has that name; unlinks. Then fsync of the directory. -ENOENT: there is none. */
int file_rename(int dir_fd, const char *from, const char *to);
int file_remove(int dir_fd, const char *name);

/* Renames name to the first free name-aside-1, name-aside-2, .. of this directory, told in *ret (file name
 * only). */
int file_move_aside(char **ret, int dir_fd, const char *name);

/* Opens a lock file of that name, made if missing. */
int file_open_lock(int *ret, int dir_fd, const char *name);

/* Locks one byte of it (OFD lock: of the descriptor and its copies, not of the process; gone when they are
 * closed). -EAGAIN: somebody else has it. */
int file_lock_byte(int fd, uint64_t offset);
int file_unlock_byte(int fd, uint64_t offset);

/* Both of it. *ret is a descriptor; closing it unlocks. -ETIMEDOUT when somebody else holds it all the time. */
int file_lock(int *ret, int dir_fd, const char *name, uint64_t offset, uint64_t timeout_usec);

/* The same for all bytes from there on, by a descriptor that has another one locked already. */
int file_lock_rest(int fd, uint64_t offset, uint64_t timeout_usec);

/* What is wrong with a file or directory in words, for an error of the functions above: "No space left on
 * device", "is a symbolic link". Static storage. */
const char *file_error(int r);
