#include "tests/fuzz/fuzz.h"

#include <stdio.h>

#include "proto/json-scan.h"
#include "proto/log.h"

enum { SEPARATOR = 0xff, DEPTH_MAX = 64 };

int LLVMFuzzerInitialize(int *argc, char ***argv);

/* What is told to nobody costs time. */
int LLVMFuzzerInitialize(int *argc, char ***argv) {
        log_set_level((enum log_level)0);
        return 0;
}

void fuzz_fail(const char *claim, const char *file, int line) {
        fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, claim);
        abort();
}

static struct bytes take(struct bytes *from, size_t n) {
        struct bytes taken = {from->data, n};

        *from = (struct bytes){(const char *)from->data + n, from->n - n};
        return taken;
}

unsigned char fuzz_byte(struct bytes *from) {
        return from->n > 0 ? *(const unsigned char *)take(from, 1).data : 0;
}

struct bytes fuzz_part(struct bytes *from) {
        const char *end = from->n > 0 ? memchr(from->data, SEPARATOR, from->n) : NULL;
        struct bytes part = take(from, end ? (size_t)(end - (const char *)from->data) : from->n);

        fuzz_byte(from);
        return part;
}

struct bytes fuzz_counted(struct bytes *from) {
        size_t n = fuzz_byte(from);

        return take(from, MIN(n, from->n));
}

char *fuzz_copy(struct bytes bytes) {
        char *copy = malloc(bytes.n + 1);

        CLAIM(copy);
        if (bytes.n > 0)
                memcpy(copy, bytes.data, bytes.n);
        copy[bytes.n] = '\0';
        return copy;
}

/* RFC 3629 by its arithmetic, not by the table of proto/utf8, which is under test. */
static bool skip_sequence(const unsigned char **text) {
        static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
        unsigned char first = *(*text)++;
        size_t tail = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
        uint32_t point = tail == 0 ? first : first & (0x3fU >> tail);

        if ((first >= 0x80 && first < 0xc0) || first >= 0xf8)
                return false;

        for (size_t i = 0; i < tail; i++, (*text)++) {
                if ((**text & 0xc0) != 0x80)
                        return false;

                point = point << 6 | (**text & 0x3f);
        }

        return point >= least[tail] && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
}

bool fuzz_is_text(const char *text) {
        const unsigned char *at = (const unsigned char *)text;

        while (at && *at)
                if (!skip_sequence(&at))
                        return false;

        return text;
}

bool fuzz_is_line(const char *text) {
        if (!fuzz_is_text(text))
                return false;

        for (const unsigned char *c = (const unsigned char *)text; *c; c++)
                if (*c < 0x20 || *c == 0x7f || (c[0] == 0xc2 && c[1] < 0xa0))
                        return false;

        return true;
}

bool fuzz_is_json(const struct buffer *buffer) {
        struct json_scan scan;

        return json_scan(&scan, buffer_bytes(buffer), buffer_size(buffer), DEPTH_MAX, false);
}

bool fuzz_equal(const struct buffer *a, const struct buffer *b) {
        size_t n = buffer_size(a);

        return n == buffer_size(b) && (n == 0 || memcmp(buffer_bytes(a), buffer_bytes(b), n) == 0);
}
