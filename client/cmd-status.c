#include "client/command.h"
#include "client/output.h"
#include "client/reply.h"
#include "client/rpc.h"
#include "client/status-text.h"

struct arguments {
        bool json;
};

static const struct arguments defaults = {};

static const struct option_spec options[] = {
        {"json", OPTION_FLAG, offsetof(struct arguments, json), 0},
        {},
};

static const char help[] = "Usage: globus-agentctl status [OPTION]...\n"
                           "\n"
                           "Show the agent, its settings, what protects the store, and for each grant its\n"
                           "scopes, the time left, the next refresh, the last success, the last error and\n"
                           "the tries so far, and whether it is saved.\n"
                           "\n"
                           "      --json  the same as JSON\n";

static int json_write(struct buffer *out, struct json_object *status) {
        int r = reply_append_json(out, status);

        return r ?: buffer_append(out, "\n", 1);
}

static int run(const struct globals *globals, const void *record) {
        const struct arguments *arguments = record;
        _cleanup_(message_reply_deinit) struct message_reply reply = {};
        _cleanup_(buffer_deinit) struct buffer out = {};
        int status;

        status = rpc_get_status(&reply, globals);
        if (status)
                return status;

        return output_finish(&out, arguments->json ? json_write(&out, reply.parameters)
                                                   : status_text_write(&out, reply.parameters));
}

const struct command command_status = {
        .name = "status",
        .summary = "show the agent, its settings and its tokens' state",
        .help = help,
        .options = options,
        .defaults = &defaults,
        .size = sizeof(struct arguments),
        .run = run,
};
