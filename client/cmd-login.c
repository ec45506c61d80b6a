#include "client/command.h"
#include "client/output.h"
#include "client/paste.h"
#include "client/reply.h"
#include "client/rpc.h"
#include "client/text.h"
#include "proto/error.h"
#include "proto/json.h"

struct arguments {
        char **scopes, **services;
        const char *client_id, *environment, *finish;
        bool no_refresh_token, paste, no_browser, force, start, json;
};

static const struct arguments defaults = {};

static const struct option_spec options[] = {
        {"scope", OPTION_STRINGS, offsetof(struct arguments, scopes), 0},
        {"service", OPTION_STRINGS, offsetof(struct arguments, services), 0},
        {"client-id", OPTION_STRING, offsetof(struct arguments, client_id), 0},
        {"environment", OPTION_STRING, offsetof(struct arguments, environment), 0},
        {"no-refresh-token", OPTION_FLAG, offsetof(struct arguments, no_refresh_token), 0},
        {"paste", OPTION_FLAG, offsetof(struct arguments, paste), 0},
        {"no-browser", OPTION_FLAG, offsetof(struct arguments, no_browser), 0},
        {"force", OPTION_FLAG, offsetof(struct arguments, force), 0},
        {"start", OPTION_FLAG, offsetof(struct arguments, start), 0},
        {"json", OPTION_FLAG, offsetof(struct arguments, json), 0},
        {"finish", OPTION_STRING, offsetof(struct arguments, finish), 0},
        {},
};

static const char help[] = "Usage: globus-agentctl login [OPTION]...\n"
                           "       globus-agentctl login --start [--json] [OPTION]...\n"
                           "       globus-agentctl login --finish LOGIN-ID\n"
                           "\n"
                           "Log in to Globus: open the URL that is printed in a browser, anywhere, and paste\n"
                           "the code that it shows. It asks for your groups, or for what is named here. It\n"
                           "adds to what the profile has been granted; if nothing is missing, it says so.\n"
                           "\n"
                           "      --scope SCOPE       ask for this scope; can be given again\n"
                           "      --service ALIAS     ask for what is usual with groups, auth, transfer,\n"
                           "                          search, flows, timers or compute; can be given again\n"
                           "      --client-id ID      of a native application registered with Globus\n"
                           "      --environment ENV   another Globus environment than production\n"
                           "      --no-refresh-token  a login that ends with its access tokens\n"
                           "      --paste             take the code from the terminal\n"
                           "      --no-browser        open no browser\n"
                           "      --force             log in even if nothing is missing; let another identity\n"
                           "                          replace the one of the profile\n"
                           "      --start             print the URL and the login's id, and end;\n"
                           "                          with --json as login_id and authorize_url\n"
                           "      --finish LOGIN-ID   read the code from standard input\n";

static int login_start(struct message_reply *ret, const struct globals *globals,
                       const struct arguments *arguments) {
        static const char *const redirects[] = {"paste", NULL};
        _cleanup_(rpc_deinit) struct rpc rpc = {};
        struct writer *writer = &rpc.writer;

        rpc_begin(&rpc, RPC_METHOD("StartLogin"), RPC_REPEATABLE); /* a login ends with the agent */
        rpc_write_profile(&rpc, globals);
        rpc_write_environment(&rpc, arguments->environment);
        write_string_member(writer, "auth_url", command_getenv("GLOBUS_SDK_SERVICE_URL_AUTH"));
        write_string_member(writer, "groups_url", command_getenv("GLOBUS_SDK_SERVICE_URL_GROUPS"));
        write_string_member(writer, "client_id", arguments->client_id);
        write_strings_member(writer, "redirects", (char *const *)redirects);
        if (arguments->no_refresh_token)
                write_bool_member(writer, "refresh_tokens", false);
        if (arguments->force)
                write_bool_member(writer, "force", true);

        if (arguments->scopes || arguments->services) {
                write_name(writer, "scopes");
                write_array_begin(writer);
                for (char **scope = arguments->scopes; scope && *scope; scope++)
                        write_string(writer, *scope);
                for (char **service = arguments->services; service && *service; service++)
                        write_string(writer, *service);
                write_array_end(writer);
        }

        return rpc_run(ret, &rpc, globals);
}

static const char *login_url(struct json_object *started) {
        size_t n = reply_length(started, "authorize_urls");

        for (size_t i = 0; i < n; i++) {
                struct json_object *url = reply_element(started, "authorize_urls", i);
                const char *redirect = json_get_string(url, "redirect");

                if (redirect && streq(redirect, "paste"))
                        return json_get_string(url, "url");
        }

        return NULL;
}

