#pragma once

/*
 * Crypto: the primitives that the agent needs, over OpenSSL's EVP. Keys and plaintext stay in struct secret.
 *
 * AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce a message, HKDF-SHA256 (RFC 5869), scrypt (RFC
 * 7914), SHA-2, base64url without padding (RFC 4648 section 5). Any thread may call. -EIO: OpenSSL failed;
 * -EINVAL: sizes that cannot be.
 */

#include "proto/buffer.h"
#include "proto/macro.h"
#include "proto/secret.h"

enum { CRYPTO_KEY_SIZE = 32, CRYPTO_NONCE_SIZE = 12, CRYPTO_TAG_SIZE = 16 };
enum { CRYPTO_SEAL_OVERHEAD = CRYPTO_NONCE_SIZE + CRYPTO_TAG_SIZE };

/* From the system's generator; -EIO if it has none to give. */
int crypto_random(void *ret, size_t n);
int crypto_random_secret(struct secret **ret, size_t n);

int crypto_sha256(unsigned char ret[static 32], const void *data, size_t n);

/* ret has the size asked for. */
int crypto_hkdf_sha256(struct secret **ret, size_t n, const struct secret *key, struct bytes salt,
                       struct bytes info);

/* Takes 128 * n * r bytes of memory, and time in proportion, times p. */
struct crypto_scrypt {
        uint64_t n; /* a power of two */
        uint32_t r, p;
        struct bytes salt;
};
int crypto_scrypt(struct secret **ret, size_t n, const struct secret *passphrase,
                  const struct crypto_scrypt *cost);

/* Appends nonce, ciphertext and tag. aad is authenticated with them. */
int crypto_seal(struct buffer *out, const struct secret *key, struct bytes aad, struct bytes plaintext);

/* -EBADMSG: not sealed with this key and aad, or damaged. */
int crypto_open(struct secret **ret, const struct secret *key, struct bytes aad, struct bytes sealed);

/* A new string, owned by the caller. */
int crypto_base64url_encode(char **ret, const void *data, size_t n);
int crypto_base64url_encode_secret(struct secret **ret, const void *data, size_t n);

/* -EBADMSG: not base64url without padding. */
int crypto_base64url_decode(struct buffer *out, const char *text, size_t n);
