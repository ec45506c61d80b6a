#pragma once

/*
 * Scope: Globus scope strings: names, optionally with dependencies in brackets, "a[b *c[d]] e".
 *
 * What was granted comes back without dependencies, so coverage is judged by the name at the top, and by the
 * whole string where it has dependencies.
 */

#include "proto/macro.h"

enum { SCOPES_MAX = 256 };

/* The scopes at the top level, each with its dependencies. -EINVAL: brackets, stars or blanks out of place,
 * a character that RFC 6749 (section 3.3) does not allow in a scope, or more than SCOPES_MAX. Text without
 * scopes gives the empty list. */
int scope_split(char ***ret, const char *text);

/* Without a leading star and dependencies. Owned by the caller. */
int scope_name(char **ret, const char *scope);

/* True if each scope wanted was granted by name, and, where it has dependencies, was asked for in just
 * these words. */
bool scope_covers(char *const *granted, char *const *requested, char *const *wanted);
