#include "client/rpc.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <time.h>

#include "client/output.h"
#include "client/start.h"
#include "client/text.h"
#include "proto/client.h"
#include "proto/error.h"

enum {
        RPC_ATTEMPTS_MAX = 2, /* of which the connection broke: a call may be what breaks the agent */
        RPC_PAUSE_MSEC = 100,
};

#define RPC_GRACE_USEC (2 * USEC_PER_SEC)
#define RESTART "restart it: systemctl --user restart globus-agent.service"

void rpc_begin(struct rpc *rpc, const char *method, enum rpc_flags flags) {
        *rpc = (struct rpc){.method = method, .flags = flags};
        rpc->writer = WRITER_INIT(&rpc->message);
        message_begin_call(&rpc->writer, method, 0);
        write_object_begin(&rpc->writer);
}

void rpc_deinit(struct rpc *rpc) {
        buffer_deinit(&rpc->message);
}

void rpc_write_profile(struct rpc *rpc, const struct globals *globals) {
        write_string_member(&rpc->writer, "profile", globals->profile);
}

void rpc_write_environment(struct rpc *rpc, const char *option) {
        write_string_member(&rpc->writer, "environment", option ?: command_getenv("GLOBUS_SDK_ENVIRONMENT"));
}

static bool agent_is_gone(int r) {
        return r == -EPIPE || r == -ECONNRESET || r == -ENODATA;
}

static bool is_other_version(int r) {
        return r == AGENT_ERROR_METHOD_NOT_FOUND || r == AGENT_ERROR_METHOD_NOT_IMPLEMENTED ||
               r == AGENT_ERROR_INTERFACE_NOT_FOUND;
}

static int rpc_end(struct rpc *rpc) {
        write_object_end(&rpc->writer);
        message_end(&rpc->writer);
        return writer_end(&rpc->writer);
}

static void fault_forget(struct fault *fault) {
        fault_deinit(fault);
        *fault = (struct fault){};
}

/* -ENOTCONN: there is no agent to talk to, as the fault says. Else the result of the call. */
static int rpc_attempt(struct message_reply *ret, const struct rpc *rpc, const struct globals *globals,
                       uint64_t deadline_usec, struct fault *fault) {
        _cleanup_(client_freep) struct client *client = NULL;
        _cleanup_(buffer_deinit) struct buffer message = {};
        int r;

        fault_forget(fault);
        r = start_connect(&client, globals, deadline_usec, fault);
        if (r)
                return -ENOTCONN;

        r = buffer_append(&message, buffer_bytes(&rpc->message), buffer_size(&rpc->message));
        return r ?: client_call(client, &message, deadline_usec, ret, fault);
}

/* Whether it is Globus that a call waits for: then the agent itself answers at once. */
static bool agent_answers(const struct globals *globals) {
        struct globals running = *globals;
        _cleanup_(message_reply_deinit) struct message_reply reply = {};
        _cleanup_(fault_deinit) struct fault fault = {};
        _cleanup_(rpc_deinit) struct rpc rpc = {};
        int r;

        running.no_autostart = true;
        rpc_begin(&rpc, "org.varlink.service.GetInfo", 0);
        r = rpc_end(&rpc);
        if (!r)
                r = rpc_attempt(&reply, &rpc, &running, client_now_usec() + RPC_GRACE_USEC, &fault);

        return r >= 0;
}

/* What failures of the connection, or of the versions to match, mean to the user. The exit status. */
static int rpc_explain(const struct rpc *rpc, const struct globals *globals, int r, struct fault *fault) {
        if (r == -ETIMEDOUT && rpc->flags & RPC_REMOTE && !(rpc->flags & RPC_TIMED) && agent_answers(globals)) {
                r = AGENT_ERROR_UNAVAILABLE;
                fault_set(fault, r,
                          "No answer within %" PRIi64 " s; try again later, or with a longer --timeout",
                          globals->timeout);
        } else if (r == -ETIMEDOUT) {
                fault_set(fault, r,
                          "globus-agent does not answer within %" PRIi64 " s; if it stays so, " RESTART,
                          globals->timeout);
        } else if (is_other_version(r)) {
                fault_set(fault, r,
                          "The running globus-agent is another version than this globus-agentctl and does not "
                          "know %s; " RESTART,
                          rpc->method);
        } else if (agent_is_gone(r)) {
                fault_set(fault, r, "globus-agent went away in the middle of the call; try again");
        } else if (r < 0 && fault->r == 0) {
                fault_set(fault, r, "Talking to globus-agent failed: %s", error_sentence(r));
        }

        return error_exit_status(r);
}

/* As often as that makes sense. An agent that says Stopping has done nothing, whatever the call, and is
 * followed by another one before long. */
