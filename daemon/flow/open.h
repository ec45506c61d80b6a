#pragma once

/*
 * Open: brings what is on disk into the vault: at the start, and when it is unlocked.
 *
 * Until the disk has answered, calls that need the vault wait here, though not for ever. A store that cannot be
 * read stays untouched, and the daemon serves on in memory; a disk or directory that fails is tried again until
 * it answers. One that needs a passphrase leaves the vault locked, until it is unlocked here.
 */

#include <systemd/sd-event.h>

#include "daemon/base/worker.h"
#include "daemon/flow/disk.h"
#include "daemon/flow/waiter.h"
#include "daemon/model/vault.h"

/* How long calls wait for a disk that does not answer, before they hear so. */
#define OPEN_PATIENCE_USEC (10 * USEC_PER_SEC)

struct open;

struct open_deps {
        sd_event *event;
        struct vault *vault;
        struct worker *worker;
        const struct disk_paths *paths;
        void (*opened)(void *userdata); /* each time the vault's contents were brought in */
        void (*locked)(void *userdata); /* each time they were not, for want of a passphrase */
        void *userdata;
}; /* all borrowed */

/* Begins reading at once. */
int open_new(struct open **ret, const struct open_deps *deps);

/* Tells whoever still waits that the agent is stopping. */
struct open *open_free(struct open *open);

/* True: the disk has not answered yet, and done is called later, once. False: it has, or open_trouble() says
 * that it does not. */
bool open_join(struct open *open, struct waiter *waiter, waiter_fn done);

/* Why the store was not read, with how to go on; NULL when it was. Borrowed. */
const struct fault *open_trouble(const struct open *open);

/* Whether that is because what is to open the store does not work: reading it is tried again, but moving it
 * aside is a way on, too. */
bool open_is_stuck(const struct open *open);

/* The store that was not read is out of the way: the vault is open, and saving begins anew. */
void open_begin_anew(struct open *open);

/* Reads the store of a locked vault. Takes the passphrase over, which may be NULL. 0: done is called later,
 * once, when the vault is open, or with a fault: AGENT_ERROR_LOCKED (it needs one),
 * AGENT_ERROR_WRONG_PASSPHRASE (from the second one on, none is looked at for a growing while: retry_at), or
 * why the store was not read. Meanwhile the vault is opening, and calls wait. Else the fault's code, at once.
 * */
int open_unlock(struct open *open, struct secret *passphrase, struct waiter *waiter, waiter_fn done,
                struct fault *fault);

/* A passphrase is being looked at. */
bool open_is_unlocking(const struct open *open);

/* The vault is locked: what is being read is not to come in. */
void open_lock(struct open *open);

DEFINE_CLEANUP(struct open, open_free);
