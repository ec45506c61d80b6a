#pragma once

/*
 * Store: the contents of the store file, encoded and decoded; pure, for any thread.
 *
 * magic "GLOBUSAG" · u16 format · store id [16] · u8+protector name · u16+protector parameters · u16+wrapped
 * data key · sealed body
 *
 * Integers are big endian. The body is sealed (AES-256-GCM, fresh nonce a write) under a random data key, with
 * the whole header as associated data; the protector wraps the data key, with what precedes it as associated
 * data. A store that cannot be read is never written over. Its nonce tells one version of the file from
 * another.
 */

#include "daemon/base/crypto.h"
#include "proto/buffer.h"
#include "proto/fault.h"
#include "proto/list.h"
#include "proto/macro.h"
#include "proto/secret.h"

enum { STORE_FORMAT = 1, STORE_ID_SIZE = 16, STORE_FILE_MAX = 64 * 1024 * 1024 };

/* Which version of the file: the nonce of its body, new with each write. All zero: none. */
struct store_version {
        unsigned char bytes[CRYPTO_NONCE_SIZE];
};

static inline bool store_version_equal(const struct store_version *a, const struct store_version *b) {
        return memcmp(a->bytes, b->bytes, CRYPTO_NONCE_SIZE) == 0;
}

static inline bool store_version_is_none(const struct store_version *version) {
        return store_version_equal(version, &(struct store_version){});
}

/* What the header says of the data key: see protector.h. */
struct protection {
        char *name; /* of the protector */
        struct buffer parameters; /* the protector's */
        struct buffer wrapped_key;
};

void protection_deinit(struct protection *protection);
void protection_swap(struct protection *a, struct protection *b);
int protection_copy(struct protection *ret, const struct protection *protection);

/* What opens the body of one store, and what its header says of that. */
struct store_key {
        unsigned char id[STORE_ID_SIZE]; /* of the store */
        struct protection protection;
        struct secret *data_key; /* NULL: none is known */
};

int store_key_copy(struct store_key *ret, const struct store_key *key);
void store_key_deinit(struct store_key *key);

struct store {
        unsigned char id[STORE_ID_SIZE];
        struct store_version version; /* as last decoded or encoded */
        size_t header_size; /* as decoded */
        struct protection protection;
        struct secret *data_key; /* NULL until unwrapped */
        struct list records; /* record.link */
};

/* A random id and data key; no protector yet. */
int store_new(struct store **ret);

/* Opens with the same key as the one that this is the key of. */
int store_new_with_key(struct store **ret, const struct store_key *key);
struct store *store_free(struct store *store);

/* The header only. AGENT_ERROR_STORAGE_FAILED with what is wrong in words: foreign file, newer format,
 * truncated. */
int store_decode_header(struct store **ret, struct bytes file, struct fault *fault);

/* What the protector authenticates when it wraps the data key: the header up to that. */
int store_key_context(struct buffer *out, const struct store *store);

/* The records, once data_key is set. AGENT_ERROR_STORAGE_FAILED: damaged, or of another key. */
int store_decode_body(struct store *store, struct bytes file, struct fault *fault);

/* Gives it a new version. */
int store_encode(struct buffer *out, struct store *store);

/* Applies changes as record.h says. They stay the caller's. *ret_changed: whether there is anything to write.
 * Grants go with their account: with one removed, or replaced by another identity's; and none is left
 * without. */
int store_apply(struct store *store, struct list *changes, bool *ret_changed);

DEFINE_CLEANUP(struct store, store_free);
