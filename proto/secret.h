#pragma once

/*
 * Secret: the only holder of token, code, verifier, passphrase and key bytes.
 *
 * Lives in an arena of its own: locked into memory as far as RLIMIT_MEMLOCK allows, left out of core dumps,
 * wiped in forked children, with guard pages around each part of the arena, and wiped when freed. Any thread
 * may use it.
 */

#include "proto/macro.h"

struct secret;

/* Copies n bytes. A NUL follows them that secret_size() does not count. */
int secret_new(struct secret **ret, const void *data, size_t n);

/* n zero bytes, to be filled through secret_data(). */
int secret_new_empty(struct secret **ret, size_t n);

int secret_copy(struct secret **ret, const struct secret *secret);

/* Wipes, then frees. */
struct secret *secret_free(struct secret *secret);

/* Borrowed. */
const char *secret_string(const struct secret *secret);
void *secret_data(struct secret *secret);
const void *secret_bytes(const struct secret *secret);

size_t secret_size(const struct secret *secret);

/* In constant time for equal sizes. Two NULLs are equal. */
bool secret_equal(const struct secret *a, const struct secret *b);

DEFINE_CLEANUP(struct secret, secret_free);
