#pragma once

/*
 * Client: a connection to the agent for a program that waits for its answers.
 *
 * Every wait ends at a deadline. The peer's uid is checked before anything is sent, so that nobody else's
 * socket gets a code or a password.
 */

#include "proto/fault.h"
#include "proto/message.h"
#include "proto/writer.h"

struct client;

/* -ENOENT, -ECONNREFUSED: nobody listens there (an agent can be started). Other failures come with a fault. The
 * fault of the two says so, too. deadline_usec: CLOCK_BOOTTIME. */
int client_connect(struct client **ret, const char *path, uint64_t deadline_usec, struct fault *fault);
struct client *client_free(struct client *client);

/* Sends one finished call and waits for its reply. An error reply becomes the result, with all its parameters
 * in *fault. -EPIPE, -ECONNRESET, -ENODATA (end of stream): the agent went away. -ETIMEDOUT. The message is
 * wiped. */
int client_call(struct client *client, struct buffer *message, uint64_t deadline_usec,
                struct message_reply *ret, struct fault *fault);

/* Now, in CLOCK_BOOTTIME microseconds. */
uint64_t client_now_usec(void);

DEFINE_CLEANUP(struct client, client_free);
