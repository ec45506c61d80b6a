#pragma once

/*
 * Client: a connection to the agent, or to another Varlink service, for who waits for the answers.
 *
 * Every wait ends at a deadline, of CLOCK_BOOTTIME. The agent's uid is checked before anything is sent, so that
 * nobody else's socket gets a code or a password.
 */

#include <sys/types.h>

#include "proto/fault.h"
#include "proto/message.h"
#include "proto/writer.h"

struct client;

/* -ENOENT, -ECONNREFUSED: nobody listens there (an agent can be started). Other failures come with a fault. The
 * fault of the two says so, too. */
int client_connect(struct client **ret, const char *path, uint64_t deadline_usec, struct fault *fault);
struct client *client_free(struct client *client);

/* Sends one finished call and waits for its reply. An error reply becomes the result, with all its parameters
 * in *fault. -EPIPE, -ECONNRESET, -ENODATA (end of stream): the agent went away. -ETIMEDOUT. The message is
 * wiped. */
int client_call(struct client *client, struct buffer *message, uint64_t deadline_usec,
                struct message_reply *ret, struct fault *fault);

/* The same without words, for a service of any name: an error reply is a reply, too, and whose socket it is the
 * caller's to check. -ENAMETOOLONG: the path; -EBADMSG: no reply; -EMSGSIZE: one of more than reply_max
 * bytes. */
int client_open(struct client **ret, const char *path, size_t reply_max, uint64_t deadline_usec);
int client_exchange(struct client *client, struct buffer *message, uint64_t deadline_usec,
                    struct message_reply *ret);

/* The uid of the process that listens. */
int client_peer_uid(const struct client *client, uid_t *ret);

/* Now, in CLOCK_BOOTTIME microseconds. */
uint64_t client_now_usec(void);

DEFINE_CLEANUP(struct client, client_free);
