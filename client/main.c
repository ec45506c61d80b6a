/* globus-agentctl: the table of commands, and what is common to them. */

#include <errno.h>
#include <stdio.h>

#include "client/command.h"
#include "client/output.h"
#include "proto/error.h"

enum { TIMEOUT_DEFAULT = 60, PROFILE_LENGTH_MAX = 64 };

static const struct option_spec global_options[] = {
        {"profile", OPTION_STRING, offsetof(struct globals, profile), 'p'},
        {"socket", OPTION_STRING, offsetof(struct globals, socket), 0},
        {"timeout", OPTION_SECONDS, offsetof(struct globals, timeout), 0},
        {"no-autostart", OPTION_FLAG, offsetof(struct globals, no_autostart), 0},
        {"quiet", OPTION_FLAG, offsetof(struct globals, quiet), 'q'},
        {"help", OPTION_FLAG, offsetof(struct globals, help), 'h'},
        {"version", OPTION_FLAG, offsetof(struct globals, version), 0},
        {},
};

static const char global_help[] =
        "\n"
        "Options of every command:\n"
        "  -p, --profile NAME       another profile than default, or $GLOBUS_PROFILE\n"
        "      --socket PATH        another socket of the agent\n"
        "      --timeout SECONDS    wait at most as long for an answer; 60\n"
        "      --no-autostart       start no agent where none is running\n"
        "  -q, --quiet              no messages but errors and questions\n"
        "  -h, --help               this text\n"
        "      --version            the version\n";

struct help_arguments {
        const char *command;
};

static const struct help_arguments help_defaults = {};

static const struct option_spec help_options[] = {
        {"COMMAND", OPTION_OPERAND, offsetof(struct help_arguments, command), 0},
        {},
};

static int run_help(const struct globals *globals, const void *arguments);

static const struct command command_help = {
        .name = "help",
        .summary = "explain a command",
        .help = "Usage: globus-agentctl help [COMMAND]\n"
                "\n"
                "Explain a command, or list all of them.\n",
        .options = help_options,
        .defaults = &help_defaults,
        .size = sizeof(struct help_arguments),
        .run = run_help,
};

static const struct command *const commands[] = {
        &command_login,  &command_token, &command_groups, &command_whoami, &command_status,
        &command_logout, &command_lock,  &command_unlock, &command_key,    &command_help,
};

static const struct command *command_find(const char *name) {
        for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
                if (streq(commands[i]->name, name))
                        return commands[i];

        return NULL;
}

/* A mistake before any command is known. */
static int usage_error(const char *what, const char *name) {
        output_error("%s%s%s%s; see globus-agentctl --help", what, name ? " '" : "", name ?: "",
                     name ? "'" : "");
        return EXIT_STATUS_USAGE;
}

/* command: NULL for the list of all. */
static int print_help(const struct command *command) {
        _cleanup_(buffer_deinit) struct buffer out = {};
        int r;

        if (command)
                r = buffer_append_string(&out, command->help);
        else
                r = buffer_append_string(&out, "Usage: globus-agentctl COMMAND [OPTION]...\n"
                                               "\n"
                                               "Use your Globus login, which globus-agent keeps.\n"
                                               "\n");

        for (size_t i = 0; !command && i < ARRAY_SIZE(commands) && !r; i++) {
                char line[128];

                snprintf(line, sizeof(line), "  %-8s %s\n", commands[i]->name, commands[i]->summary);
                r = buffer_append_string(&out, line);
        }

        return output_finish(&out, r ?: buffer_append_string(&out, global_help));
}

static int run_help(const struct globals *globals, const void *record) {
        const struct help_arguments *arguments = record;
        const struct command *command = arguments->command ? command_find(arguments->command) : NULL;

        if (arguments->command && !command)
                return usage_error("unknown command", arguments->command);

        return print_help(command);
}

static int print_version(void) {
        _cleanup_(buffer_deinit) struct buffer out = {};

        return output_finish(&out, buffer_append_string(&out, "globus-agentctl " PROJECT_VERSION "\n"));
}

static bool profile_is_valid(const char *name) {
        static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-";
        size_t n = strlen(name);

        return n > 0 && n <= PROFILE_LENGTH_MAX && strspn(name, allowed) == n;
}

/* *argv stands behind the command's name. */
static int run_command(const struct command *command, struct globals *globals, char **argv, void *record) {
        const struct option_scope scopes[] = {{global_options, globals}, {command->options, record}, {}};
        _cleanup_(freep) char *error = NULL;
        int r;

        r = option_parse(&argv, scopes, &error);
        if (r)
                return command_usage_error(command, "%s", error ?: error_sentence(r));
        if (globals->help)
                return print_help(command);
        if (globals->version)
                return print_version();
        if (*argv)
                return command_usage_error(command, "unexpected argument '%s'", *argv);
        if (globals->timeout == 0)
                return command_usage_error(command, "--timeout needs at least one second");
        if (globals->profile && !profile_is_valid(globals->profile))
                return command_usage_error(
                        command, "no profile can be called '%s': letters, digits and ._@-, at most 64",
                        globals->profile);

        return command->run(globals, record);
}

int main(int argc, char **argv) {
        struct globals globals = {.timeout = TIMEOUT_DEFAULT, .profile = command_getenv("GLOBUS_PROFILE")};
        const struct option_scope scopes[] = {{global_options, &globals}, {}};
        _cleanup_(freep) char *error = NULL;
        const struct command *command;
        void *record;
        int status;

        output_init();
        if (argc == 0)
                return EXIT_STATUS_USAGE;

        argv++;
        if (option_parse(&argv, scopes, &error))
                return usage_error(error ?: "bad usage", NULL);
        if (globals.version)
                return print_version();
        if (!*argv)
                return globals.help ? print_help(NULL) : usage_error("name a command", NULL);

        command = command_find(*argv);
        if (!command)
                return usage_error("unknown command", *argv);

        record = malloc(command->size);
        if (!record)
                return EXIT_STATUS_FAILED;

        memcpy(record, command->defaults, command->size);
        status = run_command(command, &globals, argv + 1, record);
        option_release(command->options, record);
        free(record);
        return status;
}
