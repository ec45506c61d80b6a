#include "client/command.h"
#include "client/output.h"
#include "client/reply.h"
#include "client/rpc.h"
#include "client/text.h"
#include "proto/json.h"

struct arguments {
        bool json;
};

static const struct arguments defaults = {};

static const struct option_spec options[] = {
        {"json", OPTION_FLAG, offsetof(struct arguments, json), 0},
        {},
};

static const char help[] = "Usage: globus-agentctl whoami [OPTION]...\n"
                           "\n"
                           "Print the username of the identity behind the profile.\n"
                           "\n"
                           "      --json  all that is known of it, as JSON\n";

static int identity_write(struct buffer *out, struct json_object *identity, bool json) {
        const char *username = json_get_string(identity, "username") ?: "";
        int r;

        if (json)
                r = reply_append_json(out, identity);
        else
                r = text_append_safe(out, username, strlen(username));

        return r ?: buffer_append(out, "\n", 1);
}

static int run(const struct globals *globals, const void *record) {
        const struct arguments *arguments = record;
        _cleanup_(message_reply_deinit) struct message_reply reply = {};
        _cleanup_(buffer_deinit) struct buffer out = {};
        _cleanup_(rpc_deinit) struct rpc rpc = {};
        int status;

        rpc_begin(&rpc, RPC_METHOD("GetIdentity"), RPC_REPEATABLE | RPC_REMOTE);
        rpc_write_profile(&rpc, globals);
        rpc_write_environment(&rpc, NULL);

        status = rpc_run(&reply, &rpc, globals);
        if (status)
                return status;

        return output_finish(&out, identity_write(&out, reply.parameters, arguments->json));
}

const struct command command_whoami = {
        .name = "whoami",
        .summary = "print who is logged in",
        .help = help,
        .options = options,
        .defaults = &defaults,
        .size = sizeof(struct arguments),
        .run = run,
};
