#pragma once

/*
 * Aside: puts a store that cannot be read, or not without a passphrase that nobody knows any more, out of the
 * way, so that saving can begin anew. It is renamed, never removed.
 */

#include "daemon/base/worker.h"
#include "daemon/flow/disk.h"
#include "daemon/flow/open.h"
#include "daemon/flow/waiter.h"
#include "daemon/model/vault.h"

struct aside;

struct aside_deps {
        struct vault *vault;
        struct worker *worker;
        struct open *open;
        const struct disk_paths *paths;
}; /* all borrowed */

int aside_new(struct aside **ret, const struct aside_deps *deps);

/* Tells whoever still waits that the agent is stopping. */
struct aside *aside_free(struct aside *aside);

/* Whether there is such a store. */
bool aside_is_possible(const struct aside *aside);

/* -EBUSY: there is none, or it is under way. Else done is called later, once; aside_moved_to() is then its new
 * path, or NULL if it was gone. */
int aside_move(struct aside *aside, struct waiter *waiter, waiter_fn done);
const char *aside_moved_to(const struct aside *aside);

DEFINE_CLEANUP(struct aside, aside_free);
