#pragma once

/*
 * Claim: the right to use a grant's refresh token, among the daemons that share a home.
 *
 * A server that rotates refresh tokens ends the whole grant when an old one is used again. So who refreshes
 * holds a lock on the grant, looks at the disk under it (follow.h), and gives it back when the new token is
 * saved. The kernel takes the lock of a daemon that dies.
 */

#include <systemd/sd-event.h>

#include "daemon/base/worker.h"
#include "daemon/flow/disk.h"
#include "daemon/model/vault.h"
#include "proto/fault.h"

/* How long another daemon's claim is waited for; and how long until it is tried again, doubled each time. */
#define CLAIM_PATIENCE_USEC (60 * USEC_PER_SEC)
#define CLAIM_RETRY_FIRST_USEC (10 * USEC_PER_MSEC)
#define CLAIM_RETRY_LAST_USEC (200 * USEC_PER_MSEC)

/* How long a disk that does not answer may keep a refresh waiting. It then goes on without. */
#define CLAIM_DISK_PATIENCE_USEC (2 * USEC_PER_SEC)

struct claims;
struct claim;

struct claims_deps {
        sd_event *event;
        struct vault *vault;
        struct worker *worker;
        const struct disk_paths *paths;
}; /* all borrowed */

int claims_new(struct claims **ret, const struct claims_deps *deps);

/* All must have been released. The locks go when the worker has done what is queued. */
struct claims *claims_free(struct claims *claims);

/* Something was saved: claims that waited for it are given back. */
void claims_on_saved(struct claims *claims);

/* NULL: it is ours, or there is nothing to lock it with (no disk, no locks there), which is not to cost anyone
 * a token. Unavailable: another daemon has held it all the time. */
typedef void (*claim_fn)(void *userdata, const struct fault *fault);

/* done is called later, once, unless the claim is released before. */
int claim_new(struct claim **ret, struct claims *claims, const unsigned char uuid[static UUID_SIZE],
              claim_fn done, void *userdata);

/* Whether the disk has answered, with or without a lock. */
bool claim_is_settled(const struct claim *claim);

/* Gives it back once what changed of the grant is on disk: before, others would read the old token there. */
struct claim *claim_release(struct claim *claim);

DEFINE_CLEANUP(struct claims, claims_free);
DEFINE_CLEANUP(struct claim, claim_release);
