#pragma once

/*
 * What every fuzzer includes first: its entry, what it claims of its subject, and its input taken apart.
 *
 * A fuzzer is a function of its input: no clock, no network, nothing kept from one call to the next.
 */

#include <stddef.h>
#include <stdint.h>

#include "proto/buffer.h"
#include "proto/macro.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What has to hold whatever the input: a finding where it does not. */
#define CLAIM(condition) ((condition) ? (void)0 : fuzz_fail(#condition, __FILE__, __LINE__))

__attribute__((noreturn)) void fuzz_fail(const char *claim, const char *file, int line);

/* From the front; 0 where nothing is left. */
unsigned char fuzz_byte(struct bytes *from);

/* Up to a byte 0xff, which no text has and which is dropped, or all that is left. */
struct bytes fuzz_part(struct bytes *from);

/* The length of it in the first byte, as far as there is so much. */
struct bytes fuzz_counted(struct bytes *from);

/* A copy that ends where the bytes do, with a NUL behind, so that a step too far is seen. */
char *fuzz_copy(struct bytes bytes);

/* UTF-8; NULL is none. */
bool fuzz_is_text(const char *text);

/* The same, fit for a terminal: without control characters. */
bool fuzz_is_line(const char *text);

/* One JSON text (RFC 8259), the whole buffer. */
bool fuzz_is_json(const struct buffer *buffer);

bool fuzz_equal(const struct buffer *a, const struct buffer *b);
