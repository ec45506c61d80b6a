#pragma once

/*
 * Open: brings what is on disk into the vault at the start.
 *
 * Until the disk has answered, calls that need the vault wait here, though not for ever. A store that cannot be
 * read stays untouched, and the daemon serves on in memory; a disk or directory that fails is tried again until
 * it answers.
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

/* Puts a store that cannot be read out of the way, so that saving can begin anew. Fails if it can be read, or
 * at once if another one is under way (-EBUSY). Else done is called later; open_moved_to() is then its new
 * path, or NULL. */
int open_move_aside(struct open *open, struct waiter *waiter, waiter_fn done);
const char *open_moved_to(const struct open *open);

DEFINE_CLEANUP(struct open, open_free);
