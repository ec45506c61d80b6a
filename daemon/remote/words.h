#pragma once

/* Words: what a service said, made fit to be shown: one line, bounded, with nothing in it that a terminal
 * obeys. */

#include "proto/macro.h"

enum { WORDS_MAX = 512 };

/* A new string: controls, line ends and marks of direction become blanks, a byte that is not UTF-8 a '?'. At
 * most WORDS_MAX bytes, and "..." where it was cut. NULL gives NULL, as does lack of memory. */
char *words_clean(const char *text);
