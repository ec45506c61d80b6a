#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/base/base64.h"

static void assert_base64(const char *data, size_t n, const char *text) {
        _cleanup_(secret_freep) struct secret *decoded = NULL;
        _cleanup_(buffer_deinit) struct buffer encoded = {};

        assert_int_equal(buffer_append(&encoded, ">", 1), 0);
        assert_int_equal(base64_encode(&encoded, (struct bytes){data, n}), 0);
        assert_int_equal(buffer_size(&encoded), 1 + strlen(text));
        assert_memory_equal(buffer_bytes(&encoded) + 1, text, strlen(text));

        assert_int_equal(base64_decode(&decoded, text), 0);
        assert_int_equal(secret_size(decoded), n);
        assert_memory_equal(secret_bytes(decoded), data, n);
}

/* The test vectors of RFC 4648, and what the two alphabets write differently. */
static void test_both_ways(void **state) {
        static const char *const texts[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                assert_base64("foobar", i, texts[i]);
        assert_base64("\xfb\xff\xfe", 3, "+//+");
        assert_base64("\0\0", 2, "AAA=");
}

static void test_refuses(void **state) {
        static const char *const bad[] = {"Zg",       "Zg=",    "Zg===",   "Z===",      "====",
                                          "=",        "Zm9v=",  "Zm9v==",  "Zh==",      "Zm9=",
                                          "-__-",     "Zm9v\n", " Zm9v",   "Zg==Zg==",  "Zm=v",
                                          "Zm9v====", "Zg=x",   "Zm9\xc3", "Zm9vZg=\n", "+/_A"};

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                struct secret *none = NULL;

                assert_int_equal(base64_decode(&none, bad[i]), -EBADMSG);
                assert_null(none);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_both_ways),
                cmocka_unit_test(test_refuses),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
