#pragma once

/*
 * Reply: the parameters of a reply, as values and as JSON text.
 */

#include <json-c/json.h>

#include "proto/buffer.h"
#include "proto/macro.h"

/* otherwise: what to give where the member is absent or of another type. */
int64_t reply_int(struct json_object *object, const char *name, int64_t otherwise);
bool reply_bool(struct json_object *object, const char *name);

/* Elements; 0 where there is no such array. object may be NULL. */
size_t reply_length(struct json_object *object, const char *name);
struct json_object *reply_element(struct json_object *object, const char *name, size_t i);

/* One line of JSON with nothing in it that a terminal obeys, but without its end. NULL is the empty object. */
int reply_append_json(struct buffer *out, struct json_object *value);
