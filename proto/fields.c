#include "proto/fields.h"

#include <errno.h>

#include "proto/error.h"
#include "proto/json.h"
#include "proto/secret.h"
#include "proto/strv.h"

static const struct field *field_find(const struct field *table, const char *name) {
        for (const struct field *field = table; field->name; field++)
                if (streq(field->name, name))
                        return field;

        return NULL;
}

static void field_release(const struct field *field, void *at) {
        char **string = at;
        char ***strings = at;
        struct secret **secret = at;

        switch (field->type) {
        case FIELD_STRING:
                free(*string);
                *string = NULL;
                break;
        case FIELD_STRINGS:
                *strings = strv_free(*strings);
                break;
        case FIELD_SECRET:
                *secret = secret_free(*secret);
                break;
        case FIELD_BOOL:
        case FIELD_TRISTATE:
        case FIELD_INT:
        case FIELD_OBJECT:
                break;
        }
}

/* A string that a NUL would cut short is none. */
static const char *string_value(struct json_object *value) {
        const char *string;

        if (!json_object_is_type(value, json_type_string))
                return NULL;

        string = json_object_get_string(value);
        return strlen(string) == (size_t)json_object_get_string_len(value) ? string : NULL;
}

static int parse_string(char **at, struct json_object *value) {
        const char *string = string_value(value);
        char *copy;

        if (!string)
                return AGENT_ERROR_INVALID_PARAMETER;

        copy = strdup(string);
        if (!copy)
                return -ENOMEM;

        free(*at);
        *at = copy;
        return 0;
}

static int parse_strings(char ***at, struct json_object *value) {
        char **strings;
        int r;

        r = json_get_strings(&strings, value);
        if (r)
                return r == -EBADMSG ? AGENT_ERROR_INVALID_PARAMETER : r;

        strv_free(*at);
        *at = strings;
        return 0;
}

static int parse_secret(struct secret **at, struct json_object *value) {
        struct secret *secret;
        int r;

        if (!string_value(value))
                return AGENT_ERROR_INVALID_PARAMETER;

        r = secret_new(&secret, json_object_get_string(value), (size_t)json_object_get_string_len(value));
        if (r)
                return r;

        secret_free(*at);
        *at = secret;
        return 0;
}

static int parse_bool(bool *at, struct json_object *value) {
        if (!json_object_is_type(value, json_type_boolean))
                return AGENT_ERROR_INVALID_PARAMETER;

        *at = json_object_get_boolean(value);
        return 0;
}

static int parse_tristate(enum tristate *at, struct json_object *value) {
        bool set;
        int r;

        r = parse_bool(&set, value);
        if (!r)
                *at = set ? TRISTATE_TRUE : TRISTATE_FALSE;

        return r;
}

static int parse_int(int64_t *at, struct json_object *value) {
        /* what is too large for int64_t is kept, or cut, as uint64_t */
        if (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 0 ||
            json_object_get_uint64(value) > INT64_MAX)
                return AGENT_ERROR_INVALID_PARAMETER;

        *at = json_object_get_int64(value);
        return 0;
}

static int field_parse(const struct field *field, void *at, struct json_object *value) {
        switch (field->type) {
        case FIELD_STRING:
                return parse_string(at, value);
        case FIELD_STRINGS:
                return parse_strings(at, value);
        case FIELD_SECRET:
                return parse_secret(at, value);
        case FIELD_BOOL:
                return parse_bool(at, value);
        case FIELD_TRISTATE:
                return parse_tristate(at, value);
        case FIELD_INT:
                return parse_int(at, value);
        case FIELD_OBJECT:
                break;
        }

        return -EINVAL;
}

static int check_required(const struct field *table, struct json_object *object, const char **ret_bad) {
        struct json_object *value;

        for (const struct field *field = table; field->name; field++) {
                if (!(field->flags & FIELD_REQUIRED))
                        continue;
                if (object && json_object_object_get_ex(object, field->name, &value) && value)
                        continue;

                *ret_bad = field->name;
                return AGENT_ERROR_INVALID_PARAMETER;
        }

        return 0;
}

static int parse_member(const struct field *table, void *record, const char *name, struct json_object *value,
                        enum fields_mode mode) {
        const struct field *field = field_find(table, name);

        if (!field)
                return mode == FIELDS_EXACT ? AGENT_ERROR_INVALID_PARAMETER : 0;
        if (mode == FIELDS_EXACT && json_object_is_type(value, json_type_array) &&
            json_object_array_length(value) > FIELDS_STRINGS_MAX)
                return AGENT_ERROR_INVALID_PARAMETER;

        return value ? field_parse(field, (char *)record + field->offset, value) : 0;
}

