#include "daemon/base/base64.h"

#include <errno.h>

#include "daemon/base/crypto.h"

/* The two alphabets differ in two letters. */
static void translate(char *text, size_t n, const char *from, const char *to) {
        for (size_t i = 0; i < n; i++)
                if (text[i] == from[0])
                        text[i] = to[0];
                else if (text[i] == from[1])
                        text[i] = to[1];
}

int base64_encode(struct buffer *out, struct bytes bytes) {
        _cleanup_(secret_freep) struct secret *text = NULL;
        size_t n;
        int r;

        r = crypto_base64url_encode_secret(&text, bytes.data, bytes.n);
        if (r)
                return r;

        n = secret_size(text);
        translate(secret_data(text), n, "-_", "+/");
        r = buffer_append(out, secret_bytes(text), n);
        return r ? r : buffer_append(out, "==", (4 - n % 4) % 4);
}

int base64_decode(struct secret **ret, const char *text) {
        size_t n = strcspn(text, "=-_"), padding = (4 - n % 4) % 4;
        _cleanup_(buffer_deinit) struct buffer decoded = {};
        _cleanup_(secret_freep) struct secret *url = NULL;
        int r;

        if (padding == 3 || strlen(text + n) != padding || memcmp(text + n, "==", padding) != 0)
                return -EBADMSG;

        r = secret_new(&url, text, n);
        if (r)
                return r;

        translate(secret_data(url), n, "+/", "-_");
        r = crypto_base64url_decode(&decoded, secret_string(url), n);
        if (r)
                return r;

        return secret_new(ret, buffer_bytes(&decoded), buffer_size(&decoded));
}
