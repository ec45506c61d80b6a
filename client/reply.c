#include "client/reply.h"

#include <errno.h>

#include "client/text.h"
#include "proto/json.h"
#include "proto/writer.h"

static struct json_object *reply_member(struct json_object *object, const char *name, enum json_type type) {
        struct json_object *value;

        if (!object || !json_object_object_get_ex(object, name, &value) || !json_object_is_type(value, type))
                return NULL;

        return value;
}

int64_t reply_int(struct json_object *object, const char *name, int64_t otherwise) {
        struct json_object *value = reply_member(object, name, json_type_int);

        return value ? json_object_get_int64(value) : otherwise;
}

bool reply_bool(struct json_object *object, const char *name) {
        struct json_object *value = reply_member(object, name, json_type_boolean);

        return value && json_object_get_boolean(value);
}

size_t reply_length(struct json_object *object, const char *name) {
        struct json_object *array = json_get_array(object, name);

        return array ? json_object_array_length(array) : 0;
}

struct json_object *reply_element(struct json_object *object, const char *name, size_t i) {
        return json_object_array_get_idx(json_get_array(object, name), i);
}

static void reply_write(struct writer *writer, struct json_object *value);

static void reply_write_object(struct writer *writer, struct json_object *object) {
        write_object_begin(writer);
        json_object_object_foreach(object, name, value) {
                write_name(writer, name);
                reply_write(writer, value);
        }
        write_object_end(writer);
}

static void reply_write_array(struct writer *writer, struct json_object *array) {
        size_t n = json_object_array_length(array);

        write_array_begin(writer);
        for (size_t i = 0; i < n; i++)
                reply_write(writer, json_object_array_get_idx(array, i));
        write_array_end(writer);
}

/* As deep as json_parse() allows. Not by json-c, which would keep a copy of a token in its own buffer. */
static void reply_write(struct writer *writer, struct json_object *value) {
        const char *text;

        switch (json_object_get_type(value)) {

        case json_type_null:
                write_raw(writer, "null", 4);
                break;

        case json_type_boolean:
                write_bool(writer, json_object_get_boolean(value));
                break;

        case json_type_int:
                write_int(writer, json_object_get_int64(value));
                break;

        case json_type_double:
                text = json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN);
                write_raw(writer, text, strlen(text));
                break;

        case json_type_string:
                write_string_n(writer, json_object_get_string(value),
                               (size_t)json_object_get_string_len(value));
                break;

        case json_type_object:
                reply_write_object(writer, value);
                break;

        case json_type_array:
                reply_write_array(writer, value);
                break;
        }
}

int reply_append_json(struct buffer *out, struct json_object *value) {
        _cleanup_(buffer_deinit) struct buffer text = {};
        struct writer writer = WRITER_INIT(&text);
        int r;

        if (value)
                reply_write(&writer, value);
        else
                write_raw(&writer, "{}", 2);

        r = writer_end(&writer);
        return r ?: text_append_json_safe(out, buffer_bytes(&text), buffer_size(&text));
}
