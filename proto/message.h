#pragma once

/*
 * Message: the Varlink envelope (UAPI.20, varlink.org): calls and replies as JSON objects.
 *
 * Parsing refuses (-EBADMSG) whatever is not exactly an envelope: the connection is closed then. Writing is one
 * pass: begin, write one JSON object for the parameters, end.
 */

#include <json-c/json.h>

#include "proto/macro.h"
#include "proto/writer.h"

#define MESSAGE_INTERFACE "org.globus.Agent"

enum {
        MESSAGE_CALL_MAX = 64 * 1024,
        MESSAGE_REPLY_MAX = 16 * 1024 * 1024,
};

struct message_call {
        char *method; /* owned */
        struct bytes parameters; /* an object, borrowed from the text; absent and null are no bytes */
        bool oneway, more, upgrade; /* at most one */
};

struct message_reply {
        char *error; /* owned; NULL on success */
        struct json_object *parameters; /* owned; NULL when absent, null or {} */
        bool continues;
};

void message_call_deinit(struct message_call *call);

/* The released tree is wiped: parameters may hold a token. */
void message_reply_deinit(struct message_reply *reply);

/* A call is read by its method's table, a reply by whoever asked. Unknown members of a call's envelope are
 * refused. */
int message_parse_call(struct message_call *ret, const char *text, size_t n);
int message_parse_reply(struct message_reply *ret, const char *text, size_t n);

enum message_flags { MESSAGE_ONEWAY = 1 << 0, MESSAGE_MORE = 1 << 1 };

void message_begin_call(struct writer *writer, const char *method, enum message_flags flags);
void message_begin_reply(struct writer *writer, bool continues);
void message_begin_error(struct writer *writer, const char *wire_name);

/* Closes any of them and appends the NUL. */
void message_end(struct writer *writer);
