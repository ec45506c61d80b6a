#pragma once

/*
 * Save: puts the vault's changes on disk, one write in flight; what changes meanwhile rides in the next.
 *
 * A disk that refuses or hangs costs nobody a token: whoever waits is told after SAVE_PATIENCE_USEC at the
 * latest, the vault has it, and writing is tried again until it works.
 */

#include <systemd/sd-event.h>

#include "daemon/base/worker.h"
#include "daemon/flow/disk.h"
#include "daemon/flow/waiter.h"
#include "daemon/model/vault.h"

#define SAVE_PATIENCE_USEC (2 * USEC_PER_SEC)

struct save;

/* One who waits for a save. */
struct saving {
        struct waiter waiter; /* first */
        uint64_t number; /* of the change that is to be on disk */
        uint64_t deadline_usec;
};

struct save_deps {
        sd_event *event;
        struct vault *vault;
        struct worker *worker;
        const struct disk_paths *paths;
        const struct disk_wish *wish; /* what is to protect a new store */
        void (*saved)(void *userdata); /* each time something is on disk, and what is there was taken over */
        void (*lost)(void *userdata); /* after save_free(): what changed last is not on disk, nor will be */
        /* What is not on disk is to outlive the process; also after save_free(). */
        void (*keep_image)(void *userdata, const struct secret *image);
        void *userdata;
}; /* all borrowed */

int save_new(struct save **ret, const struct save_deps *deps);

/* A write in flight is finished by the worker; pending changes are handed to it. Nobody may wait any more. */
struct save *save_free(struct save *save);

/* Starts writing if something has changed, nothing is being written, and after trouble the next try is due. To
 * be called after each change. */
void save_kick(struct save *save);

/* The same, but at once after trouble, too, and true: done is called later, once, when all that has changed
 * until now is on disk, or will not be for a while. False: there is nothing to wait for. */
bool save_join(struct save *save, struct saving *saving, waiter_fn done);

/* How the store is to be protected from now on, or DISK_LOCK. */
struct protection_change {
        enum disk_action action;
        struct disk_wish wish; /* to DISK_PROTECT it */
        struct secret *passphrase; /* taken over; may be NULL */
};

/* How long a person waits for it. */
#define SAVE_PROTECT_PATIENCE_USEC (20 * USEC_PER_SEC)

/* 0: it is part of the next write, with whatever else has changed; done is called later, once.
 * AGENT_ERROR_BUSY: another one is under way. Should the disk take longer than SAVE_PROTECT_PATIENCE_USEC, a
 * change that is being written may still come about. */
int save_protect(struct save *save, struct protection_change *change, struct waiter *waiter, waiter_fn done,
                 struct fault *fault);

bool save_is_protecting(const struct save *save);

/* Nobody waits for the change any more, and if it is not being written yet, it is not. */
void save_cancel_protection(struct save *save);

/* Before the vault is wiped: nothing that was to be saved is any more, but for what the worker has at hand.
 * Whoever waits is told Locked. */
void save_drop(struct save *save);

/* Whether another daemon's changes may be lost, since the file system has no locks. */
bool save_is_unlocked(const struct save *save);

/* Why changes are not on disk; NULL while there is no trouble. Borrowed. */
const struct fault *save_trouble(const struct save *save);

DEFINE_CLEANUP(struct save, save_free);
