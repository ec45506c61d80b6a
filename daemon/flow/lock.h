#pragma once

/*
 * Lock: wipes the secrets from memory, so that none is given out until the vault is unlocked (open.h).
 *
 * The gate is closed at once. Then what Globus has been asked gets a moment to come back, since a refresh token
 * may come with it that exists nowhere else; it is saved, and what is left is cancelled and wiped.
 */

#include <systemd/sd-event.h>

#include "daemon/flow/open.h"
#include "daemon/flow/save.h"
#include "daemon/flow/waiter.h"
#include "daemon/model/vault.h"

/* How long requests on the wire are waited for; and then the disk, if that has not failed before. */
#define LOCK_NETWORK_PATIENCE_USEC (5 * USEC_PER_SEC)
#define LOCK_DISK_PATIENCE_USEC (10 * USEC_PER_SEC)

struct lock;

struct lock_deps {
        sd_event *event;
        struct vault *vault;
        struct worker *worker;
        struct save *save;
        struct open *open;
        bool (*is_busy)(void *userdata); /* something is on the wire */
        void (*closed)(
                void *userdata); /* the gate is: whoever waits behind it is to be told, nothing is begun */
        void (*cancel)(void *userdata); /* what is on the wire, or waits for a person; may be called twice */
        void (*reopened)(void *userdata); /* the gate is again: it was not locked after all */
        void (*wiped)(void *userdata); /* the vault is: whatever else keeps secrets is to forget them */
        void *userdata;
}; /* all borrowed */

int lock_new(struct lock **ret, const struct lock_deps *deps);

/* Tells whoever still waits that the agent is stopping. */
struct lock *lock_free(struct lock *lock);

/* Whether what needs secrets is to be answered Locked. */
bool lock_is_closed(const struct lock *lock);

/* Whether it is on its way to be locked. */
bool lock_is_busy(const struct lock *lock);

struct lock_request {
        struct secret *password; /* without which it is not to be unlocked; taken over; may be NULL */
        bool force; /* although something is not saved, or nothing ever is */
};

/* 0: done is called later, once. -EALREADY: it is locked. AGENT_ERROR_STORAGE_FAILED, also later: not without
 * force, or not with this password, and the gate is open again. Else the fault's code. */
int lock_begin(struct lock *lock, struct lock_request *request, struct waiter *waiter, waiter_fn done,
               struct fault *fault);

/* At once, and without a look at what is not saved. */
void lock_now(struct lock *lock);

DEFINE_CLEANUP(struct lock, lock_free);
