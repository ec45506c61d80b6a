/* The primitives against published vectors, and every damaged byte noticed. */

#include "tests/unit/unit.h"

#include <errno.h>
#include <openssl/err.h>

#include "daemon/base/crypto.h"

static struct bytes bytes_of(const char *text) {
        return (struct bytes){text, strlen(text)};
}

static struct bytes bytes_in(const struct buffer *buffer) {
        return (struct bytes){buffer_bytes(buffer), buffer_size(buffer)};
}

static struct buffer from_hex(const char *hex) {
        struct buffer buffer = {0};

        for (; *hex; hex += 2) {
                char digits[3] = {hex[0], hex[1], '\0'}, byte = (char)strtoul(digits, NULL, 16);

                assert_int_equal(buffer_append(&buffer, &byte, 1), 0);
        }

        return buffer;
}

static struct secret *secret_from_hex(const char *hex) {
        _cleanup_(buffer_deinit) struct buffer buffer = from_hex(hex);
        struct secret *secret;

        assert_int_equal(secret_new(&secret, buffer_bytes(&buffer), buffer_size(&buffer)), 0);
        return secret;
}

static void assert_hex(const void *data, size_t n, const char *hex) {
        _cleanup_(buffer_deinit) struct buffer expected = from_hex(hex);

        assert_int_equal(n, buffer_size(&expected));
        assert_memory_equal(data, buffer_bytes(&expected), n);
}

static void test_random(void **state) {
        static unsigned char a[100000], b[100000];
        _cleanup_(secret_freep) struct secret *secret = NULL;

        assert_int_equal(crypto_random(a, sizeof(a)), 0);
        assert_int_equal(crypto_random(b, sizeof(b)), 0);
        assert_memory_not_equal(a, b, sizeof(a));
        assert_memory_not_equal(a, a + sizeof(a) - 32, 32);
        assert_memory_not_equal(a + sizeof(a) - 32, (unsigned char[32]){0}, 32);

        assert_int_equal(crypto_random_secret(&secret, 32), 0);
        assert_int_equal(secret_size(secret), 32);
        assert_memory_not_equal(secret_bytes(secret), (unsigned char[32]){0}, 32);
}

