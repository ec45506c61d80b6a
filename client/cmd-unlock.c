#include "client/command.h"

#include <errno.h>
#include <time.h>

#include "client/output.h"
#include "client/passphrase.h"
#include "client/reply.h"
#include "client/rpc.h"
#include "client/text.h"
#include "proto/error.h"
#include "proto/json.h"

struct arguments {
        bool from_stdin;
};

static const struct arguments defaults = {};

static const struct option_spec options[] = {
        {"stdin", OPTION_FLAG, offsetof(struct arguments, from_stdin), 0},
        {},
};

static const char help[] = "Usage: globus-agentctl unlock [OPTION]...\n"
                           "\n"
                           "Open a locked agent again. Where a passphrase is needed it is asked for on the\n"
                           "terminal, up to three times.\n"
                           "\n"
                           "      --stdin  read the passphrase from standard input\n";

static int unlock(const struct globals *globals, const struct secret *passphrase, struct fault *fault) {
        _cleanup_(message_reply_deinit) struct message_reply reply = {};
        _cleanup_(rpc_deinit) struct rpc rpc = {};
        int status;

        rpc_begin(&rpc, RPC_METHOD("Unlock"), RPC_REPEATABLE);
        passphrase_write(&rpc, passphrase);
        status = rpc_send(&reply, &rpc, globals, fault);
        if (!status)
                output_note(globals, "Unlocked");

        return status;
}

/* The agent looks at none before. A person types meanwhile. */
static void wait_until(const struct globals *globals, int64_t retry_at) {
        const struct timespec at = {.tv_sec = retry_at};
        int64_t wait = retry_at - time(NULL);
        char pause[TEXT_DURATION_SIZE];

        if (wait <= 0)
                return;

        text_duration(pause, wait);
        output_note(globals, "It can be tried in %s", pause);
        while (clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &at, NULL) == EINTR)
                ;
}

/* One try. -EINVAL: the passphrase is wrong, or is none; *retry_at says when another one is looked at. Else
 * *ret_status is the end. */
static int try_passphrase(int *ret_status, const struct globals *globals, struct prompt *prompt,
                          int64_t *retry_at) {
        _cleanup_(secret_freep) struct secret *passphrase = NULL;
        _cleanup_(fault_deinit) struct fault fault = {};
        int r;

        *ret_status = error_exit_status(AGENT_ERROR_LOCKED);
        r = passphrase_ask(&passphrase, prompt, "Enter the passphrase: ");
        if (r)
                return r;

        wait_until(globals, *retry_at);
        *ret_status = unlock(globals, passphrase, &fault);
        if (!*ret_status)
                return 0;

        rpc_complain(&fault);
        *retry_at = fault.retry_at;
        return fault.r == AGENT_ERROR_WRONG_PASSPHRASE ? -EINVAL : fault.r;
}

static int unlock_by_passphrase(const struct globals *globals, bool from_stdin) {
        _cleanup_(prompt_deinit) struct prompt prompt = PROMPT_NULL;
        int64_t retry_at = 0;
        int status;

        if (passphrase_begin(&prompt, from_stdin))
                return error_exit_status(AGENT_ERROR_LOCKED);

        for (int n = 0; n < PASSPHRASE_TRIES; n++)
                if (try_passphrase(&status, globals, &prompt, &retry_at) != -EINVAL || !prompt.terminal)
                        break;

        return status;
}

static int run(const struct globals *globals, const void *record) {
        const struct arguments *arguments = record;
        _cleanup_(message_reply_deinit) struct message_reply reply = {};
        _cleanup_(fault_deinit) struct fault fault = {};
        struct json_object *store;
        const char *state;
        int status;

        status = rpc_get_status(&reply, globals);
        if (status)
                return status;

        store = json_get_object(reply.parameters, "store");
        state = json_get_string(store, "state") ?: "";
        if (streq(state, "open") || streq(state, "none")) {
                output_note(globals, "It is not locked");
                return EXIT_SUCCESS;
        }
        if (reply_bool(store, "needs_passphrase"))
                return unlock_by_passphrase(globals, arguments->from_stdin);

        status = unlock(globals, NULL, &fault);
        if (fault.r == AGENT_ERROR_LOCKED) /* it was still opening when it was asked */
                return unlock_by_passphrase(globals, arguments->from_stdin);
        if (status)
                rpc_complain(&fault);

        return status;
}

const struct command command_unlock = {
        .name = "unlock",
        .summary = "open a locked agent again",
        .help = help,
        .options = options,
        .defaults = &defaults,
        .size = sizeof(struct arguments),
        .run = run,
};
