#pragma once

/*
 * Fault: why a request was not met, as the client will hear it.
 *
 * The code decides, the message is one line for a person (what happened, what to do), the rest are the
 * parameters of the Varlink error of that code. It travels unchanged from the floor that noticed to the reply,
 * and in the client from the reply to the terminal.
 */

#include <json-c/json.h>

#include "proto/error.h"
#include "proto/macro.h"
#include "proto/session.h"
#include "proto/writer.h"

struct fault {
        int r; /* 0 none, -errno or enum agent_error */
        char *message; /* may be NULL: error_sentence(r) */

        /* LoginNeeded */
        char *reason; /* never, expired, dead, consent, session, client */
        char *profile, *resource_server;
        char **required_scopes;
        struct session session;

        char *error, *error_description; /* LoginFailed: as Globus sent them */
        char *parameter; /* InvalidParameter: which; MethodNotFound, InterfaceNotFound: the name asked for */
        int64_t retry_at; /* Unavailable, WrongPassphrase: Unix seconds, 0 unknown */
        int64_t expires_in; /* ShortValidity: seconds */
};

void fault_deinit(struct fault *fault);

/* Deep; what *ret held is released first. -ENOMEM leaves a fault of just the code. */
int fault_copy(struct fault *ret, const struct fault *fault);

/* Sets code and message, releasing what was there, and returns the code. format may be NULL. */
int fault_set(struct fault *fault, int r, const char *format, ...) _printf_(3, 4);

/* The same for LoginNeeded. scopes may be NULL. */
struct login_need {
        const char *reason, *profile, *resource_server;
        char *const *scopes;
};
int fault_set_login_needed(struct fault *fault, const struct login_need *need, const char *format, ...)
        _printf_(3, 4);

/* InvalidParameter(name). */
int fault_set_invalid(struct fault *fault, const char *parameter, const char *format, ...) _printf_(3, 4);

/* Never NULL. */
const char *fault_message(const struct fault *fault);

/* The parameters of the error as a JSON object. */
void fault_write(const struct fault *fault, struct writer *writer);

/* From an error reply: sets *ret, releasing what was there, and a message where the error has none. Parameters
 * behind one that is not as declared are passed over. 0, or -ENOMEM with a fault of just the code. A name that
 * is not ours becomes AGENT_ERROR_BUSY with the name in the message. */
int fault_parse(struct fault *ret, const char *wire_name, struct json_object *parameters);
