#pragma once

/*
 * Fields: a JSON object, as a tree or as text, to a struct, by a declared table.
 *
 * A member that is absent or null leaves the struct as it was. One that is unknown, of another type or out of
 * range is named. The same table releases what was parsed.
 */

#include <json-c/json.h>

#include "proto/macro.h"
#include "proto/writer.h"

enum field_type {
        FIELD_STRING, /* char *, owned */
        FIELD_STRINGS, /* char **, owned */
        FIELD_SECRET, /* struct secret *, owned */
        FIELD_BOOL, /* bool */
        FIELD_TRISTATE, /* enum tristate */
        FIELD_INT, /* int64_t, at least 0 */
        FIELD_OBJECT, /* struct bytes, borrowed from the text that it was parsed from, where it is an object */
};

enum tristate { TRISTATE_UNSET, TRISTATE_FALSE, TRISTATE_TRUE };

enum field_flags {
        FIELD_REQUIRED = 1 << 0,
};

struct field {
        const char *name; /* NULL ends the table */
        enum field_type type;
        size_t offset;
        enum field_flags flags;
};

#define FIELD(record, member, field_type, field_flags)                                                         \
        { .name = #member, .type = (field_type), .offset = offsetof(record, member), .flags = (field_flags) }

enum { FIELDS_STRINGS_MAX = 256 };

enum fields_mode {
        FIELDS_EXACT, /* an unknown member is refused, and so is a list of more than FIELDS_STRINGS_MAX */
        FIELDS_OPEN, /* an unknown member is passed over: what a server may add */
};

/* record is zeroed or filled with defaults by the caller. object may be NULL (no members). 0, -ENOMEM, or
 * AGENT_ERROR_INVALID_PARAMETER with the member's name in *ret_bad (borrowed from table or object). On failure
 * what was parsed so far still needs fields_release(). */
int fields_parse(const struct field *table, void *record, struct json_object *object, enum fields_mode mode,
                 const char **ret_bad);

/* The same from text that json_text_parse() has passed; no bytes: no members. *ret_bad is owned by the caller,
 * and NULL where there was no memory for it. */
int fields_parse_text(const struct field *table, void *record, struct bytes object, enum fields_mode mode,
                      char **ret_bad);

void fields_release(const struct field *table, void *record);

/* Deep. The fields of ret are overwritten, not released; on -ENOMEM they are all unset. */
int fields_copy(const struct field *table, void *ret, const void *record);

/* Members of the object being written. Those unset (NULL, 0, false, TRISTATE_UNSET) are left out, or where
 * required written as the empty value of their type. */
void fields_write(const struct field *table, const void *record, struct writer *writer);
