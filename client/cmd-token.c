#include <errno.h>

#include "client/command.h"
#include "client/output.h"
#include "client/prompt.h"
#include "client/reply.h"
#include "client/rpc.h"
#include "proto/error.h"
#include "proto/json.h"

struct arguments {
        const char *resource, *format;
        int64_t min_valid; /* -1: unset */
        bool refresh, rejected;
};

static const struct arguments defaults = {.resource = "groups", .format = "raw", .min_valid = -1};

static const struct option_spec options[] = {
        {"RESOURCE", OPTION_OPERAND, offsetof(struct arguments, resource), 0},
        {"min-valid", OPTION_SECONDS, offsetof(struct arguments, min_valid), 0},
        {"refresh", OPTION_FLAG, offsetof(struct arguments, refresh), 0},
        {"rejected", OPTION_FLAG, offsetof(struct arguments, rejected), 0},
        {"format", OPTION_STRING, offsetof(struct arguments, format), 0},
        {},
};

static const char help[] = "Usage: globus-agentctl token [RESOURCE] [OPTION]...\n"
                           "\n"
                           "Print a valid access token, waiting for a refresh if one is needed.\n"
                           "\n"
                           "RESOURCE is an alias (groups, auth, transfer, search, flows, timers, compute),\n"
                           "a resource server, or a scope; without it groups.\n"
                           "\n"
                           "      --min-valid SECONDS  demand that it stays valid as long (exit status 8 if\n"
                           "                           Globus gives less); without it 60 s are wished for\n"
                           "      --refresh            ask Globus for a new one now (6 if none can be had)\n"
                           "      --rejected           read from stdin a token that a server refused, print\n"
                           "                           another one (6 if none can be had)\n"
                           "      --format FORMAT      raw     the token and a newline; the default\n"
                           "                           json    with its scopes, expiry and resource server\n"
                           "                           header  Authorization: Bearer TOKEN\n"
                           "                           env     BEARER_TOKEN=TOKEN\n"
                           "                           curl    a line for: curl -K - URL\n";

static const struct format {
        const char *name, *before, *after;
} formats[] = {
        {"raw", "", "\n"},
        {"header", "Authorization: Bearer ", "\n"},
        {"env", "BEARER_TOKEN=", "\n"},
        {"curl", "header = \"Authorization: Bearer ", "\"\n"},
        {"json", NULL, NULL},
};

static const struct format *format_find(const char *name) {
        for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
                if (streq(formats[i].name, name))
                        return formats + i;

        return NULL;
}

/* Of the characters of a bearer token (RFC 6750, section 2.1): nothing that a shell, curl or a header minds. */
static bool token_is_plain(const char *token) {
        static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=";

        return *token && strspn(token, allowed) == strlen(token);
}

static int token_write(struct buffer *out, struct json_object *parameters, const struct format *format) {
        const char *token = json_get_string(parameters, "access_token");
        int r;

        if (!format->before) {
                r = reply_append_json(out, parameters);
                return r ?: buffer_append(out, "\n", 1);
        }

        r = buffer_append_string(out, format->before);
        r = r ?: buffer_append_string(out, token);
        return r ?: buffer_append_string(out, format->after);
}

/* The exit status, having said what is wrong. */
static int read_rejected(struct prompt *prompt) {
        const char *token;
        size_t n = 0;
        int r;

        prompt_init(prompt);
        r = prompt_read_line(prompt, "Enter the token that was refused: ");
        if (!r)
                prompt_line(prompt, &token, &n);

        if (r == -EINTR)
                output_error("Interrupted");
        else if (r == -EMSGSIZE)
                output_error("That line is too long for a token");
        else if (r && r != -ENODATA)
                output_error("Cannot read the token that was refused: %s", error_sentence(r));
        else if (n == 0)
                output_error("No token that was refused was given; --rejected reads it from standard input");

        return n > 0 ? EXIT_SUCCESS : EXIT_STATUS_FAILED;
}

/* The exit status, having said what is wrong. */
static int begin_call(struct rpc *rpc, const struct globals *globals, const struct arguments *arguments) {
        _cleanup_(prompt_deinit) struct prompt prompt = PROMPT_NULL;
        const char *token;
        size_t n;

        if (arguments->rejected && read_rejected(&prompt))
                return EXIT_STATUS_FAILED;

        rpc_begin(rpc, RPC_METHOD("GetToken"), RPC_REPEATABLE | RPC_REMOTE | RPC_TIMED);
        write_string_member(&rpc->writer, "resource", arguments->resource);
        rpc_write_profile(rpc, globals);
        rpc_write_environment(rpc, NULL);
        if (arguments->min_valid >= 0)
                write_int_member(&rpc->writer, "min_valid", arguments->min_valid);
        if (arguments->refresh)
                write_bool_member(&rpc->writer, "refresh", true);
        if (arguments->rejected) {
                prompt_line(&prompt, &token, &n);
                write_name(&rpc->writer, "rejected_token");
                write_string_n(&rpc->writer, token, n);
        }
        write_int_member(&rpc->writer, "timeout", globals->timeout);
        return EXIT_SUCCESS;
}

static int run(const struct globals *globals, const void *record) {
        const struct arguments *arguments = record;
        const struct format *format = format_find(arguments->format);
        _cleanup_(message_reply_deinit) struct message_reply reply = {};
        _cleanup_(buffer_deinit) struct buffer out = {};
        _cleanup_(rpc_deinit) struct rpc rpc = {};
        const char *token;
        int status;

        if (!format)
                return command_usage_error(&command_token,
                                           "no format '%s', but raw, json, header, env and curl",
                                           arguments->format);

        status = begin_call(&rpc, globals, arguments);
        if (!status)
                status = rpc_run(&reply, &rpc, globals);
        if (status)
                return status;

        token = json_get_string(reply.parameters, "access_token");
        if (!token || (format->before && !token_is_plain(token))) {
                output_error("The agent's answer holds no token that can be printed so; try --format json");
                return EXIT_STATUS_FAILED;
        }

        return output_finish(&out, token_write(&out, reply.parameters, format));
}

const struct command command_token = {
        .name = "token",
        .summary = "print a valid access token",
        .help = help,
        .options = options,
        .defaults = &defaults,
        .size = sizeof(struct arguments),
        .run = run,
};
