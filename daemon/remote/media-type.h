#pragma once

/* Media type: whether a Content-Type says JSON. */

#include <stdbool.h>

/* type: lower case, without parameters: application/json, or application/ with the suffix +json (RFC 6839). */
bool media_type_is_json(const char *type);
