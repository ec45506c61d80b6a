#pragma once

/*
 * Dispatch: from a method's name to its handler, through one gate.
 *
 * Each method is declared as one row: name, fields, flags, handler. Nothing reaches a handler that is not of
 * its declared form; what needs the settings or the store does not pass while they are wrong or not there.
 */

#include "daemon/rpc/call.h"
#include "daemon/rpc/context.h"
#include "proto/fields.h"

enum method_flags {
        METHOD_NEEDS_SETTINGS = 1 << 0, /* NotConfigured while a file of the configuration is wrong */
        METHOD_NEEDS_STORE = 1 << 1, /* waits until the store has been read, or cannot be */
        METHOD_LOOKS = 1 << 2, /* acts on what is on disk now, whatever daemon brought it there */
        METHOD_NEEDS_SECRETS = 1 << 3, /* Locked while the agent is, also if it is locked meanwhile */
        METHOD_KEEPS_SECRETS = 1 << 4, /* while it waits; what is not done soon after the lock is Locked, too */
        METHOD_ONCE = 1 << 5, /* has effects: not begun at the end, and not answered if it may have been done */
};

struct method {
        const char *name;
        const struct field *fields;
        size_t size; /* of the record that the fields fill; 0: no parameters */
        enum method_flags flags;
        void (*handle)(struct call *call); /* call->params is the record; answers now or later */
        const void *defaults; /* a record to begin with; NULL: zeroes */
};

extern const struct method method_get_token, method_list_groups, method_get_identity, method_start_login,
        method_finish_login, method_cancel_login, method_logout, method_get_status, method_get_info,
        method_get_interface_description, method_lock, method_unlock, method_set_key;

/* The call is answered now or later. */
void dispatch(struct call *call, const struct context *context);

/* Fails the call; but before a login is said to be needed, the disk is looked at, since another daemon may have
 * had it, and the method handles the call once more. */
void dispatch_refuse(struct call *call, const struct fault *fault);