/* --start for a program. The members are null where nothing is missing. */
static int append_started_json(struct buffer *out, struct json_object *started) {
        const char *login_id = json_get_string(started, "login_id"), *url = login_url(started);
        int64_t expires_at = reply_int(started, "expires_at", -1);
        _cleanup_(buffer_deinit) struct buffer text = {};
        struct writer writer = WRITER_INIT(&text);
        int r;

        write_object_begin(&writer);
        write_name(&writer, "login_id");
        login_id ? write_string(&writer, login_id) : write_raw(&writer, "null", 4);
        write_name(&writer, "authorize_url");
        login_id ? write_string(&writer, url) : write_raw(&writer, "null", 4);
        write_name(&writer, "expires_at");
        expires_at >= 0 ? write_int(&writer, expires_at) : write_raw(&writer, "null", 4);
        write_object_end(&writer);

        r = writer_end(&writer);
        r = r ?: text_append_json_safe(out, buffer_bytes(&text), buffer_size(&text));
        return r ?: buffer_append(out, "\n", 1);
}

/* The same for a person who goes on later. */
static int append_started_text(struct buffer *out, const char *login_id, const char *url) {
        int r = buffer_append_string(out, "Please log in to Globus here:\n\n");

        r = r ?: text_append_safe(out, url, strlen(url));
        r = r ?: buffer_append_string(out, "\n\nThen run: globus-agentctl login --finish ");
        r = r ?: text_append_safe(out, login_id, strlen(login_id));
        return r ?: buffer_append(out, "\n", 1);
}

/* Nothing is missing; who it is is worth a question, but no failure. */
static void say_already(const struct globals *globals, const char *environment) {
        _cleanup_(message_reply_deinit) struct message_reply reply = {};
        _cleanup_(fault_deinit) struct fault fault = {};
        _cleanup_(rpc_deinit) struct rpc rpc = {};
        const char *username = NULL;

        rpc_begin(&rpc, RPC_METHOD("GetIdentity"), RPC_REPEATABLE | RPC_REMOTE);
        rpc_write_profile(&rpc, globals);
        rpc_write_environment(&rpc, environment);
        if (rpc_send(&reply, &rpc, globals, &fault) == EXIT_SUCCESS)
                username = json_get_string(reply.parameters, "username");

        output_note(globals, "Already logged in%s%s (profile '%s'); --force logs in again",
                    username ? " as " : "", username ?: "", globals->profile ?: "default");
}

static int check_arguments(const struct arguments *arguments) {
        if (arguments->finish &&
            (arguments->start || arguments->scopes || arguments->services || arguments->client_id ||
             arguments->environment || arguments->force || arguments->no_refresh_token))
                return command_usage_error(&command_login,
                                           "--finish goes with no other option: they belong to --start");
        if (arguments->json && !arguments->start)
                return command_usage_error(&command_login, "--json goes with --start");

        return 0;
}

static int run(const struct globals *globals, const void *record) {
        const struct arguments *arguments = record;
        _cleanup_(message_reply_deinit) struct message_reply reply = {};
        _cleanup_(buffer_deinit) struct buffer out = {};
        const char *login_id, *url;
        int status;

        status = check_arguments(arguments);
        if (status)
                return status;
        if (arguments->finish)
                return paste_finish(globals, arguments->finish);

        status = login_start(&reply, globals, arguments);
        if (status)
                return status;

        login_id = json_get_string(reply.parameters, "login_id");
        url = login_url(reply.parameters);
        if (login_id && !url) {
                output_error("The running globus-agent knows no login with a code to paste; "
                             "restart it: systemctl --user restart globus-agent.service");
                return EXIT_STATUS_FAILED;
        }

        if (!login_id)
                say_already(globals, arguments->environment);
        if (arguments->start && arguments->json)
                return output_finish(&out, append_started_json(&out, reply.parameters));
        if (!login_id)
                return EXIT_SUCCESS;
        if (arguments->start)
                return output_finish(&out, append_started_text(&out, login_id, url));

        return paste_login(globals, login_id, url);
}

const struct command command_login = {
        .name = "login",
        .summary = "log in to Globus",
        .help = help,
        .options = options,
        .defaults = &defaults,
        .size = sizeof(struct arguments),
        .run = run,
};
