#pragma once

/*
 * Json-text: JSON text, read where it stands: a value is a part of the text, borrowed.
 *
 * For what is read once, by a table: a tree of it would cost more than all that is done with it.
 */

#include "proto/buffer.h"
#include "proto/macro.h"

/* The one value of a text; what is refused (-EBADMSG) is what json_parse() refuses. -ENOMEM. */
int json_text_parse(struct bytes *ret, const char *text, size_t n);

enum json_text_kind {
        JSON_TEXT_NULL,
        JSON_TEXT_BOOL,
        JSON_TEXT_NUMBER,
        JSON_TEXT_STRING,
        JSON_TEXT_ARRAY,
        JSON_TEXT_OBJECT,
};

enum json_text_kind json_text_kind(struct bytes value);

/* Goes through an array or an object: text is the value, and then what is left of it. False: there is no other.
 * *ret_name, of an object's member, is a string. */
bool json_text_next(struct bytes *text, struct bytes *ret_name, struct bytes *ret_value);

/* What a string says, in UTF-8, with a NUL behind the *ret_n bytes; owned by the caller. -ENOMEM. */
int json_text_string(char **ret, size_t *ret_n, struct bytes string);

bool json_text_equals(struct bytes string, const char *other);
