/* Json: what passes is one JSON text by another count than the scanner's, and the tree says what it says. */

#include "tests/fuzz/fuzz.h"

#include <errno.h>

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
        return 0;
}
