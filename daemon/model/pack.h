#pragma once

/* Pack: big-endian integers and bytes behind their length, written, and taken apart with distrust. */

#include "proto/buffer.h"
#include "proto/macro.h"

/* width: bytes of the integer or length, 1 … 8. -EFBIG: does not fit. */
int pack_integer(struct buffer *out, size_t width, uint64_t value);
int pack_bytes(struct buffer *out, size_t width, struct bytes bytes);

/* NULL is written as the empty string. */
int pack_string(struct buffer *out, size_t width, const char *string);

/* These take from the front of *from. -EBADMSG: it ends before. Bytes are borrowed from it. */
int unpack(struct bytes *ret, struct bytes *from, size_t n);
int unpack_integer(uint64_t *ret, struct bytes *from, size_t width);
int unpack_bytes(struct bytes *ret, struct bytes *from, size_t width);

/* Owned by the caller; NULL for the empty string. -EBADMSG also for a NUL in it. */
int unpack_string(char **ret, struct bytes *from, size_t width);
