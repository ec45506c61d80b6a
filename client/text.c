#include "client/text.h"

#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <wchar.h>

#include "proto/utf8.h"

struct range {
        uint32_t first, last;
};

/* What a terminal would obey instead of show. */
static const struct range unsafe[] = {
        {0x0000, 0x001f}, {0x007f, 0x009f}, {0x061c, 0x061c},
        {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069},
};

size_t text_next(const char *text, size_t n, uint32_t *ret) {
        size_t length = utf8_sequence(text, n);
        uint32_t c;

        if (length == 0) {
                *ret = TEXT_INVALID;
                return 1;
        }

        c = (unsigned char)text[0] & (length == 1 ? 0x7fU : 0x7fU >> length);
        for (size_t i = 1; i < length; i++)
                c = c << 6 | ((unsigned char)text[i] & 0x3fU);

        *ret = c;
        return length;
}

static bool text_is_safe(uint32_t c) {
        if (c >= ' ' && c < 0x7f)
                return true;

        for (size_t i = 0; i < ARRAY_SIZE(unsafe); i++)
                if (c >= unsafe[i].first && c <= unsafe[i].last)
                        return false;

        return c != TEXT_INVALID;
}

typedef void (*escape_fn)(char *ret, size_t size, uint32_t c, unsigned char byte);

static void escape_for_people(char *ret, size_t size, uint32_t c, unsigned char byte) {
        if (c == '\n')
                snprintf(ret, size, "\\n");
        else if (c == '\t')
                snprintf(ret, size, "\\t");
        else if (c == '\r')
                snprintf(ret, size, "\\r");
        else if (c < 0x80 || c == TEXT_INVALID)
                snprintf(ret, size, "\\x%02x", byte);
        else
                snprintf(ret, size, "\\u%04" PRIx32, c);
}

static void escape_for_json(char *ret, size_t size, uint32_t c, unsigned char byte) {
        snprintf(ret, size, "\\u%04" PRIx32, c == TEXT_INVALID ? 0xfffd : c);
}

static int text_append_escaped(struct buffer *out, const char *text, size_t n, escape_fn escape) {
        size_t done = 0;
        int r;

        for (size_t i = 0; i < n;) {
                char escaped[16];
                uint32_t c;
                size_t length = text_next(text + i, n - i, &c);

                if (!text_is_safe(c)) {
                        escape(escaped, sizeof(escaped), c, (unsigned char)text[i]);
                        r = buffer_append(out, text + done, i - done);
                        if (!r)
                                r = buffer_append_string(out, escaped);
                        if (r)
                                return r;
                        done = i + length;
                }
                i += length;
        }

        return buffer_append(out, text + done, n - done);
}

int text_append_safe(struct buffer *out, const char *text, size_t n) {
        return text_append_escaped(out, text, n, escape_for_people);
}

int text_append_json_safe(struct buffer *out, const char *json, size_t n) {
        return text_append_escaped(out, json, n, escape_for_json);
}

int text_append_csv(struct buffer *out, const char *text, size_t n) {
        int r = buffer_append(out, "\"", 1);

        while (!r && n > 0) {
                const char *quote = memchr(text, '"', n);
                size_t plain = quote ? (size_t)(quote - text) + 1 : n;

                r = buffer_append(out, text, plain);
                if (!r && quote)
                        r = buffer_append(out, "\"", 1);
                text += plain;
                n -= plain;
        }

        return r ?: buffer_append(out, "\"", 1);
}

size_t text_width(const char *text, size_t n) {
        static bool locale_set = false;
        size_t width = 0;

        /* wcwidth() knows nothing beyond ASCII before that */
        if (!locale_set)
                locale_set = setlocale(LC_CTYPE, "C.UTF-8") || setlocale(LC_CTYPE, "");

        for (size_t i = 0; i < n;) {
                uint32_t c;
                int columns;

                i += text_next(text + i, n - i, &c);
                columns = c < 0x80 ? 1 : wcwidth((wchar_t)c);
                width += columns < 0 ? 1 : (size_t)columns;
        }

        return width;
}

void text_duration(char ret[TEXT_DURATION_SIZE], int64_t seconds) {
        static const struct {
                int64_t size;
                const char *name;
        } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
        int64_t rest;
        size_t i = 0;

        seconds = MAX(seconds, 0);
        while (i < ARRAY_SIZE(units) - 1 && seconds < units[i].size)
                i++;

        rest = i + 1 < ARRAY_SIZE(units) ? seconds % units[i].size / units[i + 1].size : 0;
        if (rest > 0)
                snprintf(ret, TEXT_DURATION_SIZE, "%" PRIi64 " %s %" PRIi64 " %s", seconds / units[i].size,
                         units[i].name, rest, units[i + 1].name);
        else
                snprintf(ret, TEXT_DURATION_SIZE, "%" PRIi64 " %s", seconds / units[i].size, units[i].name);
}
