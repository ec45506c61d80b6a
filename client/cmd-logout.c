#include "client/command.h"
#include "client/output.h"
#include "client/reply.h"
#include "client/rpc.h"
#include "proto/error.h"
#include "proto/json.h"

struct arguments {
        bool all;
};

static const struct arguments defaults = {};

static const struct option_spec options[] = {
        {"all", OPTION_FLAG, offsetof(struct arguments, all), 0},
        {},
};

static const char help[] = "Usage: globus-agentctl logout [OPTION]...\n"
                           "\n"
                           "Revoke the profile's tokens at Globus and forget them here, whatever the network\n"
                           "says. What could not be revoked is named (exit status 6).\n"
                           "\n"
                           "      --all  of every profile; also moves a store that cannot be read aside\n";

static const char *member(struct json_object *object, const char *name) {
        return json_get_string(object, name) ?: "?";
}

static void say_revoked(const struct globals *globals, struct json_object *parameters) {
        const char *moved_to = json_get_string(parameters, "moved_to");
        size_t n = reply_length(parameters, "revoked");

        for (size_t i = 0; i < n; i++) {
                struct json_object *revocation = reply_element(parameters, "revoked", i);

                output_note(globals, "Revoked %s (profile '%s')", member(revocation, "resource_server"),
                            member(revocation, "profile"));
        }

        if (moved_to)
                output_note(globals, "The store that could not be read is now %s", moved_to);
        else if (n + reply_length(parameters, "not_revoked") == 0)
                output_note(globals, "Nobody was logged in: there was nothing to revoke");
}

static int append_not_revoked(struct buffer *line, struct json_object *revocation) {
        const char *error = json_get_string(revocation, "error");
        int r = buffer_append_string(line, buffer_size(line) ? ", " : "");

        r = r ?: buffer_append_string(line, member(revocation, "resource_server"));
        r = r ?: buffer_append_string(line, " (profile '");
        r = r ?: buffer_append_string(line, member(revocation, "profile"));
        r = r ?: buffer_append_string(line, "'");
        r = r ?: buffer_append_string(line, error ? ": " : "");
        r = r ?: buffer_append_string(line, error ?: "");
        return r ?: buffer_append_string(line, ")");
}

/* In one line, as every failure. */
static int say_not_revoked(struct json_object *parameters) {
        const char *url = json_get_string(parameters, "consents_url");
        _cleanup_(buffer_deinit) struct buffer line = {};
        size_t n = reply_length(parameters, "not_revoked");

        if (n == 0)
                return EXIT_SUCCESS;

        for (size_t i = 0; i < n; i++)
                if (append_not_revoked(&line, reply_element(parameters, "not_revoked", i)))
                        break;

        output_error("Forgotten here, but not revoked at Globus: %.*s; revoke it at %s",
                     (int)buffer_size(&line), buffer_bytes(&line) ?: "", url ?: "Globus");
        return error_exit_status(AGENT_ERROR_UNAVAILABLE);
}

static int run(const struct globals *globals, const void *record) {
        const struct arguments *arguments = record;
        _cleanup_(message_reply_deinit) struct message_reply reply = {};
        _cleanup_(rpc_deinit) struct rpc rpc = {};
        int status;

        rpc_begin(&rpc, RPC_METHOD("Logout"), RPC_REMOTE);
        if (arguments->all)
                write_bool_member(&rpc.writer, "all", true);
        else
                rpc_write_profile(&rpc, globals);

        status = rpc_run(&reply, &rpc, globals);
        if (status)
                return status;

        say_revoked(globals, reply.parameters);
        return say_not_revoked(reply.parameters);
}

const struct command command_logout = {
        .name = "logout",
        .summary = "revoke the tokens and forget them",
        .help = help,
        .options = options,
        .defaults = &defaults,
        .size = sizeof(struct arguments),
        .run = run,
};
