#pragma once

/* Utf8: what RFC 3629 allows: no overlong forms, no surrogates, nothing above U+10FFFF. */

#include "proto/macro.h"

/* The length of the well-formed sequence at the front of n bytes; 0 if there is none. */
size_t utf8_sequence(const char *text, size_t n);
