#pragma once

/*
 * Form: application/x-www-form-urlencoded text (WHATWG URL, as Python's urlencode writes it: space is '+'),
 * for query strings and POST bodies. Built in a wiped buffer.
 */

#include "proto/buffer.h"
#include "proto/macro.h"
#include "proto/secret.h"

/* Appends name=value, with '&' before it unless out is empty or ends in '?'. value NULL: nothing. */
int form_add(struct buffer *out, const char *name, const char *value);
int form_add_n(struct buffer *out, const char *name, const char *value, size_t n);

/* Moves the text into a secret. */
int form_finish(struct secret **ret, struct buffer *form);