/* FIPS 180-4 */
static void test_sha256(void **state) {
        unsigned char digest[32];

        assert_int_equal(crypto_sha256(digest, "abc", 3), 0);
        assert_hex(digest, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_int_equal(crypto_sha256(digest, NULL, 0), 0);
        assert_hex(digest, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* RFC 5869, appendix A.1 to A.3 */
static void test_hkdf(void **state) {
        static const struct {
                const char *key, *salt, *info, *okm;
        } vectors[] = {
                {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
                 "f0f1f2f3f4f5f6f7f8f9",
                 "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
                {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d"
                 "2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
                 "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d"
                 "8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
                 "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdd"
                 "dedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
                 "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e59"
                 "0e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
                {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
                 "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
                _cleanup_(secret_freep) struct secret *key = secret_from_hex(vectors[i].key), *okm = NULL;
                _cleanup_(buffer_deinit) struct buffer salt = from_hex(vectors[i].salt);
                _cleanup_(buffer_deinit) struct buffer info = from_hex(vectors[i].info);

                assert_int_equal(crypto_hkdf_sha256(&okm, strlen(vectors[i].okm) / 2, key, bytes_in(&salt),
                                                    bytes_in(&info)),
                                 0);
                assert_hex(secret_bytes(okm), secret_size(okm), vectors[i].okm);
        }
}

/* RFC 7914, section 12, but for the one that takes a gigabyte */
static void test_scrypt(void **state) {
        static const struct {
                const char *passphrase, *salt;
                uint64_t n;
                uint32_t r, p;
                const char *derived;
        } vectors[] = {
                {"", "", 16, 1, 1,
                 "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
                 "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"},
                {"password", "NaCl", 1024, 8, 16,
                 "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
                 "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"},
                {"pleaseletmein", "SodiumChloride", 16384, 8, 1,
                 "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
                 "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
                _cleanup_(secret_freep) struct secret *passphrase = NULL, *derived = NULL;
                struct crypto_scrypt cost = {.n = vectors[i].n,
                                             .r = vectors[i].r,
                                             .p = vectors[i].p,
                                             .salt = bytes_of(vectors[i].salt)};

                assert_int_equal(secret_new(&passphrase, vectors[i].passphrase, strlen(vectors[i].passphrase)),
                                 0);
                assert_int_equal(crypto_scrypt(&derived, 64, passphrase, &cost), 0);
                assert_hex(secret_bytes(derived), secret_size(derived), vectors[i].derived);
        }
}

static void test_scrypt_refuses(void **state) {
        static const struct crypto_scrypt costs[] = {
                {.n = 0, .r = 8, .p = 1}, {.n = 1023, .r = 8, .p = 1},  {.n = 1024, .r = 0, .p = 1},
                {.n = 1024, .r = 8},      {.n = 65536, .r = 1, .p = 1},
        };
        _cleanup_(secret_freep) struct secret *passphrase = secret_from_hex("70"), *derived = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(costs); i++) {
                assert_int_equal(crypto_scrypt(&derived, 32, passphrase, &costs[i]), -EIO);
                assert_null(derived);
                assert_int_equal(ERR_peek_error(), 0);
        }
}

static void test_hkdf_refuses(void **state) {
        _cleanup_(secret_freep) struct secret *key = secret_from_hex("0b0b"), *okm = NULL, *empty = NULL;
        struct bytes none = {0};

        assert_int_equal(secret_new_empty(&empty, 0), 0);
        assert_int_equal(crypto_hkdf_sha256(&okm, 0, key, none, none), -EINVAL);
        assert_int_equal(crypto_hkdf_sha256(&okm, 255 * 32 + 1, key, none, none), -EINVAL);
        assert_int_equal(crypto_hkdf_sha256(&okm, 32, empty, none, none), -EINVAL);
        assert_null(okm);
        assert_int_equal(ERR_peek_error(), 0);
}

static void assert_opens(const struct secret *key, struct bytes aad, struct bytes sealed,
                         struct bytes expected) {
        _cleanup_(secret_freep) struct secret *plaintext = NULL;

        assert_int_equal(crypto_open(&plaintext, key, aad, sealed), 0);
        assert_int_equal(secret_size(plaintext), expected.n);
        if (expected.n > 0)
                assert_memory_equal(secret_bytes(plaintext), expected.data, expected.n);
}

static void assert_refused(const struct secret *key, struct bytes aad, struct bytes sealed) {
        struct secret *plaintext = NULL;

        assert_int_equal(crypto_open(&plaintext, key, aad, sealed), -EBADMSG);
        assert_null(plaintext);
        assert_int_equal(ERR_peek_error(), 0);
}

/* Test case 16 of McGrew and Viega, The Galois/Counter Mode of Operation: nonce, ciphertext, tag. */
static void test_gcm_vector(void **state) {
        _cleanup_(secret_freep) struct secret *key =
                secret_from_hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
        _cleanup_(buffer_deinit) struct buffer aad = from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        _cleanup_(buffer_deinit) struct buffer sealed =
                from_hex("cafebabefacedbaddecaf888"
                         "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                         "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                         "76fc6ece0f4e1768cddf8853bb2d551b");
        _cleanup_(buffer_deinit) struct buffer plaintext =
                from_hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                         "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");

        assert_opens(key, bytes_in(&aad), bytes_in(&sealed), bytes_in(&plaintext));
}

static void test_seal_and_open(void **state) {
        static const char *const texts[] = {"", "x", "sixteen bytes ok",
                                            "and a text that takes several blocks of it"};
        _cleanup_(secret_freep) struct secret *key = NULL;

        assert_int_equal(crypto_random_secret(&key, CRYPTO_KEY_SIZE), 0);

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                _cleanup_(buffer_deinit) struct buffer a = {0}, b = {0};

                assert_int_equal(crypto_seal(&a, key, bytes_of("header"), bytes_of(texts[i])), 0);
                assert_int_equal(crypto_seal(&b, key, bytes_of(""), bytes_of(texts[i])), 0);
                assert_int_equal(buffer_size(&a), strlen(texts[i]) + CRYPTO_SEAL_OVERHEAD);
                assert_memory_not_equal(buffer_bytes(&a), buffer_bytes(&b), CRYPTO_NONCE_SIZE);

                assert_opens(key, bytes_of("header"), bytes_in(&a), bytes_of(texts[i]));
                assert_opens(key, bytes_of(""), bytes_in(&b), bytes_of(texts[i]));
        }
}

static void test_seal_appends(void **state) {
        _cleanup_(buffer_deinit) struct buffer out = {0};
        _cleanup_(secret_freep) struct secret *key = NULL;

        assert_int_equal(crypto_random_secret(&key, CRYPTO_KEY_SIZE), 0);
        assert_int_equal(buffer_append_string(&out, "before"), 0);
        assert_int_equal(crypto_seal(&out, key, bytes_of(""), bytes_of("text")), 0);
        assert_memory_equal(buffer_bytes(&out), "before", 6);
        buffer_consume(&out, 6);
        assert_opens(key, bytes_of(""), bytes_in(&out), bytes_of("text"));
}

static void test_damage_is_noticed(void **state) {
        _cleanup_(buffer_deinit) struct buffer sealed = {0};
        _cleanup_(secret_freep) struct secret *key = NULL, *other = NULL;
        struct bytes whole;

        assert_int_equal(crypto_random_secret(&key, CRYPTO_KEY_SIZE), 0);
        assert_int_equal(crypto_random_secret(&other, CRYPTO_KEY_SIZE), 0);
        assert_int_equal(crypto_seal(&sealed, key, bytes_of("header"), bytes_of("a refresh token")), 0);
        whole = bytes_in(&sealed);

        for (size_t i = 0; i < whole.n; i++) {
                buffer_bytes(&sealed)[i] ^= 1;
                assert_refused(key, bytes_of("header"), whole);
                buffer_bytes(&sealed)[i] ^= 1;
        }
        for (size_t n = 0; n < whole.n; n++)
                assert_refused(key, bytes_of("header"), (struct bytes){whole.data, n});

        assert_refused(other, bytes_of("header"), whole);
        assert_refused(key, bytes_of("Header"), whole);
        assert_refused(key, bytes_of(""), whole);
        assert_opens(key, bytes_of("header"), whole, bytes_of("a refresh token"));
}

static void test_key_size(void **state) {
        _cleanup_(secret_freep) struct secret *key = secret_from_hex("00112233445566778899aabbccddeeff"),
                                              *opened = NULL;
        _cleanup_(buffer_deinit) struct buffer out = {0};
        char sealed[64] = "";

        assert_int_equal(crypto_seal(&out, key, bytes_of(""), bytes_of("text")), -EINVAL);
        assert_int_equal(buffer_size(&out), 0);
        assert_int_equal(crypto_open(&opened, key, bytes_of(""), (struct bytes){sealed, sizeof(sealed)}),
                         -EINVAL);
}

static void assert_base64url(const void *data, size_t n, const char *text) {
        _cleanup_(freep) char *encoded = NULL;
        _cleanup_(secret_freep) struct secret *secret = NULL;
        _cleanup_(buffer_deinit) struct buffer decoded = {0};

        assert_int_equal(crypto_base64url_encode(&encoded, data, n), 0);
        assert_string_equal(encoded, text);
        assert_int_equal(crypto_base64url_encode_secret(&secret, data, n), 0);
        assert_string_equal(secret_string(secret), text);

        assert_int_equal(crypto_base64url_decode(&decoded, text, strlen(text)), 0);
        assert_int_equal(buffer_size(&decoded), n);
        if (n > 0)
                assert_memory_equal(buffer_bytes(&decoded), data, n);
}

/* RFC 4648 section 10, and RFC 7636 appendix B */
static void test_base64url(void **state) {
        static const char *const texts[] = {"", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"};
        static const unsigned char challenge[] = {19, 211, 30,  150, 26,  26,  216, 236, 47,  22,  177,
                                                  12, 76,  152, 46,  8,   118, 168, 120, 173, 109, 241,
                                                  68, 86,  110, 225, 137, 74,  203, 112, 249, 195};

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                assert_base64url("foobar", i, texts[i]);
        assert_base64url(challenge, sizeof(challenge), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert_base64url("\xfb\xff\xfe", 3, "-__-");
}

static void test_base64url_refuses(void **state) {
        static const char *const bad[] = {"Z",     "Zg==", "Zm8=", "+__-",  "-//-",      "Zm 8",
                                          "Zm8\n", "Zh",   "Zm9",  "Zm9vY", "Z\xc3\xa4g"};
        _cleanup_(buffer_deinit) struct buffer out = {0};

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_int_equal(crypto_base64url_decode(&out, bad[i], strlen(bad[i])), -EBADMSG);
        assert_int_equal(crypto_base64url_decode(&out, "Zm\0v", 4), -EBADMSG);
        assert_int_equal(buffer_size(&out), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_random),
                cmocka_unit_test(test_sha256),
                cmocka_unit_test(test_hkdf),
                cmocka_unit_test(test_hkdf_refuses),
                cmocka_unit_test(test_scrypt),
                cmocka_unit_test(test_scrypt_refuses),
                cmocka_unit_test(test_gcm_vector),
                cmocka_unit_test(test_seal_and_open),
                cmocka_unit_test(test_seal_appends),
                cmocka_unit_test(test_damage_is_noticed),
                cmocka_unit_test(test_key_size),
                cmocka_unit_test(test_base64url),
                cmocka_unit_test(test_base64url_refuses),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
