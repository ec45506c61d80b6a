#include "proto/utf8.h"

/* The rows of RFC 3629, section 4, for sequences of two bytes and more. */
static const struct {
        unsigned char first_min, first_max;
        unsigned char second_min, second_max;
        size_t length;
} sequences[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

static bool is_tail(const unsigned char *bytes, size_t from, size_t length) {
        for (size_t i = from; i < length; i++)
                if ((bytes[i] & 0xc0) != 0x80)
                        return false;

        return true;
}

size_t utf8_sequence(const char *text, size_t n) {
        const unsigned char *bytes = (const unsigned char *)text;

        if (n == 0)
                return 0;
        if (bytes[0] < 0x80)
                return 1;

        for (size_t i = 0; i < ARRAY_SIZE(sequences); i++) {
                if (bytes[0] < sequences[i].first_min || bytes[0] > sequences[i].first_max)
                        continue;
                if (n < sequences[i].length || bytes[1] < sequences[i].second_min ||
                    bytes[1] > sequences[i].second_max)
                        return 0;

                return is_tail(bytes, 2, sequences[i].length) ? sequences[i].length : 0;
        }

        return 0;
}
