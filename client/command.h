#pragma once

/*
 * Command: what globus-agentctl can do, one constant a command, and what all of them are told.
 */

#include "client/option.h"
#include "proto/macro.h"

struct globals {
        const char *profile, *socket; /* borrowed; NULL: the usual one */
        int64_t timeout; /* seconds */
        bool no_autostart, quiet, help, version;
};

struct command {
        const char *name;
        const char *summary; /* one line, for the list of commands */
        const char *help; /* all there is to say; starts with the usage */
        const struct option_spec *options;
        const void *defaults; /* its arguments before options are read */
        size_t size; /* of them */

        /* The exit status, having said on stderr what went wrong. */
        int (*run)(const struct globals *globals, const void *arguments);
};

/* One line on stderr that ends in where to read on; EXIT_STATUS_USAGE. */
int command_usage_error(const struct command *command, const char *format, ...) _printf_(2, 3);

/* An environment variable; NULL if unset or empty. */
const char *command_getenv(const char *name);

extern const struct command command_login;
extern const struct command command_token;
extern const struct command command_groups;
extern const struct command command_whoami;
extern const struct command command_status;
extern const struct command command_logout;
extern const struct command command_lock;
extern const struct command command_unlock;
extern const struct command command_key;
