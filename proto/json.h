#pragma once

/*
 * Json: text from outside to a json-c tree, taking only what RFC 8259 and UTF-8 allow.
 *
 * json-c alone, even in strict mode, takes single quotes, NaN, Infinity, lone surrogates and duplicate members,
 * and cuts a member's name at an escaped NUL: text is checked before json-c sees it, and members are counted
 * after.
 */

#include <json-c/json.h>

#include "proto/macro.h"

enum json_flags {
        JSON_COMMENTS = 1 << 0, /* C and C++ comments are white space */
        JSON_LENIENT_STRINGS = 1 << 1, /* in values, \u0000 and lone surrogates (read as U+FFFD) are allowed */
        JSON_MANY_VALUES = 1 << 2, /* more than JSON_VALUES_MAX and JSON_CONTAINERS_MAX are allowed */
};

/* A tree takes time by its values, not by its bytes, and ten times as much by its objects and arrays: this many
 * of both take some 3 ms. A member is two values: it has a name. */
enum { JSON_DEPTH_MAX = 32, JSON_VALUES_MAX = 16384, JSON_CONTAINERS_MAX = 1024 };

/* -EBADMSG: not one well-formed JSON text, or deeper than JSON_DEPTH_MAX, or of more than JSON_VALUES_MAX
 * values or JSON_CONTAINERS_MAX objects and arrays, or a duplicate member. *ret is NULL for the text "null". */
int json_parse(struct json_object **ret, const char *text, size_t n, enum json_flags flags);

struct json_scan;

/* Whether there are no more values, objects and arrays. */
bool json_is_bounded(const struct json_scan *scan);

/* Wipes every string value in place, then lets go of the tree. For trees that held a token. */
struct json_object *json_wipe(struct json_object *object);

/* Borrowed; NULL if absent or not of that type. object may be NULL. */
const char *json_get_string(struct json_object *object, const char *name);
struct json_object *json_get_object(struct json_object *object, const char *name);
struct json_object *json_get_array(struct json_object *object, const char *name);

/* A new list of the strings in an array; -EBADMSG if it is no array of strings. NULL gives NULL. */
int json_get_strings(char ***ret, struct json_object *array);

static inline struct json_object *json_free(struct json_object *object) {
        json_object_put(object);
        return NULL;
}

DEFINE_CLEANUP(struct json_object, json_free);
DEFINE_CLEANUP(struct json_object, json_wipe);
