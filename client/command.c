#include "client/command.h"

#include <stdarg.h>
#include <stdio.h>

#include "client/output.h"
#include "proto/error.h"

int command_usage_error(const struct command *command, const char *format, ...) {
        _cleanup_(freep) char *what = NULL;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&what, format, ap);
        va_end(ap);
        if (n < 0)
                what = NULL;

        output_error("%s: %s; see globus-agentctl %s --help", command->name, what ?: "bad usage",
                     command->name);
        return EXIT_STATUS_USAGE;
}

const char *command_getenv(const char *name) {
        const char *value = getenv(name);

        return value && *value ? value : NULL;
}
