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

static int append_all_not_revoked(struct buffer *line, struct json_object *parameters) {
        size_t n = reply_length(parameters, "not_revoked");
        int r = 0;

        for (size_t i = 0; !r && i < n; i++)
                r = append_not_revoked(line, reply_element(parameters, "not_revoked", i));

        return r ?: buffer_append(line, "", 1);
}

/* In one line, as every failure. */
static int say_what_failed(struct json_object *parameters) {
        const char *url = json_get_string(parameters, "consents_url") ?: "Globus";
        const char *not_saved = json_get_string(parameters, "not_saved");
        _cleanup_(buffer_deinit) struct buffer line = {};
        bool all_revoked = reply_length(parameters, "not_revoked") == 0;
        const char *not_revoked;

        if (all_revoked && !not_saved)
                return EXIT_SUCCESS;

        not_revoked = append_all_not_revoked(&line, parameters) ? "?" : buffer_bytes(&line);
        if (!not_saved)
                output_error("Forgotten here, but not revoked at Globus: %s; revoke what is left at %s",
                             not_revoked, url);
        else if (all_revoked)
                output_error("Logged out, but the disk still has the login: %s", not_saved);
        else
                output_error("Logged out, but the disk still has the login: %s; and not revoked at Globus: %s; "
                             "revoke what is left at %s",
                             not_saved, not_revoked, url);

        return error_exit_status(not_saved ? AGENT_ERROR_STORAGE_FAILED : AGENT_ERROR_UNAVAILABLE);
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
        return say_what_failed(reply.parameters);
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
