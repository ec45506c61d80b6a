#pragma once

/* Strv: a NULL-terminated list of strings, owned as one. NULL is the empty list. */

#include "proto/macro.h"

char **strv_free(char **strv);
DEFINE_CLEANUP(char *, strv_free);

size_t strv_length(char *const *strv);
bool strv_contains(char *const *strv, const char *string);

/* True if every member of subset is in strv. */
bool strv_includes(char *const *strv, char *const *subset);

/* Both *strv and its members are owned by the caller; on failure *strv is as it was. */
int strv_append(char ***strv, const char *string);
int strv_append_new(char ***strv, char *const *more); /* those not yet there */

int strv_copy(char ***ret, char *const *strv);

/* Splits at any of the separator characters; empty parts are dropped. */
int strv_split(char ***ret, const char *string, const char *separators);

/* The empty list joins to "". */
int strv_join(char **ret, char *const *strv, const char *separator);

/* In byte order, each string once. */
void strv_sort(char **strv);

bool strv_equal(char *const *a, char *const *b);
