#include "proto/json-text.h"

#include <errno.h>

#include "proto/json-scan.h"
#include "proto/json.h"

static const char *begin_of(struct bytes text) {
        return text.data;
}

static const char *end_of(struct bytes text) {
        return begin_of(text) + text.n;
}

static bool is_space(char c) {
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *skip_space(const char *at, const char *end) {
        while (at < end && is_space(*at))
                at++;

        return at;
}

/* From the opening quote to behind the closing one. */
static const char *skip_string(const char *at) {
        for (at++; *at != '"'; at++)
                if (*at == '\\')
                        at++;

        return at + 1;
}

static const char *skip_nest(const char *at) {
        size_t depth = 0;

        do {
                if (*at == '"') {
                        at = skip_string(at);
                        continue;
                }
                if (*at == '{' || *at == '[')
                        depth++;
                if (*at == '}' || *at == ']')
                        depth--;
                at++;
        } while (depth > 0);

        return at;
}

static const char *skip_value(const char *at, const char *end) {
        if (*at == '"')
                return skip_string(at);
        if (*at == '{' || *at == '[')
                return skip_nest(at);

        while (at < end && *at != ',' && *at != '}' && *at != ']' && !is_space(*at))
                at++;

        return at;
}

enum json_text_kind json_text_kind(struct bytes value) {
        switch (*begin_of(value)) {
        case 'n':
                return JSON_TEXT_NULL;
        case 't':
        case 'f':
                return JSON_TEXT_BOOL;
        case '"':
                return JSON_TEXT_STRING;
        case '[':
                return JSON_TEXT_ARRAY;
        case '{':
                return JSON_TEXT_OBJECT;
        default:
                return JSON_TEXT_NUMBER;
        }
}

bool json_text_next(struct bytes *text, struct bytes *ret_name, struct bytes *ret_value) {
        const char *end, *at, *value;

        if (text->n == 0)
                return false;

        end = end_of(*text);
        at = skip_space(begin_of(*text), end);

        /* it begins with a bracket, or what is left of it with a comma */
        if (at < end && (*at == '{' || *at == '[' || *at == ','))
                at = skip_space(at + 1, end);
        if (at == end || *at == '}' || *at == ']')
                return false;

        value = at;
        if (ret_name) {
                value = skip_string(at);
                *ret_name = (struct bytes){at, (size_t)(value - at)};
                value = skip_space(skip_space(value, end) + 1, end); /* the colon */
        }

        at = skip_value(value, end);
        *ret_value = (struct bytes){value, (size_t)(at - value)};
        *text = (struct bytes){at, (size_t)(end - at)};
        return true;
}

/* What a string says, byte by byte. */
struct decoder {
        const char *at, *end;
        unsigned char bytes[4]; /* of the character that is being told */
        size_t n, told;
};

static struct decoder decode(struct bytes string) {
        return (struct decoder){.at = begin_of(string) + 1, .end = end_of(string) - 1};
}

static unsigned int decode_unit(struct decoder *decoder) {
        char digits[sizeof("ffff")] = "";

        memcpy(digits, decoder->at, 4);
        decoder->at += 4;
        return (unsigned int)strtoul(digits, NULL, 16);
}

/* Behind \u. The scan lets only whole pairs pass. */
static unsigned int decode_escaped(struct decoder *decoder) {
        unsigned int unit = decode_unit(decoder);

        if (unit < 0xd800 || unit > 0xdfff)
                return unit;

        decoder->at += 2;
        return 0x10000 + ((unit - 0xd800) << 10) + (decode_unit(decoder) - 0xdc00);
}

static unsigned char tail(unsigned int character, unsigned int shift) {
        return (unsigned char)(0x80 | (character >> shift & 0x3f));
}

/* RFC 3629, section 3. */
static void encode(struct decoder *decoder, unsigned int character) {
        size_t n = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
        static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};

        decoder->bytes[0] = (unsigned char)(first[n] | character >> 6 * (n - 1));
        for (size_t i = 1; i < n; i++)
                decoder->bytes[i] = tail(character, (unsigned int)(6 * (n - 1 - i)));
        decoder->n = n;
}

