#pragma once

/*
 * Option: a command line to a struct, by a declared table.
 *
 * --name VALUE, --name=VALUE, -n VALUE, -nVALUE, clusters of flags, and -- as getopt_long(3) reads them, but
 * names are never abbreviated, so that a new option breaks no script.
 */

#include "proto/macro.h"

enum option_type {
        OPTION_FLAG, /* bool */
        OPTION_STRING, /* const char *, borrowed from argv; of several the last counts */
        OPTION_STRINGS, /* char **, owned */
        OPTION_SECONDS, /* int64_t, 0 to OPTION_SECONDS_MAX */
        OPTION_OPERAND, /* const char *, borrowed; in the order of the table */
};

#define OPTION_SECONDS_MAX INT64_C(1000000000)

struct option_spec {
        const char *name; /* without the dashes; NULL ends the table */
        enum option_type type;
        size_t offset;
        char letter; /* 0: none */
};

/* A table and the struct that it fills; a NULL table ends a list of them. */
struct option_scope {
        const struct option_spec *table;
        void *record;
};

/* Advances *argv (NULL-terminated) to the first operand that no table has room for, or its end. -EINVAL:
 * *ret_error says what is wrong with the line, in words. -ENOMEM. */
int option_parse(char ***argv, const struct option_scope *scopes, char **ret_error);

/* Frees what the record owns. */
void option_release(const struct option_spec *table, void *record);
