#pragma once

/* Status-text: the reply to GetStatus, for people. */

#include <json-c/json.h>

#include "proto/buffer.h"

int status_text_write(struct buffer *out, struct json_object *status);
