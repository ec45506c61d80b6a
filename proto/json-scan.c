#include "proto/json-scan.h"

#include <endian.h>

#include "proto/utf8.h"

/* One that is, in each byte. */
#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* What comes next, white space aside. */
enum expect {
        EXPECT_VALUE,
        EXPECT_VALUE_OR_END, /* after [ */
        EXPECT_NAME,
        EXPECT_NAME_OR_END, /* after { */
        EXPECT_COMMA_OR_END, /* after a value */
};

struct scanner {
        const char *at, *end;
        uint64_t objects; /* bit per open level, the innermost lowest: is it an object? */
        unsigned int depth, depth_max;
        bool lenient;
        enum expect expect;
        struct json_scan found;
};

/* The byte at the front, or NUL, which no JSON text contains, at the end. */
static char peek(const struct scanner *s) {
        return s->at < s->end ? *s->at : '\0';
}

static bool skip(struct scanner *s, char c) {
        if (s->at == s->end || *s->at != c)
                return false;

        s->at++;
        return true;
}

static void skip_space(struct scanner *s) {
        while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
                s->at++;
}

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static bool scan_digits(struct scanner *s) {
        const char *begin = s->at;

        while (is_digit(peek(s)))
                s->at++;

        return s->at > begin;
}

static bool scan_number(struct scanner *s) {
        const char *begin = s->at;

        skip(s, '-');
        if (!skip(s, '0') && !scan_digits(s))
                return false;
        if (skip(s, '.') && !scan_digits(s))
                return false;
        if (skip(s, 'e') || skip(s, 'E')) {
                if (!skip(s, '+'))
                        skip(s, '-');
                if (!scan_digits(s))
                        return false;
        }

        s->found.longest = MAX(s->found.longest, (size_t)(s->at - begin));
        return true;
}

static bool scan_literal(struct scanner *s, const char *literal) {
        size_t n = strlen(literal);

        if ((size_t)(s->end - s->at) < n || memcmp(s->at, literal, n) != 0)
                return false;

        s->at += n;
        return true;
}

