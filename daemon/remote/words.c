#include "daemon/remote/words.h"

#include "proto/utf8.h"

static const char cut[] = "...";

/* U+061C, U+200E and U+200F, U+2028 to U+202E, U+2066 to U+2069: marks of direction, and ends of lines. */
static bool directs(const unsigned char *c, size_t length) {
        if (length == 2)
                return c[0] == 0xd8 && c[1] == 0x9c;
        if (length != 3 || c[0] != 0xe2)
                return false;

        if (c[1] == 0x80)
                return c[2] == 0x8e || c[2] == 0x8f || (c[2] >= 0xa8 && c[2] <= 0xae);

        return c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9;
}

/* C0, DEL, and C1 (U+0080 to U+009F). */
static bool controls(const unsigned char *c, size_t length) {
        return length == 1 ? c[0] < 0x20 || c[0] == 0x7f : c[0] == 0xc2 && c[1] < 0xa0;
}

char *words_clean(const char *text) {
        size_t n = text ? strlen(text) : 0, written = 0, length;
        char *words;

        words = text ? malloc(WORDS_MAX + sizeof(cut)) : NULL;
        if (!words)
                return NULL;

        for (size_t i = 0; i < n; i += MAX(length, (size_t)1)) {
                const unsigned char *c = (const unsigned char *)text + i;

                length = utf8_sequence(text + i, n - i);
                if (written + MAX(length, (size_t)1) > WORDS_MAX) {
                        memcpy(words + written, cut, sizeof(cut));
                        return words;
                }

                if (length == 0) {
                        words[written++] = '?';
                } else if (controls(c, length) || directs(c, length)) {
                        words[written++] = ' ';
                } else {
                        memcpy(words + written, c, length);
                        written += length;
                }
        }

        words[written] = '\0';
        return words;
}
