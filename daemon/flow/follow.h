#pragma once

/*
 * Follow: brings in what another daemon on the same home has changed on disk.
 *
 * The file is the truth and the vault a cache of it: a login or logout through one daemon is soon one for the
 * others. It looks now and then, and whenever somebody must know: before a refresh token is used, before a
 * login is said to be needed. A look is a read of a small file; nothing is taken over when it is the version
 * known.
 */

#include <systemd/sd-event.h>

#include "daemon/base/worker.h"
#include "daemon/flow/disk.h"
#include "daemon/flow/save.h"
#include "daemon/flow/waiter.h"
#include "daemon/model/vault.h"

/* How often it looks by itself, and how much later it may, so that the machine can sleep. */
#define FOLLOW_INTERVAL_USEC (15 * USEC_PER_SEC)
#define FOLLOW_SLACK_USEC (5 * USEC_PER_SEC)

/* How long a disk that does not answer may keep somebody waiting. */
#define FOLLOW_PATIENCE_USEC (2 * USEC_PER_SEC)

struct follow;

struct follow_deps {
        sd_event *event;
        struct vault *vault;
        struct worker *worker;
        struct save *save;
        const struct disk_paths *paths;
        void (*followed)(void *userdata); /* each time something was taken over */
        bool (*is_busy)(void *userdata); /* something is on the wire */
        void (*locked)(void *userdata); /* the store needs a passphrase by now: the vault is to be locked */
        void *userdata;
}; /* all borrowed */

int follow_new(struct follow **ret, const struct follow_deps *deps);

/* Nobody may wait any more. */
struct follow *follow_free(struct follow *follow);

/* True: done is called later, once: without a fault when a look that began after this call is over, with one
 * when the disk fails or does not answer. False: there is nothing to look at, since the store was not read yet
 * or cannot be. */
bool follow_join(struct follow *follow, struct waiter *waiter, waiter_fn done);

/* The vault was wiped: what is being looked at is not to come in. Whoever waits is told that the disk fails. */
void follow_drop(struct follow *follow);

DEFINE_CLEANUP(struct follow, follow_free);
