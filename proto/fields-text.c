/* Fields, from text: what is parsed once and kept by its table needs no tree. */

#include "proto/fields.h"

#include <errno.h>

#include "proto/error.h"
#include "proto/json-text.h"
#include "proto/secret.h"
#include "proto/strv.h"

static int read_string(char **at, struct bytes value) {
        char *string;
        size_t n;
        int r;

        if (json_text_kind(value) != JSON_TEXT_STRING)
                return AGENT_ERROR_INVALID_PARAMETER;

        r = json_text_string(&string, &n, value);
        if (r)
                return r;

        free(*at);
        *at = string;
        return 0;
}

static size_t count_elements(struct bytes array) {
        struct bytes element;
        size_t n = 0;

        while (json_text_next(&array, NULL, &element))
                n++;

        return n;
}

static int read_strings(char ***at, struct bytes value, enum fields_mode mode) {
        _cleanup_(strv_freep) char **strings = NULL;
        struct bytes element;
        size_t n;
        int r;

        if (json_text_kind(value) != JSON_TEXT_ARRAY)
                return AGENT_ERROR_INVALID_PARAMETER;

        n = count_elements(value);
        if (n > FIELDS_STRINGS_MAX && mode == FIELDS_EXACT)
                return AGENT_ERROR_INVALID_PARAMETER;

        if (n > 0) {
                strings = calloc(n + 1, sizeof(*strings));
                if (!strings)
                        return -ENOMEM;
        }

        for (size_t i = 0; json_text_next(&value, NULL, &element); i++) {
                r = read_string(strings + i, element);
                if (r)
                        return r;
        }

        strv_free(*at);
        *at = TAKE(strings);
        return 0;
}

static int read_secret(struct secret **at, struct bytes value) {
        _cleanup_(freep) char *string = NULL;
        struct secret *secret;
        size_t n;
        int r;

        if (json_text_kind(value) != JSON_TEXT_STRING)
                return AGENT_ERROR_INVALID_PARAMETER;

        r = json_text_string(&string, &n, value);
        if (r)
                return r;

        r = secret_new(&secret, string, n);
        explicit_bzero(string, n);
        if (r)
                return r;

        secret_free(*at);
        *at = secret;
        return 0;
}

static int read_bool(bool *at, struct bytes value) {
        if (json_text_kind(value) != JSON_TEXT_BOOL)
                return AGENT_ERROR_INVALID_PARAMETER;

        *at = *(const char *)value.data == 't';
        return 0;
}

static int read_tristate(enum tristate *at, struct bytes value) {
        bool set;
        int r;

        r = read_bool(&set, value);
        if (!r)
                *at = set ? TRISTATE_TRUE : TRISTATE_FALSE;

        return r;
}

/* Digits and nothing else; but 0 may be negative. */
static int read_int(int64_t *at, struct bytes value) {
        const char *digit = value.data, *end = digit + value.n;
        bool negative = *digit == '-';
        int64_t number = 0;

        for (digit += negative; digit < end; digit++)
                if (*digit < '0' || *digit > '9' || __builtin_mul_overflow(number, 10, &number) ||
                    __builtin_add_overflow(number, *digit - '0', &number))
                        return AGENT_ERROR_INVALID_PARAMETER;

        if (json_text_kind(value) != JSON_TEXT_NUMBER || (negative && number > 0))
                return AGENT_ERROR_INVALID_PARAMETER;

        *at = number;
        return 0;
}

static int read_object(struct bytes *at, struct bytes value) {
        if (json_text_kind(value) != JSON_TEXT_OBJECT)
                return AGENT_ERROR_INVALID_PARAMETER;

        *at = value;
        return 0;
}

static int field_read(const struct field *field, void *at, struct bytes value, enum fields_mode mode) {
        switch (field->type) {
        case FIELD_STRING:
                return read_string(at, value);
        case FIELD_STRINGS:
                return read_strings(at, value, mode);
        case FIELD_SECRET:
                return read_secret(at, value);
        case FIELD_BOOL:
                return read_bool(at, value);
        case FIELD_TRISTATE:
                return read_tristate(at, value);
        case FIELD_INT:
                return read_int(at, value);
        case FIELD_OBJECT:
                return read_object(at, value);
        }

        return -EINVAL;
}

static const struct field *field_named(const struct field *table, struct bytes name) {
        for (; table->name; table++)
                if (json_text_equals(name, table->name))
                        return table;

        return NULL;
}

static char *name_of(struct bytes string) {
        char *name;
        size_t n;

        return json_text_string(&name, &n, string) ? NULL : name;
}

int fields_parse_text(const struct field *table, void *record, struct bytes object, enum fields_mode mode,
                      char **ret_bad) {
        const struct field *field;
        struct bytes name, value;
        uint64_t there = 0; /* a bit a field */
        int r;

        while (json_text_next(&object, &name, &value)) {
                bool null = json_text_kind(value) == JSON_TEXT_NULL;

                field = field_named(table, name);
                r = field || mode == FIELDS_OPEN ? 0 : AGENT_ERROR_INVALID_PARAMETER;
                if (field && !null) {
                        there |= UINT64_C(1) << (field - table);
                        r = field_read(field, (char *)record + field->offset, value, mode);
                }
                if (r == AGENT_ERROR_INVALID_PARAMETER)
                        *ret_bad = name_of(name);
                if (r)
                        return r;
        }

        for (field = table; field->name; field++)
                if (field->flags & FIELD_REQUIRED && !(there >> (field - table) & 1)) {
                        *ret_bad = strdup(field->name);
                        return AGENT_ERROR_INVALID_PARAMETER;
                }

        return 0;
}
