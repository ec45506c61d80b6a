#pragma once

/* Method: what the handlers share. */

#include "daemon/rpc/dispatch.h"

/* The profile meant by NULL. */
const char *method_profile(const char *profile);

/* The account of a profile, borrowed. Else a fault: LoginNeeded(never), also where the profile belongs to
 * another environment than the one named (may be NULL); StorageFailed where the store, which could have it,
 * could not be read. */
int method_find_account(struct account **ret, const struct context *context, const char *profile,
                        const char *environment, struct fault *fault);

/* A call that waits to be told, once, how it ended. */
struct method_wait {
        struct call *call; /* borrowed */
        struct waiter waiter; /* for begin() to have told, with done */
        waiter_fn done;
        void (*reply)(struct call *call);
};

/* begin: 0: the waiter will be told; -EALREADY: there is nothing to wait for; else the fault's code. When all
 * is well, reply answers the call. */
void method_wait(struct call *call, int (*begin)(struct method_wait *wait, struct fault *fault),
                 void (*reply)(struct call *call));

/* Of a length that a passphrase can have, and without a NUL. */
bool method_passphrase_is_valid(const struct secret *passphrase);

/* LoginNeeded(consent): what the profile lacks at a resource server. scopes may be NULL. */
int method_need_consent(const struct account *account, const char *server, char *const *scopes,
                        struct fault *fault);
