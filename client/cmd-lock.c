#include "client/command.h"

#include <errno.h>

#include "client/output.h"
#include "client/passphrase.h"
#include "client/rpc.h"
#include "proto/error.h"

struct arguments {
        bool password, force, from_stdin;
};

static const struct arguments defaults = {};

static const struct option_spec options[] = {
        {"password", OPTION_FLAG, offsetof(struct arguments, password), 0},
        {"force", OPTION_FLAG, offsetof(struct arguments, force), 0},
        {"stdin", OPTION_FLAG, offsetof(struct arguments, from_stdin), 0},
        {},
};

static const char help[] = "Usage: globus-agentctl lock [OPTION]...\n"
                           "\n"
                           "Wipe tokens and keys from the agent's memory. Until unlock no command that needs\n"
                           "them works (exit status 5).\n"
                           "\n"
                           "      --password  ask for a passphrase, twice, without which nothing unlocks it,\n"
                           "                  not even a restart\n"
                           "      --stdin     read the passphrase from standard input, once\n"
                           "      --force     lock although something is not on disk, which is lost then\n";

/* Where nobody runs nothing is in memory; but a passphrase has to be told to somebody. */
static int lock(const struct globals *globals, const struct arguments *arguments,
                const struct secret *passphrase, struct fault *fault) {
        _cleanup_(message_reply_deinit) struct message_reply reply = {};
        _cleanup_(rpc_deinit) struct rpc rpc = {};
        struct globals without_start = *globals;

        without_start.no_autostart = true;
        rpc_begin(&rpc, RPC_METHOD("Lock"), passphrase ? 0 : RPC_REPEATABLE);
        passphrase_write(&rpc, passphrase);
        if (arguments->force)
                write_bool_member(&rpc.writer, "force", true);

        return rpc_send(&reply, &rpc, passphrase ? globals : &without_start, fault);
}

static void complain(const struct fault *fault, bool force) {
        const char *message = fault_message(fault);

        if (fault->r == AGENT_ERROR_STORAGE_FAILED && !force && !strstr(message, "--force"))
                output_error("%s; lock --force locks all the same, and what is not on disk is lost", message);
        else
                rpc_complain(fault);
}

static int run(const struct globals *globals, const void *record) {
        const struct arguments *arguments = record;
        _cleanup_(secret_freep) struct secret *passphrase = NULL;
        _cleanup_(fault_deinit) struct fault fault = {};
        int status = EXIT_SUCCESS;

        if (arguments->from_stdin && !arguments->password)
                return command_usage_error(&command_lock, "--stdin goes with --password");
        if (arguments->password)
                status = passphrase_ask_new(&passphrase, arguments->from_stdin);
        if (status)
                return status;

        status = lock(globals, arguments, passphrase, &fault);
        if (fault.r == -ENOTCONN && !passphrase) {
                output_note(globals, "%s: there is nothing to lock", fault_message(&fault));
                return EXIT_SUCCESS;
        }
        if (status)
                complain(&fault, arguments->force);
        else
                output_note(globals, "Locked; %s opens again with%s: globus-agentctl unlock",
                            arguments->force ? "what is on disk" : "it",
                            passphrase ? " this passphrase only" : "");

        return status;
}

const struct command command_lock = {
        .name = "lock",
        .summary = "wipe tokens and keys from the agent's memory",
        .help = help,
        .options = options,
        .defaults = &defaults,
        .size = sizeof(struct arguments),
        .run = run,
};
