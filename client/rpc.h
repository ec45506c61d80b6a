#pragma once

/*
 * Rpc: one call to the agent, from its parameters to the reply or to one line on stderr and the exit status.
 *
 * Each call has a connection of its own: a person may think for minutes between two of them, and the agent may
 * have been restarted meanwhile.
 */

#include "client/command.h"
#include "proto/fault.h"
#include "proto/message.h"
#include "proto/writer.h"

#define RPC_METHOD(name) (MESSAGE_INTERFACE "." name)

enum rpc_flags {
        RPC_REPEATABLE = 1 << 0, /* does no harm if the agent that went away had done it already */
        RPC_REMOTE = 1 << 1, /* waits for Globus */
        RPC_TIMED = 1 << 2, /* the agent is told the timeout, so it is left the time to answer */
};

struct rpc {
        const char *method; /* borrowed */
        enum rpc_flags flags;
        struct buffer message;
        struct writer writer; /* for the members of the parameters */
};

/* The rpc stays where it is until rpc_deinit(). */
void rpc_begin(struct rpc *rpc, const char *method, enum rpc_flags flags);
void rpc_deinit(struct rpc *rpc);

/* The members profile and environment, where the user names them. */
void rpc_write_profile(struct rpc *rpc, const struct globals *globals);
void rpc_write_environment(struct rpc *rpc, const char *option);

/* Once per rpc. The exit status; on failure fault says all about it. */
int rpc_send(struct message_reply *ret, struct rpc *rpc, const struct globals *globals, struct fault *fault);

/* The same, and the fault goes to stderr. */
int rpc_run(struct message_reply *ret, struct rpc *rpc, const struct globals *globals);

/* GetStatus, which says of the store what several commands depend on. */
int rpc_get_status(struct message_reply *ret, const struct globals *globals);

/* The fault as a line on stderr: what happened, and what to do. */
void rpc_complain(const struct fault *fault);
