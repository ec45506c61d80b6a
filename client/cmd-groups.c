#include <ctype.h>

#include "client/command.h"
#include "client/listing.h"
#include "client/output.h"
#include "client/rpc.h"
#include "proto/error.h"
#include "proto/strv.h"

struct arguments {
        const char *format, *check, *role;
        char **statuses;
        int64_t max_age; /* -1: unset */
};

static const struct arguments defaults = {.max_age = -1};

static const struct option_spec options[] = {
        {"format", OPTION_STRING, offsetof(struct arguments, format), 0},
        {"status", OPTION_STRINGS, offsetof(struct arguments, statuses), 0},
        {"max-age", OPTION_SECONDS, offsetof(struct arguments, max_age), 0},
        {"check", OPTION_STRING, offsetof(struct arguments, check), 0},
        {"role", OPTION_STRING, offsetof(struct arguments, role), 0},
        {},
};

static const char help[] =
        "Usage: globus-agentctl groups [OPTION]...\n"
        "       globus-agentctl groups --check GROUP-ID [--role ROLE] [OPTION]...\n"
        "\n"
        "List the Globus groups that you and your linked identities are in.\n"
        "\n"
        "      --format FORMAT    table  the default on a terminal\n"
        "                         csv    ID,Name,Roles as in RFC 4180; the default elsewhere\n"
        "                         json   an array of all that is known of each group\n"
        "                         jsonl  the same, one group a line\n"
        "      --status STATUS    of the membership: active (the default), invited, pending,\n"
        "                         rejected, removed, left or declined; can be given again\n"
        "      --max-age SECONDS  accept an answer kept from before that is as old;\n"
        "                         without it 60\n"
        "      --check GROUP-ID   print nothing; exit status 0: a member, 9: not a member\n"
        "      --role ROLE        with --check, at least as: member, manager or admin\n";

static const char *const statuses[] = {"active",  "invited", "pending",  "rejected",
                                       "removed", "left",    "declined", NULL};

/* 8-4-4-4-12 hexadecimal digits (RFC 9562). */
static bool is_uuid(const char *text) {
        for (size_t i = 0; i < 36; i++)
                if (i == 8 || i == 13 || i == 18 || i == 23 ? text[i] != '-'
                                                            : !isxdigit((unsigned char)text[i]))
                        return false;

        return !text[36];
}

static int check_arguments(const struct arguments *arguments, enum listing_format *ret_format) {
        for (char **status = arguments->statuses; status && *status; status++)
                if (!strv_contains((char *const *)statuses, *status))
                        return command_usage_error(&command_groups,
                                                   "no status '%s', but active, invited, pending, rejected, "
                                                   "removed, left and declined",
                                                   *status);

        *ret_format = output_is_terminal() ? LISTING_TABLE : LISTING_CSV;
        if (arguments->format && listing_format_from_string(ret_format, arguments->format))
                return command_usage_error(&command_groups, "no format '%s', but table, csv, json and jsonl",
                                           arguments->format);

        if (arguments->check && !is_uuid(arguments->check))
                return command_usage_error(&command_groups, "--check needs the id of a group, not '%s'",
                                           arguments->check);
        if (arguments->role && !arguments->check)
                return command_usage_error(&command_groups, "--role goes with --check");
        if (arguments->role && listing_role_rank(arguments->role) == 0)
                return command_usage_error(&command_groups, "no role '%s', but member, manager and admin",
                                           arguments->role);

        return 0;
}

static int run(const struct globals *globals, const void *record) {
        const struct arguments *arguments = record;
        const struct listing_question question = {arguments->check, arguments->role, arguments->statuses};
        _cleanup_(message_reply_deinit) struct message_reply reply = {};
        _cleanup_(buffer_deinit) struct buffer out = {};
        _cleanup_(rpc_deinit) struct rpc rpc = {};
        enum listing_format format;
        int status;

        status = check_arguments(arguments, &format);
        if (status)
                return status;

        rpc_begin(&rpc, RPC_METHOD("ListGroups"), RPC_REPEATABLE | RPC_REMOTE);
        rpc_write_profile(&rpc, globals);
        rpc_write_environment(&rpc, NULL);
        write_strings_member(&rpc.writer, "statuses", arguments->statuses);
        if (arguments->max_age >= 0)
                write_int_member(&rpc.writer, "max_age", arguments->max_age);

        status = rpc_run(&reply, &rpc, globals);
        if (status)
                return status;

        if (arguments->check)
                return listing_is_member(reply.parameters, &question) ? EXIT_SUCCESS : EXIT_STATUS_NOT_A_MEMBER;

        return output_finish(&out, listing_write(&out, reply.parameters, format, output_is_terminal()));
}

const struct command command_groups = {
        .name = "groups",
        .summary = "list the groups that you are in",
        .help = help,
        .options = options,
        .defaults = &defaults,
        .size = sizeof(struct arguments),
        .run = run,
};