int fields_parse(const struct field *table, void *record, struct json_object *object, enum fields_mode mode,
                 const char **ret_bad) {
        int r;

        if (!object)
                return check_required(table, NULL, ret_bad);

        json_object_object_foreach(object, name, value) {
                r = parse_member(table, record, name, value, mode);
                if (r == AGENT_ERROR_INVALID_PARAMETER)
                        *ret_bad = name;
                if (r)
                        return r;
        }

        return check_required(table, object, ret_bad);
}

void fields_release(const struct field *table, void *record) {
        for (const struct field *field = table; field->name; field++)
                field_release(field, (char *)record + field->offset);
}

static int copy_string(char **ret, char *const *string) {
        *ret = *string ? strdup(*string) : NULL;
        return *string && !*ret ? -ENOMEM : 0;
}

static int copy_secret(struct secret **ret, struct secret *const *secret) {
        *ret = NULL;
        return *secret ? secret_copy(ret, *secret) : 0;
}

static int copy_strings(char ***ret, char **const *strings) {
        *ret = NULL;
        return strv_copy(ret, *strings);
}

static int field_copy(const struct field *field, void *ret, const void *at) {
        switch (field->type) {
        case FIELD_STRING:
                return copy_string(ret, at);
        case FIELD_STRINGS:
                return copy_strings(ret, at);
        case FIELD_SECRET:
                return copy_secret(ret, at);
        case FIELD_BOOL:
                memcpy(ret, at, sizeof(bool));
                return 0;
        case FIELD_TRISTATE:
                memcpy(ret, at, sizeof(enum tristate));
                return 0;
        case FIELD_INT:
                memcpy(ret, at, sizeof(int64_t));
                return 0;
        case FIELD_OBJECT:
                break;
        }

        return -EINVAL;
}

int fields_copy(const struct field *table, void *ret, const void *record) {
        int r = 0, s;

        for (const struct field *field = table; field->name; field++) {
                s = field_copy(field, (char *)ret + field->offset, (const char *)record + field->offset);
                r = r ? r : s;
        }

        if (r)
                fields_release(table, ret);

        return r;
}

static void write_string_field(struct writer *writer, const struct field *field, const char *string) {
        if (!string && field->flags & FIELD_REQUIRED)
                string = "";

        write_string_member(writer, field->name, string);
}

static void write_strings_field(struct writer *writer, const struct field *field, char *const *strings) {
        if (!strings && !(field->flags & FIELD_REQUIRED))
                return;

        write_name(writer, field->name);
        write_strings(writer, strings);
}

static void write_secret_field(struct writer *writer, const struct field *field, const struct secret *secret) {
        if (!secret) {
                write_string_field(writer, field, NULL);
                return;
        }

        write_name(writer, field->name);
        write_string_n(writer, secret_string(secret), secret_size(secret));
}

static void write_bool_field(struct writer *writer, const struct field *field, bool is_set, bool value) {
        if (is_set || field->flags & FIELD_REQUIRED)
                write_bool_member(writer, field->name, value);
}

static void write_int_field(struct writer *writer, const struct field *field, int64_t value) {
        if (value || field->flags & FIELD_REQUIRED)
                write_int_member(writer, field->name, value);
}

static void field_write(const struct field *field, const void *at, struct writer *writer) {
        const enum tristate *tristate = at;
        const bool *truth = at;

        switch (field->type) {
        case FIELD_STRING:
                write_string_field(writer, field, *(char *const *)at);
                break;
        case FIELD_STRINGS:
                write_strings_field(writer, field, *(char **const *)at);
                break;
        case FIELD_SECRET:
                write_secret_field(writer, field, *(struct secret *const *)at);
                break;
        case FIELD_BOOL:
                write_bool_field(writer, field, *truth, *truth);
                break;
        case FIELD_TRISTATE:
                write_bool_field(writer, field, *tristate != TRISTATE_UNSET, *tristate == TRISTATE_TRUE);
                break;
        case FIELD_INT:
                write_int_field(writer, field, *(const int64_t *)at);
                break;
        case FIELD_OBJECT:
                break;
        }
}

void fields_write(const struct field *table, const void *record, struct writer *writer) {
        for (const struct field *field = table; field->name; field++)
                field_write(field, (const char *)record + field->offset, writer);
}
