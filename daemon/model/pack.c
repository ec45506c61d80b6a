#include "daemon/model/pack.h"

#include <errno.h>

int pack_integer(struct buffer *out, size_t width, uint64_t value) {
        unsigned char bytes[sizeof(value)];

        if (width < sizeof(value) && value >> (8 * width))
                return -EFBIG;

        for (size_t i = 0; i < width; i++)
                bytes[i] = (unsigned char)(value >> (8 * (width - 1 - i)));

        return buffer_append(out, bytes, width);
}

int pack_bytes(struct buffer *out, size_t width, struct bytes bytes) {
        int r;

        r = pack_integer(out, width, bytes.n);
        if (r || bytes.n == 0)
                return r;

        return buffer_append(out, bytes.data, bytes.n);
}

int pack_string(struct buffer *out, size_t width, const char *string) {
        return pack_bytes(out, width, (struct bytes){string, string ? strlen(string) : 0});
}

int unpack(struct bytes *ret, struct bytes *from, size_t n) {
        if (n > from->n)
                return -EBADMSG;

        *ret = (struct bytes){from->data, n};
        *from = (struct bytes){(const char *)from->data + n, from->n - n};
        return 0;
}

int unpack_integer(uint64_t *ret, struct bytes *from, size_t width) {
        struct bytes bytes;
        uint64_t value = 0;
        int r;

        r = unpack(&bytes, from, width);
        if (r)
                return r;

        for (size_t i = 0; i < width; i++)
                value = value << 8 | ((const unsigned char *)bytes.data)[i];

        *ret = value;
        return 0;
}

int unpack_bytes(struct bytes *ret, struct bytes *from, size_t width) {
        uint64_t n;
        int r;

        r = unpack_integer(&n, from, width);
        if (r)
                return r;

        return unpack(ret, from, n);
}

int unpack_string(char **ret, struct bytes *from, size_t width) {
        struct bytes bytes;
        char *string;
        int r;

        r = unpack_bytes(&bytes, from, width);
        if (r)
                return r;
        if (bytes.n == 0) {
                *ret = NULL;
                return 0;
        }
        if (memchr(bytes.data, 0, bytes.n))
                return -EBADMSG;

        string = strndup(bytes.data, bytes.n);
        if (!string)
                return -ENOMEM;

        *ret = string;
        return 0;
}
