#include "proto/json.h"

#include <errno.h>
#include <limits.h>

#include "proto/json-scan.h"
#include "proto/strv.h"

static struct json_tokener *tokener_free(struct json_tokener *tokener) {
        if (!tokener)
                return NULL;

        explicit_bzero(tokener->pb->buf, (size_t)tokener->pb->size);
        json_tokener_free(tokener);
        return NULL;
}

DEFINE_CLEANUP(struct json_tokener, tokener_free);

/* json-c gathers each string in a buffer that it grows by realloc() and frees unwiped. It is made large enough
 * at once, so that the bytes are in no other place and tokener_free() finds them. */
static int tokener_new(struct json_tokener **ret, size_t longest) {
        _cleanup_(tokener_freep) struct json_tokener *tokener = NULL;

        tokener = json_tokener_new_ex(JSON_DEPTH_MAX + 2);
        if (!tokener)
                return -ENOMEM;

        if (longest + 2 > (size_t)tokener->pb->size && printbuf_memset(tokener->pb, 0, 0, (int)longest + 2) < 0)
                return -ENOMEM;

        *ret = TAKE(tokener);
        return 0;
}

/* Of all objects in the tree. As deep as the tree, so JSON_DEPTH_MAX at most. */
static size_t count_members(struct json_object *value) {
        enum json_type type = json_object_get_type(value);
        size_t n = 0, n_elements;

        if (type == json_type_array) {
                n_elements = json_object_array_length(value);
                for (size_t i = 0; i < n_elements; i++)
                        n += count_members(json_object_array_get_idx(value, i));
        } else if (type == json_type_object) {
                n += (size_t)json_object_object_length(value);
                json_object_object_foreach(value, name, member) {
                        (void)name;
                        n += count_members(member);
                }
        }

        return n;
}

static int json_build(struct json_object **ret, const char *text, size_t n, const struct json_scan *scan) {
        _cleanup_(tokener_freep) struct json_tokener *tokener = NULL;
        _cleanup_(json_wipep) struct json_object *value = NULL;
        int r;

        r = tokener_new(&tokener, scan->longest);
        if (r)
                return r;

        /* not the strict mode, which adds nothing to the scan and trips over white space at the end */
        value = json_tokener_parse_ex(tokener, text, (int)n);
        if (json_tokener_get_error(tokener) == json_tokener_continue)
                value = json_tokener_parse_ex(tokener, " ", 1); /* ends a number */
        if (json_tokener_get_error(tokener) != json_tokener_success)
                return -EBADMSG;
        if (count_members(value) != scan->members)
                return -EBADMSG;

        *ret = TAKE(value);
        return 0;
}

/* Where the comment at text ends. An open one ends nowhere: NULL. */
static char *comment_end(char *text) {
        char *end;

        if (text[1] == '/')
                return text + strcspn(text, "\n");

        end = strstr(text + 2, "*/");
        return end ? end + 2 : NULL;
}

/* Turns comments into blanks, so that the JSON text around them stays where it is. */
static int blank_comments(char *text) {
        bool in_string = false;
        char *end;

        for (; *text; text++) {
                if (*text == '"') {
                        in_string = !in_string;
                } else if (in_string && *text == '\\' && text[1]) {
                        text++;
                } else if (!in_string && *text == '/' && (text[1] == '/' || text[1] == '*')) {
                        end = comment_end(text);
                        if (!end)
                                return -EBADMSG;

                        memset(text, ' ', (size_t)(end - text));
                        text = end - 1;
                }
        }

        return 0;
}

static int json_parse_commented(struct json_object **ret, const char *text, size_t n, enum json_flags flags) {
        _cleanup_(freep) char *copy = NULL;
        int r;

        if (memchr(text, '\0', n))
                return -EBADMSG;

        copy = strndup(text, n);
        if (!copy)
                return -ENOMEM;

        r = blank_comments(copy);
        if (!r)
                r = json_parse(ret, copy, n, flags & ~(unsigned int)JSON_COMMENTS);

        explicit_bzero(copy, n);
        return r;
}

bool json_is_bounded(const struct json_scan *scan) {
        return scan->values + scan->members <= JSON_VALUES_MAX && scan->containers <= JSON_CONTAINERS_MAX;
}

int json_parse(struct json_object **ret, const char *text, size_t n, enum json_flags flags) {
        struct json_scan scan;

        if (n == 0 || n > INT_MAX)
                return -EBADMSG;
        if (flags & JSON_COMMENTS)
                return json_parse_commented(ret, text, n, flags);
        if (!json_scan(&scan, text, n, JSON_DEPTH_MAX, flags & JSON_LENIENT_STRINGS))
                return -EBADMSG;
        if (!json_is_bounded(&scan) && !(flags & JSON_MANY_VALUES))
                return -EBADMSG;

        return json_build(ret, text, n, &scan);
}

static void wipe_strings(struct json_object *value) {
        enum json_type type = json_object_get_type(value);
        size_t n;

        if (type == json_type_string) {
                explicit_bzero((char *)json_object_get_string(value),
                               (size_t)json_object_get_string_len(value));
        } else if (type == json_type_array) {
                n = json_object_array_length(value);
                for (size_t i = 0; i < n; i++)
                        wipe_strings(json_object_array_get_idx(value, i));
        } else if (type == json_type_object) {
                json_object_object_foreach(value, name, member) {
                        (void)name;
                        wipe_strings(member);
                }
        }
}

struct json_object *json_wipe(struct json_object *object) {
        wipe_strings(object);
        json_object_put(object);
        return NULL;
}

static struct json_object *json_get(struct json_object *object, const char *name, enum json_type type) {
        struct json_object *value;

        if (!json_object_is_type(object, json_type_object) || !json_object_object_get_ex(object, name, &value))
                return NULL;

        return json_object_is_type(value, type) ? value : NULL;
}

const char *json_get_string(struct json_object *object, const char *name) {
        return json_object_get_string(json_get(object, name, json_type_string));
}

struct json_object *json_get_object(struct json_object *object, const char *name) {
        return json_get(object, name, json_type_object);
}

struct json_object *json_get_array(struct json_object *object, const char *name) {
        return json_get(object, name, json_type_array);
}

int json_get_strings(char ***ret, struct json_object *array) {
        _cleanup_(strv_freep) char **strings = NULL;
        struct json_object *element;
        size_t n;

        if (array && !json_object_is_type(array, json_type_array))
                return -EBADMSG;

        n = array ? json_object_array_length(array) : 0;
        if (n > 0) {
                strings = calloc(n + 1, sizeof(*strings));
                if (!strings)
                        return -ENOMEM;
        }

        for (size_t i = 0; i < n; i++) {
                element = json_object_array_get_idx(array, i);
                if (!json_object_is_type(element, json_type_string))
                        return -EBADMSG;

                strings[i] = strdup(json_object_get_string(element));
                if (!strings[i])
                        return -ENOMEM;
        }

        *ret = TAKE(strings);
        return 0;
}
