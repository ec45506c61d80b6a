#include "client/command.h"
#include "client/output.h"
#include "client/passphrase.h"
#include "client/rpc.h"
#include "client/text.h"
#include "proto/error.h"
#include "proto/json.h"

struct arguments {
        const char *name; /* NULL: show it */
        bool from_stdin, unencrypted;
};

static const struct arguments defaults = {};

static const struct option_spec options[] = {
        {"NAME", OPTION_OPERAND, offsetof(struct arguments, name), 0},
        {"stdin", OPTION_FLAG, offsetof(struct arguments, from_stdin), 0},
        {"yes-store-tokens-unencrypted", OPTION_FLAG, offsetof(struct arguments, unencrypted), 0},
        {},
};

static const char help[] =
        "Usage: globus-agentctl key\n"
        "       globus-agentctl key NAME [OPTION]...\n"
        "\n"
        "Show what protects the store, or have it protected from now on, with a new key, by\n"
        "\n"
        "  auto           systemd-creds where it can be had, else keyfile\n"
        "  systemd-creds  the TPM or host key of this machine, through systemd\n"
        "  keyfile        a key file beside the configuration\n"
        "  passphrase     a passphrase, asked for on the terminal, twice\n"
        "  memory         nothing is on disk: a restart of the machine is a logout\n"
        "  plaintext      nothing: whoever can read the store has your tokens\n"
        "\n"
        "      --stdin    read the passphrase from standard input, once\n"
        "      --yes-store-tokens-unencrypted\n"
        "                 what plaintext demands\n";

static const char *const names[] = {"auto", "systemd-creds", "keyfile", "passphrase", "memory", "plaintext"};

static bool name_is_known(const char *name) {
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (streq(names[i], name))
                        return true;

        return false;
}

static int check_arguments(const struct arguments *arguments) {
        const char *name = arguments->name ?: "";

        if (arguments->name && !name_is_known(name))
                return command_usage_error(&command_key,
                                           "no '%s' protects a store, but auto, systemd-creds, keyfile, "
                                           "passphrase, memory and plaintext",
                                           name);
        if (arguments->from_stdin && !streq(name, "passphrase"))
                return command_usage_error(&command_key, "--stdin goes with passphrase");
        if (arguments->unencrypted && !streq(name, "plaintext"))
                return command_usage_error(&command_key, "--yes-store-tokens-unencrypted goes with plaintext");
        if (!arguments->unencrypted && streq(name, "plaintext"))
                return command_usage_error(
                        &command_key,
                        "with plaintext whoever can read the store, in a backup, say, can act as you; if you "
                        "want that, add --yes-store-tokens-unencrypted");

        return EXIT_SUCCESS;
}

static int key_write(struct buffer *out, struct json_object *store) {
        const char *protector = json_get_string(store, "protector"),
                   *protection = json_get_string(store, "protection") ?: "";
        int r = 0;

        if (protector) {
                r = text_append_safe(out, protector, strlen(protector));
                r = r ?: buffer_append_string(out, ": ");
        }
        r = r ?: text_append_safe(out, protection, strlen(protection));
        return r ?: buffer_append(out, "\n", 1);
}

static int show(const struct globals *globals) {
        _cleanup_(message_reply_deinit) struct message_reply reply = {};
        _cleanup_(buffer_deinit) struct buffer out = {};
        int status;

        status = rpc_get_status(&reply, globals);
        if (status)
                return status;

        return output_finish(&out, key_write(&out, json_get_object(reply.parameters, "store")));
}

static int change(const struct globals *globals, const struct arguments *arguments) {
        _cleanup_(message_reply_deinit) struct message_reply reply = {};
        _cleanup_(secret_freep) struct secret *passphrase = NULL;
        _cleanup_(rpc_deinit) struct rpc rpc = {};
        int status = EXIT_SUCCESS;

        if (streq(arguments->name, "passphrase"))
                status = passphrase_ask_new(&passphrase, arguments->from_stdin);
        if (status)
                return status;

        rpc_begin(&rpc, RPC_METHOD("SetKey"), 0);
        write_string_member(&rpc.writer, "protector", arguments->name);
        passphrase_write(&rpc, passphrase);
        if (arguments->unencrypted)
                write_bool_member(&rpc.writer, "force", true);

        status = rpc_run(&reply, &rpc, globals);
        if (status)
                return status;

        output_note(globals, "Now %s: %s", json_get_string(reply.parameters, "protector") ?: arguments->name,
                    json_get_string(reply.parameters, "protection") ?: "?");
        if (streq(arguments->name, "memory"))
                output_note(globals,
                            "After a restart of the machine, or of an agent that systemd does not run, "
                            "you have to log in again");
        return EXIT_SUCCESS;
}

static int run(const struct globals *globals, const void *record) {
        const struct arguments *arguments = record;
        int status;

        status = check_arguments(arguments);
        if (status)
                return status;

        return arguments->name ? change(globals, arguments) : show(globals);
}

const struct command command_key = {
        .name = "key",
        .summary = "show or change what protects the store",
        .help = help,
        .options = options,
        .defaults = &defaults,
        .size = sizeof(struct arguments),
        .run = run,
};
