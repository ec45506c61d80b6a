#include "daemon/base/crypto.h"

#include <errno.h>
#include <limits.h>
#include <sys/random.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

enum { SHA256_SIZE = 32, HKDF_MAX = 255 * SHA256_SIZE };

DEFINE_CLEANUP(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free);
DEFINE_CLEANUP(EVP_KDF, EVP_KDF_free);
DEFINE_CLEANUP(EVP_KDF_CTX, EVP_KDF_CTX_free);

/* The library queues what it did not like per thread; nobody else asks for it. */
static int failed(int r) {
        ERR_clear_error();
        return r;
}

int crypto_random(void *ret, size_t n) {
        unsigned char *p = ret;

        while (n > 0) {
                ssize_t got = getrandom(p, n, 0);

                if (got < 0 && errno == EINTR)
                        continue;
                if (got <= 0)
                        return -EIO;

                p += got;
                n -= (size_t)got;
        }

        return 0;
}

int crypto_random_secret(struct secret **ret, size_t n) {
        _cleanup_(secret_freep) struct secret *secret = NULL;
        int r;

        r = secret_new_empty(&secret, n);
        if (r)
                return r;

        r = crypto_random(secret_data(secret), n);
        if (r)
                return r;

        *ret = TAKE(secret);
        return 0;
}

int crypto_sha256(unsigned char ret[static 32], const void *data, size_t n) {
        return EVP_Digest(data, n, ret, NULL, EVP_sha256(), NULL) == 1 ? 0 : failed(-EIO);
}

/* OpenSSL does not write to it, and takes no NULL for nothing. */
static OSSL_PARAM octets(const char *name, const void *data, size_t n) {
        return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)(data ? data : ""), n);
}

int crypto_hkdf_sha256(struct secret **ret, size_t n, const struct secret *key, struct bytes salt,
                       struct bytes info) {
        char digest[] = "SHA256";
        OSSL_PARAM params[] = {
                OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                octets(OSSL_KDF_PARAM_KEY, secret_bytes(key), secret_size(key)),
                octets(OSSL_KDF_PARAM_SALT, salt.data, salt.n),
                octets(OSSL_KDF_PARAM_INFO, info.data, info.n),
                OSSL_PARAM_construct_end(),
        };
        _cleanup_(secret_freep) struct secret *derived = NULL;
        _cleanup_(EVP_KDF_freep) EVP_KDF *kdf = NULL;
        _cleanup_(EVP_KDF_CTX_freep) EVP_KDF_CTX *ctx = NULL;
        int r;

        if (n == 0 || n > HKDF_MAX || secret_size(key) == 0)
                return -EINVAL;

        r = secret_new_empty(&derived, n);
        if (r)
                return r;

        kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
        ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
        if (!ctx || EVP_KDF_derive(ctx, secret_data(derived), n, params) != 1)
                return failed(-EIO);

        *ret = TAKE(derived);
        return 0;
}

/* What its blocks and its mixing take, and some more. */
static uint64_t scrypt_memory(const struct crypto_scrypt *cost) {
        return 128 * (uint64_t)cost->r * (cost->n + cost->p + 32);
}

int crypto_scrypt(struct secret **ret, size_t n, const struct secret *passphrase,
                  const struct crypto_scrypt *cost) {
        _cleanup_(secret_freep) struct secret *derived = NULL;
        int r;

        r = secret_new_empty(&derived, n);
        if (r)
                return r;

        if (EVP_PBE_scrypt(secret_string(passphrase), secret_size(passphrase), cost->salt.data, cost->salt.n,
                           cost->n, cost->r, cost->p, scrypt_memory(cost), secret_data(derived), n) != 1)
                return failed(-EIO);

        *ret = TAKE(derived);
        return 0;
}

/* A context with key, nonce and aad set, for sealing or opening. */
static int gcm_begin(EVP_CIPHER_CTX **ret, const struct secret *key, const unsigned char *nonce,
                     struct bytes aad, bool seal) {
        _cleanup_(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *ctx = NULL;
        int ignored;

        if (secret_size(key) != CRYPTO_KEY_SIZE || aad.n > INT_MAX)
                return -EINVAL;

        ctx = EVP_CIPHER_CTX_new();
        if (!ctx || EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, secret_bytes(key), nonce, seal) != 1)
                return failed(-EIO);
        if (aad.n > 0 && EVP_CipherUpdate(ctx, NULL, &ignored, aad.data, (int)aad.n) != 1)
                return failed(-EIO);

        *ret = TAKE(ctx);
        return 0;
}

static int gcm_encrypt(EVP_CIPHER_CTX *ctx, unsigned char *text, unsigned char *tag, struct bytes plaintext) {
        int n = 0;

        if (plaintext.n > 0 && EVP_CipherUpdate(ctx, text, &n, plaintext.data, (int)plaintext.n) != 1)
                return failed(-EIO);
        if (EVP_CipherFinal_ex(ctx, tag, &n) != 1 || n != 0)
                return failed(-EIO);
        if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, CRYPTO_TAG_SIZE, tag) != 1)
                return failed(-EIO);

        return 0;
}

