#pragma once

/*
 * Base64: bytes as JSON has them, with padding (RFC 4648 section 4). Nothing stays behind, so the bytes may be
 * secret.
 */

#include "proto/buffer.h"
#include "proto/secret.h"

int base64_encode(struct buffer *out, struct bytes bytes);

/* -EBADMSG: not base64, or not the one text of its bytes. */
int base64_decode(struct secret **ret, const char *text);