static unsigned int unescape(char c) {
        switch (c) {
        case 'b':
                return '\b';
        case 'f':
                return '\f';
        case 'n':
                return '\n';
        case 'r':
                return '\r';
        case 't':
                return '\t';
        default:
                return (unsigned char)c;
        }
}

/* -1 behind the last. */
static int decoder_next(struct decoder *decoder) {
        char c;

        if (decoder->told < decoder->n)
                return decoder->bytes[decoder->told++];
        if (decoder->at == decoder->end)
                return -1;

        c = *decoder->at++;
        if (c != '\\')
                return (unsigned char)c;

        c = *decoder->at++;
        encode(decoder, c == 'u' ? decode_escaped(decoder) : unescape(c));
        decoder->told = 1;
        return decoder->bytes[0];
}

static bool is_plain(struct bytes string) {
        return !memchr(string.data, '\\', string.n);
}

int json_text_string(char **ret, size_t *ret_n, struct bytes string) {
        struct decoder decoder = decode(string);
        size_t n = 0;
        char *text;
        int c;

        /* no character is shorter as it is written */
        text = malloc(string.n - 1);
        if (!text)
                return -ENOMEM;

        if (is_plain(string)) {
                n = string.n - 2;
                memcpy(text, decoder.at, n);
        } else {
                while ((c = decoder_next(&decoder)) >= 0)
                        text[n++] = (char)c;
        }

        text[n] = '\0';
        *ret = text;
        *ret_n = n;
        return 0;
}

bool json_text_equals(struct bytes string, const char *other) {
        struct decoder decoder = decode(string);
        size_t n = strlen(other);

        if (string.n < n + 2)
                return false;
        if (is_plain(string))
                return string.n == n + 2 && memcmp(decoder.at, other, n) == 0;

        for (size_t i = 0; i < n; i++)
                if (decoder_next(&decoder) != (unsigned char)other[i])
                        return false;

        return decoder_next(&decoder) < 0;
}

enum { FEW = 16 };

/* Of which object it is a member. */
struct name {
        size_t object;
        struct bytes string;
};

static int compare_names(const void *a, const void *b) {
        const struct name *x = a, *y = b;
        struct decoder of_x = decode(x->string), of_y = decode(y->string);
        int c, d;

        if (x->object != y->object)
                return x->object < y->object ? -1 : 1;

        do {
                c = decoder_next(&of_x);
                d = decoder_next(&of_y);
        } while (c == d && c >= 0);

        return c - d;
}

/* Objects are told apart by the number of the bracket that opens them. */
static void gather_names(struct name *names, struct bytes text) {
        size_t open[JSON_DEPTH_MAX + 1] = {}, depth = 0, brackets = 0;
        const char *end = end_of(text), *behind, *next;

        for (const char *at = begin_of(text); at < end; at++) {
                if (*at == '{' || *at == '[')
                        open[++depth] = ++brackets;
                if (*at == '}' || *at == ']')
                        depth--;
                if (*at != '"')
                        continue;

                behind = skip_string(at);
                next = skip_space(behind, end);
                if (next < end && *next == ':')
                        *names++ = (struct name){open[depth], {at, (size_t)(behind - at)}};
                at = behind - 1;
        }
}

/* -EBADMSG: an object has a member twice. */
static int check_names(struct bytes text, size_t n_members) {
        _cleanup_(freep) struct name *many = NULL;
        struct name few[FEW], *names = few;

        if (n_members > FEW) {
                names = many = reallocarray(NULL, n_members, sizeof(*names));
                if (!names)
                        return -ENOMEM;
        }

        gather_names(names, text);
        qsort(names, n_members, sizeof(*names), compare_names);
        for (size_t i = 1; i < n_members; i++)
                if (compare_names(names + i - 1, names + i) == 0)
                        return -EBADMSG;

        return 0;
}

int json_text_parse(struct bytes *ret, const char *text, size_t n) {
        const char *begin = skip_space(text, text + n), *end = text + n;
        struct json_scan found;

        if (!json_scan(&found, text, n, JSON_DEPTH_MAX, false) || !json_is_bounded(&found))
                return -EBADMSG;

        while (is_space(end[-1]))
                end--;

        *ret = (struct bytes){begin, (size_t)(end - begin)};
        return check_names(*ret, found.members);
}
