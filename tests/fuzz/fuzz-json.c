/* Json: what passes is one JSON text by another count than the scanner's, and the tree says what it says, as
 * does the text read in place. */

#include "tests/fuzz/fuzz.h"

#include <errno.h>

#include "proto/json-text.h"
#include "proto/json.h"

struct count {
        size_t members, depth;
};

/* Of a text that passed, without a look at its grammar. */
static struct count count_text(const char *text) {
        struct count count = {};
        bool in_string = false;
        size_t depth = 0;

        for (; *text; text++) {
                if (*text == '"')
                        in_string = !in_string;
                else if (in_string)
                        text += *text == '\\';
                else if (*text == ':')
                        count.members++;
                else if (*text == '{' || *text == '[')
                        depth++;
                else if (*text == '}' || *text == ']')
                        depth--;

                count.depth = MAX(count.depth, depth);
        }

        CLAIM(!in_string && depth == 0);
        return count;
}

static void check_string(struct json_object *value, bool lenient) {
        size_t n = (size_t)json_object_get_string_len(value);
        const char *string = json_object_get_string(value);

        CLAIM(string[n] == '\0' && (lenient || strlen(string) == n));
        for (size_t i = 0; i <= n; i += strlen(string + i) + 1)
                CLAIM(fuzz_is_text(string + i));
}

static void count_tree(struct json_object *value, size_t depth, bool lenient, struct count *count) {
        if (json_object_is_type(value, json_type_string))
                check_string(value, lenient);
        if (!json_object_is_type(value, json_type_array) && !json_object_is_type(value, json_type_object))
                return;

        count->depth = MAX(count->depth, depth);
        if (json_object_is_type(value, json_type_array)) {
                for (size_t i = 0; i < json_object_array_length(value); i++)
                        count_tree(json_object_array_get_idx(value, i), depth + 1, lenient, count);
                return;
        }

        json_object_object_foreach(value, name, member) {
                CLAIM(fuzz_is_text(name));
                count->members++;
                count_tree(member, depth + 1, lenient, count);
        }
}

/* Written by json-c and read again it is the same. */
static void check_written(struct json_object *value, enum json_flags flags) {
        _cleanup_(json_freep) struct json_object *again = NULL;
        const char *text = json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN);

        CLAIM(text && json_parse(&again, text, strlen(text), flags) == 0);
        CLAIM(json_object_equal(again, value));
}

static void check_strict(struct bytes text, enum json_flags flags) {
        _cleanup_(json_wipep) struct json_object *value = NULL;
        _cleanup_(freep) char *copy = fuzz_copy(text);
        struct count counted, built = {};
        int r;

        r = json_parse(&value, text.data, text.n, flags);
        CLAIM(r == 0 || (r == -EBADMSG && !value));
        if (r)
                return;

        CLAIM(strlen(copy) == text.n && fuzz_is_text(copy));
        counted = count_text(copy);
        count_tree(value, 1, flags & JSON_LENIENT_STRINGS, &built);
        CLAIM(counted.members == built.members && counted.depth == built.depth);
        CLAIM(counted.depth <= JSON_DEPTH_MAX);
        check_written(value, flags);
}

static void compare(struct json_object *value, struct bytes text);

static void compare_string(struct json_object *value, struct bytes text) {
        _cleanup_(freep) char *string = NULL;
        size_t n;

        CLAIM(json_text_kind(text) == JSON_TEXT_STRING);
        CLAIM(json_text_string(&string, &n, text) == 0);
        CLAIM(n == (size_t)json_object_get_string_len(value) && strlen(string) == n);
        CLAIM(streq(string, json_object_get_string(value)));
        CLAIM(json_text_equals(text, string));
}

static void compare_array(struct json_object *value, struct bytes text) {
        size_t n = json_object_array_length(value);
        struct bytes element;

        CLAIM(json_text_kind(text) == JSON_TEXT_ARRAY);
        for (size_t i = 0; i < n; i++) {
                CLAIM(json_text_next(&text, NULL, &element));
                compare(json_object_array_get_idx(value, i), element);
        }
        CLAIM(!json_text_next(&text, NULL, &element));
}

static void compare_object(struct json_object *value, struct bytes text) {
        int n = json_object_object_length(value);
        struct bytes name, member;

        CLAIM(json_text_kind(text) == JSON_TEXT_OBJECT);
        for (; json_text_next(&text, &name, &member); n--) {
                _cleanup_(freep) char *string = NULL;
                struct json_object *same;
                size_t length;

                CLAIM(json_text_string(&string, &length, name) == 0);
                CLAIM(json_object_object_get_ex(value, string, &same));
                compare(same, member);
        }
        CLAIM(n == 0);
}

static void compare(struct json_object *value, struct bytes text) {
        const char *begin = text.data;

        CLAIM(text.n > 0);
        switch (json_object_get_type(value)) {
        case json_type_null:
                CLAIM(json_text_kind(text) == JSON_TEXT_NULL);
                break;
        case json_type_boolean:
                CLAIM(json_text_kind(text) == JSON_TEXT_BOOL);
                CLAIM(json_object_get_boolean(value) == (*begin == 't'));
                break;
        case json_type_int:
        case json_type_double:
                CLAIM(json_text_kind(text) == JSON_TEXT_NUMBER);
                CLAIM(strspn(begin, "+-.0123456789Ee") >= text.n);
                break;
        case json_type_string:
                compare_string(value, text);
                break;
        case json_type_array:
                compare_array(value, text);
                break;
        case json_type_object:
                compare_object(value, text);
                break;
        }
}

static void check_in_place(struct bytes text) {
        _cleanup_(json_freep) struct json_object *value = NULL;
        _cleanup_(freep) char *copy = fuzz_copy(text);
        struct bytes found;
        int r;

        r = json_text_parse(&found, copy, text.n);
        CLAIM(r == json_parse(&value, text.data, text.n, 0));
        if (r == 0)
                compare(value, found);
}

/* Without comments in it, a text is what it is without them allowed. */
static void check_commented(struct bytes text) {
        _cleanup_(json_freep) struct json_object *commented = NULL, *plain = NULL;
        int r;

        r = json_parse(&commented, text.data, text.n, JSON_COMMENTS);
        CLAIM(r == 0 || (r == -EBADMSG && !commented));

        if (json_parse(&plain, text.data, text.n, 0) == 0)
                CLAIM(r == 0 && json_object_equal(commented, plain));
        else if (text.n == 0 || !memchr(text.data, '/', text.n))
                CLAIM(r);
}

/* 0: strict, 1: with lenient strings, 2: with comments · the text */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        struct bytes input = {data, n};
        unsigned char which = fuzz_byte(&input) % 3;

        if (which == 2)
                check_commented(input);
        else
                check_strict(input, which ? JSON_LENIENT_STRINGS : 0);
        if (which == 0)
                check_in_place(input);
        return 0;
}