int crypto_seal(struct buffer *out, const struct secret *key, struct bytes aad, struct bytes plaintext) {
        _cleanup_(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *ctx = NULL;
        unsigned char *nonce, *text;
        char *room;
        int r;

        if (plaintext.n > INT_MAX - CRYPTO_SEAL_OVERHEAD)
                return -EFBIG;

        r = buffer_reserve(out, plaintext.n + CRYPTO_SEAL_OVERHEAD, &room);
        if (r)
                return r;

        nonce = (unsigned char *)room;
        text = nonce + CRYPTO_NONCE_SIZE;
        r = crypto_random(nonce, CRYPTO_NONCE_SIZE);
        if (r)
                return r;

        r = gcm_begin(&ctx, key, nonce, aad, true);
        if (r)
                return r;

        r = gcm_encrypt(ctx, text, text + plaintext.n, plaintext);
        if (r)
                return r;

        buffer_commit(out, plaintext.n + CRYPTO_SEAL_OVERHEAD);
        return 0;
}

int crypto_open(struct secret **ret, const struct secret *key, struct bytes aad, struct bytes sealed) {
        _cleanup_(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *ctx = NULL;
        _cleanup_(secret_freep) struct secret *plaintext = NULL;
        const unsigned char *nonce = sealed.data, *text;
        unsigned char tag[CRYPTO_TAG_SIZE];
        size_t n;
        int r, part = 0;

        if (sealed.n < CRYPTO_SEAL_OVERHEAD || sealed.n > INT_MAX)
                return -EBADMSG;

        n = sealed.n - CRYPTO_SEAL_OVERHEAD;
        text = nonce + CRYPTO_NONCE_SIZE;
        memcpy(tag, text + n, sizeof(tag));

        r = secret_new_empty(&plaintext, n);
        if (r)
                return r;

        r = gcm_begin(&ctx, key, nonce, aad, false);
        if (r)
                return r;

        if (n > 0 && EVP_CipherUpdate(ctx, secret_data(plaintext), &part, text, (int)n) != 1)
                return failed(-EIO);
        if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, CRYPTO_TAG_SIZE, tag) != 1)
                return failed(-EIO);
        if (EVP_CipherFinal_ex(ctx, tag, &part) != 1)
                return failed(-EBADMSG); /* the only thing this step can find */

        *ret = TAKE(plaintext);
        return 0;
}

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static size_t base64url_length(size_t n) {
        return n / 3 * 4 + (n % 3 ? n % 3 + 1 : 0);
}

/* Writes base64url_length(n) characters. */
static void base64url_write(char *out, const unsigned char *p, size_t n) {
        for (size_t i = 0; i < n; i += 3) {
                size_t left = n - i;
                uint32_t group = (uint32_t)p[i] << 16;

                if (left > 1)
                        group |= (uint32_t)p[i + 1] << 8;
                if (left > 2)
                        group |= p[i + 2];

                *out++ = base64url[group >> 18];
                *out++ = base64url[group >> 12 & 63];
                if (left > 1)
                        *out++ = base64url[group >> 6 & 63];
                if (left > 2)
                        *out++ = base64url[group & 63];
        }
}

int crypto_base64url_encode(char **ret, const void *data, size_t n) {
        size_t length = base64url_length(n);
        char *text;

        text = malloc(length + 1);
        if (!text)
                return -ENOMEM;

        base64url_write(text, data, n);
        text[length] = '\0';
        *ret = text;
        return 0;
}

int crypto_base64url_encode_secret(struct secret **ret, const void *data, size_t n) {
        struct secret *secret;
        int r;

        r = secret_new_empty(&secret, base64url_length(n));
        if (r)
                return r;

        base64url_write(secret_data(secret), data, n);
        *ret = secret;
        return 0;
}

static int base64url_value(char c) {
        const char *found = c ? strchr(base64url, c) : NULL;

        return found ? (int)(found - base64url) : -EBADMSG;
}

/* Writes n * 3 / 4 bytes. */
static int base64url_read(char *out, const char *text, size_t n) {
        uint32_t bits = 0;
        unsigned int n_bits = 0;

        for (size_t i = 0; i < n; i++) {
                int value = base64url_value(text[i]);

                if (value < 0)
                        return value;

                bits = bits << 6 | (uint32_t)value;
                n_bits += 6;
                if (n_bits < 8)
                        continue;

                n_bits -= 8;
                *out++ = (char)(bits >> n_bits & 0xff);
        }

        /* RFC 4648 section 3.5: bits left over are zero, so that no two texts mean the same bytes */
        return bits & ((UINT32_C(1) << n_bits) - 1) ? -EBADMSG : 0;
}

int crypto_base64url_decode(struct buffer *out, const char *text, size_t n) {
        size_t size = n / 4 * 3 + n % 4 * 3 / 4;
        char *room;
        int r;

        if (n % 4 == 1)
                return -EBADMSG;

        r = buffer_reserve(out, size, &room);
        if (r)
                return r;

        r = base64url_read(room, text, n);
        if (r) {
                explicit_bzero(room, size);
                return r;
        }

        buffer_commit(out, size);
        return 0;
}
