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

/* LoginNeeded(consent): what the profile lacks at a resource server. scopes may be NULL. */
int method_need_consent(const struct account *account, const char *server, char *const *scopes,
                        struct fault *fault);