static int rpc_attempt_all(struct message_reply *ret, const struct rpc *rpc, const struct globals *globals,
                           uint64_t deadline_usec, struct fault *fault) {
        for (int n_gone = 0;;) {
                int r = rpc_attempt(ret, rpc, globals, deadline_usec, fault);

                if (r == AGENT_ERROR_STOPPING && client_now_usec() < deadline_usec)
                        (void)poll(NULL, 0, RPC_PAUSE_MSEC);
                else if (!agent_is_gone(r) || !(rpc->flags & RPC_REPEATABLE) || ++n_gone == RPC_ATTEMPTS_MAX)
                        return r;
        }
}

int rpc_send(struct message_reply *ret, struct rpc *rpc, const struct globals *globals, struct fault *fault) {
        uint64_t deadline_usec = client_now_usec() + (uint64_t)globals->timeout * USEC_PER_SEC;
        int r;

        r = rpc_end(rpc);
        if (r)
                return error_exit_status(fault_set(fault, r, NULL));

        if (rpc->flags & RPC_TIMED)
                deadline_usec += RPC_GRACE_USEC;

        r = rpc_attempt_all(ret, rpc, globals, deadline_usec, fault);
        if (r == -ENOTCONN)
                return EXIT_STATUS_NO_AGENT;
        return r ? rpc_explain(rpc, globals, r, fault) : EXIT_SUCCESS;
}

int rpc_run(struct message_reply *ret, struct rpc *rpc, const struct globals *globals) {
        _cleanup_(fault_deinit) struct fault fault = {};
        int status;

        status = rpc_send(ret, rpc, globals, &fault);
        if (status)
                rpc_complain(&fault);

        return status;
}

int rpc_get_status(struct message_reply *ret, const struct globals *globals) {
        _cleanup_(rpc_deinit) struct rpc rpc = {};

        rpc_begin(&rpc, RPC_METHOD("GetStatus"), RPC_REPEATABLE);
        return rpc_run(ret, &rpc, globals);
}

/* A shell's word, whatever is in it. */
static int append_quoted(struct buffer *out, const char *word) {
        int r = buffer_append(out, "'", 1);

        for (; *word && !r; word++)
                r = *word == '\'' ? buffer_append_string(out, "'\\''") : buffer_append(out, word, 1);

        return r ?: buffer_append(out, "'", 1);
}

/* The command that meets a LoginNeeded, for the agent cannot know what its client is called. A first login asks
 * for the usual scopes by itself. */
static int append_login_command(struct buffer *out, const struct fault *fault) {
        bool first = fault->reason && streq(fault->reason, "never");
        int r = buffer_append_string(out, "; log in with: globus-agentctl login");

        if (!r && fault->profile && !streq(fault->profile, "default")) {
                r = buffer_append_string(out, " --profile ");
                r = r ?: append_quoted(out, fault->profile);
        }
        if (!r && fault->reason && streq(fault->reason, "client"))
                r = buffer_append_string(out, " --client-id ANOTHER-ID");
        for (char **scope = first ? NULL : fault->required_scopes; !r && scope && *scope; scope++) {
                r = buffer_append_string(out, " --scope ");
                r = r ?: append_quoted(out, *scope);
        }

        return r;
}

/* When to come again: no sooner does the agent ask Globus, or look at a passphrase, whoever calls. */
static int append_retry(struct buffer *out, const struct fault *fault) {
        int64_t wait = fault->retry_at - time(NULL);
        char pause[TEXT_DURATION_SIZE];
        int r;

        if (wait <= 0)
                return buffer_append_string(out, "; try again later");

        text_duration(pause, wait);
        r = buffer_append_string(out, "; try again in ");
        return r ?: buffer_append_string(out, pause);
}

/* Another try is for later only. */
static bool waits(const struct fault *fault) {
        return fault->r == AGENT_ERROR_UNAVAILABLE ||
               (fault->r == AGENT_ERROR_WRONG_PASSPHRASE && fault->retry_at > time(NULL));
}

void rpc_complain(const struct fault *fault) {
        _cleanup_(buffer_deinit) struct buffer hint = {};
        const char *message = fault_message(fault);
        int r = 0;

        if (fault->r == AGENT_ERROR_LOGIN_NEEDED && !strstr(message, "globus-agentctl"))
                r = append_login_command(&hint, fault);
        if (waits(fault) && !strstr(message, "try again"))
                r = append_retry(&hint, fault);
        if (fault->r == -ENOTCONN)
                r = buffer_append_string(&hint, "; leave out --no-autostart to start one");
        if (r)
                buffer_clear(&hint);

        output_error("%s%.*s", message, (int)buffer_size(&hint), buffer_bytes(&hint) ?: "");
}