static int hex_digit(char c) {
        if (is_digit(c))
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;

        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The four digits after \u; -1 if there are not four. */
static int scan_unicode(struct scanner *s) {
        int unit = 0, digit;

        if (s->end - s->at < 4)
                return -1;

        for (int i = 0; i < 4; i++) {
                digit = hex_digit(*s->at++);
                if (digit < 0)
                        return -1;

                unit = unit << 4 | digit;
        }

        return unit;
}

static bool is_high_surrogate(int unit) {
        return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low_surrogate(int unit) {
        return unit >= 0xdc00 && unit <= 0xdfff;
}

/* Behind a high surrogate. What does not complete the pair is left to be scanned by itself. */
static bool scan_pair(struct scanner *s, bool lenient) {
        const char *begin = s->at;

        if (skip(s, '\\') && skip(s, 'u') && is_low_surrogate(scan_unicode(s)))
                return true;

        s->at = begin;
        return lenient;
}

static bool scan_escape(struct scanner *s, bool lenient) {
        char c = peek(s);
        int unit;

        s->at++;
        if (c != 'u')
                return c != '\0' && strchr("\"\\/bfnrt", c);

        unit = scan_unicode(s);
        if (unit < 0)
                return false;
        if (is_high_surrogate(unit))
                return scan_pair(s, lenient);

        return lenient || (unit != 0 && !is_low_surrogate(unit));
}

/* How many of eight bytes, the first one lowest, come before any that is beyond ASCII, a control character, a
 * quote or a backslash. What is below n shows its highest bit once n is subtracted, and borrows from later ones
 * only; a byte is c where, combined with c, it is below 1. */
static size_t plain_in_word(uint64_t word) {
        uint64_t quote = word ^ EACH('"'), backslash = word ^ EACH('\\');
        uint64_t marks = (word | (word - EACH(0x20)) | (quote - EACH(1)) | (backslash - EACH(1))) & EACH(0x80);

        return marks ? (size_t)__builtin_ctzll(marks) / 8 : sizeof(word);
}

static bool is_plain(unsigned char c) {
        return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* ASCII alone. */
static size_t plain_ascii(const char *text, size_t n) {
        uint64_t word;
        size_t i = 0;

        for (; n - i >= sizeof(word); i += sizeof(word)) {
                memcpy(&word, text + i, sizeof(word));
                if (plain_in_word(le64toh(word)) < sizeof(word))
                        return i + plain_in_word(le64toh(word));
        }

        while (i < n && is_plain((unsigned char)text[i]))
                i++;

        return i;
}

size_t json_scan_plain(const char *text, size_t n) {
        size_t i = 0, length;

        do {
                i += plain_ascii(text + i, n - i);
                length = i < n && (unsigned char)text[i] >= 0x80 ? utf8_sequence(text + i, n - i) : 0;
                i += length;
        } while (length > 0);

        return i;
}

/* From the opening quote to behind the closing one. */
static bool scan_string(struct scanner *s, bool lenient) {
        const char *begin = s->at;

        if (!skip(s, '"'))
                return false;

        for (;;) {
                s->at += json_scan_plain(s->at, (size_t)(s->end - s->at));
                if (!skip(s, '\\'))
                        break;
                if (s->at == s->end || !scan_escape(s, lenient))
                        return false;
        }

        s->found.longest = MAX(s->found.longest, (size_t)(s->at - begin));
        return skip(s, '"');
}

static bool scan_open(struct scanner *s, bool object) {
        if (s->depth == s->depth_max)
                return false;

        s->at++;
        s->depth++;
        s->found.containers++;
        s->objects = s->objects << 1 | object;
        s->expect = object ? EXPECT_NAME_OR_END : EXPECT_VALUE_OR_END;
        return true;
}

static bool scan_close(struct scanner *s) {
        if (s->depth == 0 || !skip(s, s->objects & 1 ? '}' : ']'))
                return false;

        s->depth--;
        s->objects >>= 1;
        s->expect = EXPECT_COMMA_OR_END;
        return true;
}

static bool scan_value(struct scanner *s) {
        s->expect = EXPECT_COMMA_OR_END;
        s->found.values++;

        switch (peek(s)) {
        case '{':
                return scan_open(s, true);
        case '[':
                return scan_open(s, false);
        case '"':
                return scan_string(s, s->lenient);
        case 't':
                return scan_literal(s, "true");
        case 'f':
                return scan_literal(s, "false");
        case 'n':
                return scan_literal(s, "null");
        default:
                return scan_number(s);
        }
}

static bool scan_name(struct scanner *s) {
        if (!scan_string(s, false))
                return false;

        skip_space(s);
        s->found.members++;
        s->expect = EXPECT_VALUE;
        return skip(s, ':');
}

static bool scan_comma(struct scanner *s) {
        s->expect = s->objects & 1 ? EXPECT_NAME : EXPECT_VALUE;
        return skip(s, ',');
}

static bool scan_step(struct scanner *s) {
        switch (s->expect) {
        case EXPECT_VALUE:
                return scan_value(s);
        case EXPECT_VALUE_OR_END:
                return scan_close(s) || scan_value(s);
        case EXPECT_NAME:
                return scan_name(s);
        case EXPECT_NAME_OR_END:
                return scan_close(s) || scan_name(s);
        case EXPECT_COMMA_OR_END:
                return scan_close(s) || scan_comma(s);
        }

        return false;
}

bool json_scan(struct json_scan *ret, const char *text, size_t n, unsigned int depth_max, bool lenient) {
        struct scanner s = {
                .at = text,
                .end = text + n,
                .depth_max = depth_max,
                .lenient = lenient,
                .expect = EXPECT_VALUE,
        };

        do {
                skip_space(&s);
                if (!scan_step(&s))
                        return false;
        } while (s.depth > 0 || s.expect != EXPECT_COMMA_OR_END);

        skip_space(&s);
        if (s.at != s.end)
                return false;

        *ret = s.found;
        return true;
}
