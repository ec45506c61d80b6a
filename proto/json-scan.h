#pragma once

/*
 * Json-scan: whether bytes are one JSON text (RFC 8259) in UTF-8, found in one pass and without memory.
 *
 * Numbers, escapes and nesting are checked whole, so that what passes means the same to every parser.
 */

#include "proto/macro.h"

struct json_scan {
        size_t values; /* objects, arrays and all that is in them */
        size_t containers; /* the objects and arrays of them */
        size_t members; /* of all objects, counted as written: duplicates, too */
        size_t longest; /* bytes of the longest string, name or number, as written */
};

/* How many bytes at the front can stand in a JSON string as they are: UTF-8, but no control characters, quotes
 * or backslashes. */
size_t json_scan_plain(const char *text, size_t n);

/* lenient: in values, \u0000 and lone surrogates pass. Nesting of up to depth_max (at most 64) passes. */
bool json_scan(struct json_scan *ret, const char *text, size_t n, unsigned int depth_max, bool lenient);
