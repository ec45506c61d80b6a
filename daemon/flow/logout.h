#pragma once

/*
 * Logout: forgets profiles, in memory and on disk, and revokes what they held.
 *
 * Forgetting waits for nothing. The end comes when Globus has answered, or has been given up, and the disk has.
 */

#include "daemon/flow/revoke.h"
#include "daemon/flow/save.h"
#include "daemon/model/vault.h"

struct logout;

struct logout_deps {
        struct vault *vault;
        struct save *save;
        struct revoker *revoker;
}; /* all borrowed */

/* items: revoked.link, borrowed for the call. fault: the disk did not forget. May free the logout. */
typedef void (*logout_fn)(void *userdata, const struct fault *fault, struct list *items);

/* profile NULL: all of them. Nothing to log out of is a logout, too. done is called later, once. */
int logout_new(struct logout **ret, const struct logout_deps *deps, const char *profile, logout_fn done,
               void *userdata);

/* Revoking goes on; done is not called any more. */
struct logout *logout_free(struct logout *logout);

DEFINE_CLEANUP(struct logout, logout_free);
