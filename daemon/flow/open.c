#include "daemon/flow/open.h"

#include <errno.h>
#include <inttypes.h>

#include "daemon/base/clock.h"
#include "daemon/flow/alarm.h"
#include "daemon/model/news.h"
#include "proto/log.h"

#define RETRY_FIRST_USEC USEC_PER_SEC
#define RETRY_LAST_USEC (60 * USEC_PER_SEC)

/* After a second wrong passphrase, doubled by each further one up to about a minute. */
#define UNLOCK_PAUSE_USEC USEC_PER_SEC
#define UNLOCK_DOUBLINGS_MAX 6

struct open {
        struct open_deps deps;
        struct reading *reading; /* borrowed: in flight, the worker's */
        bool answered; /* the disk has, with whatever, or it has been waited for long enough */
        bool was_open; /* before it was unlocked: what another agent has locked since */
        struct fault trouble;
        bool stuck; /* of the trouble */
        struct alarm *retry;
        struct alarm *patience;
        uint64_t pause_usec;
        struct list waiters; /* waiter.link: for the first answer */
        struct list unlockers; /* waiter.link: for the end of an unlocking */
        unsigned wrong; /* passphrases in a row */
        uint64_t next_usec; /* no other is looked at before */
};

struct reading {
        struct job job; /* first */
        struct open *open; /* borrowed; not looked at once abandoned */
        struct disk_paths paths;
        struct disk_look disk;
        int r;
        struct fault fault;
};

static struct reading *reading_free(struct reading *reading) {
        if (!reading)
                return NULL;

        disk_look_deinit(&reading->disk);
        disk_paths_deinit(&reading->paths);
        fault_deinit(&reading->fault);
        free(reading);
        return NULL;
}

DEFINE_CLEANUP(struct reading, reading_free);

static void reading_work(struct job *job) {
        struct reading *reading = CONTAINER(job, struct reading, job);
        int r;

        if (reading->disk.keys.passphrase)
                r = disk_unlock(&reading->disk, &reading->paths, &reading->fault);
        else
                r = disk_load(&reading->disk, &reading->paths, &reading->fault);
        if (r && !reading->fault.r)
                (void)fault_set(&reading->fault, r, NULL);

        news_read(&(struct news){}, reading->disk.store);
}

static void reading_drop(struct job *job) {
        reading_free(CONTAINER(job, struct reading, job));
}

/* The first one that is wrong costs nothing, so that a slip does not. */
static void open_on_wrong_passphrase(struct open *open, struct fault *fault) {
        unsigned doublings = MIN(open->wrong, (unsigned)UNLOCK_DOUBLINGS_MAX);

        open->next_usec = clock_boottime_usec() + (open->wrong > 0 ? UNLOCK_PAUSE_USEC << doublings : 0);
        open->wrong++;
        fault->retry_at = clock_to_unix_up(open->next_usec);
        log_notice("A wrong passphrase was given, %u in a row", open->wrong);
}

/* Of the store that there is, though it cannot be opened. */
static void open_on_locked(struct open *open, struct reading *reading) {
        int r = reading->disk.store ? vault_set_protection(open->deps.vault, reading->disk.store) : 0;

        if (r)
                log_error("Cannot tell what protects the store: %s", error_sentence(r));
        if (reading->fault.r == AGENT_ERROR_WRONG_PASSPHRASE)
                open_on_wrong_passphrase(open, &reading->fault);

        fault_deinit(&open->trouble);
        if (open->was_open) {
                vault_set_state(open->deps.vault, VAULT_OPEN);
                return;
        }

        vault_set_key(open->deps.vault, &(struct store_key){});
        vault_set_state(open->deps.vault, VAULT_LOCKED);
}

static void open_on_store(struct open *open, struct reading *reading) {
        int r;

        fault_deinit(&open->trouble);
        open->wrong = 0;
        open->next_usec = 0;
        if (reading->disk.stays_locked)
                log_warning("The store stays locked on disk, which refused to be written: after a restart the "
                            "password is needed again");
        vault_set_state(open->deps.vault, VAULT_OPEN);

        if (!reading->disk.store)
                vault_set_image(open->deps.vault, NULL); /* of a store that somebody removed */
        r = reading->disk.store ? vault_merge(open->deps.vault, reading->disk.store) : 0;
        if (r)
                (void)fault_set(&open->trouble, r, "Cannot take over what the store holds: %s",
                                error_sentence(r));
}

/* What was read, or why not, decides the vault's state; a disk in trouble leaves it opening. */
static void open_on_read(struct open *open, struct reading *reading) {
        switch (reading->fault.r) {
        case 0:
                open_on_store(open, reading);
                break;
        case AGENT_ERROR_LOCKED:
        case AGENT_ERROR_WRONG_PASSPHRASE:
                open_on_locked(open, reading);
                break;
        default:
                (void)fault_copy(&open->trouble, &reading->fault);
                open->stuck = reading->disk.is_stuck;
                if (reading->disk.unreadable)
                        vault_set_state(open->deps.vault, VAULT_UNREADABLE);
        }
}

static void open_try_later(struct open *open) {
        open->pause_usec = open->pause_usec ? MIN(open->pause_usec * 2, RETRY_LAST_USEC) : RETRY_FIRST_USEC;
        alarm_set(open->retry, clock_boottime_usec() + open->pause_usec);
        log_error("Reading the store failed, next try in %" PRIu64 " s: %s", open->pause_usec / USEC_PER_SEC,
                  fault_message(&open->trouble));
}

/* Those told may come again, for the next reading. */
static void open_tell(struct open *open, const struct fault *fault, const struct fault *not_unlocked) {
        struct list waiters = LIST_INIT(waiters), unlockers = LIST_INIT(unlockers);

        list_move_all(&waiters, &open->waiters);
        list_move_all(&unlockers, &open->unlockers);
        waiter_tell_all(&unlockers, not_unlocked);
        waiter_tell_all(&waiters, fault);
}

static void reading_done(struct job *job) {
        _cleanup_(reading_freep) struct reading *reading = CONTAINER(job, struct reading, job);
        struct open *open = reading->open;

        open->reading = NULL;
        open->answered = true;
        alarm_set(open->patience, USEC_INFINITY);
        open_on_read(open, reading);

        switch (vault_get_state(open->deps.vault)) {
        case VAULT_OPENING:
                open_try_later(open);
                break;
        case VAULT_UNREADABLE:
                log_error("Serving from memory only: %s", fault_message(&open->trouble));
                break;
        case VAULT_LOCKED:
                log_notice("Locked: the store needs its passphrase");
                open->deps.locked(open->deps.userdata);
                break;
        case VAULT_OPEN:
                open->deps.opened(open->deps.userdata);
                break;
        }

        open_tell(open, NULL, reading->fault.r ? &reading->fault : NULL);
}

static const struct job_type reading_type = {
        .work = reading_work,
        .done = reading_done,
        .free = reading_drop,
};

/* Takes the passphrase over; NULL: none was given. */
static int open_read(struct open *open, struct secret *passphrase) {
        _cleanup_(secret_freep) struct secret *taken = passphrase;
        _cleanup_(reading_freep) struct reading *reading = NULL;
        int r;

        reading = calloc(1, sizeof(*reading));
        if (!reading)
                return -ENOMEM;

        reading->open = open;
        r = disk_paths_copy(&reading->paths, open->deps.paths);
        if (!r)
                r = disk_keys_of(&reading->disk.keys, open->deps.vault);
        if (r)
                return r;

        reading->disk.keys.passphrase = TAKE(taken);
        open->reading = TAKE(reading);
        worker_submit(open->deps.worker, &open->reading->job, &reading_type);
        return 0;
}

static void open_on_impatience(void *userdata) {
        struct open *open = userdata;

        (void)fault_set(&open->trouble, AGENT_ERROR_STORAGE_FAILED,
                        "The disk of %s has not let the store be read for %u s; still trying",
                        open->deps.paths->state_dir, (unsigned)(OPEN_PATIENCE_USEC / USEC_PER_SEC));
        log_warning("Serving without the logins: %s", fault_message(&open->trouble));
        open->stuck = false; /* or what reading it came to before */
        open->answered = true;
        open_tell(open, NULL, &open->trouble);
}

static void open_on_retry(void *userdata) {
        struct open *open = userdata;

        if (open_read(open, NULL))
                open_try_later(open);
}

/* What is being read, or is to be, is not to come in. */
static void open_cease(struct open *open) {
        if (open->reading)
                worker_abandon(open->deps.worker, &open->reading->job);
        open->reading = NULL;
        open->answered = true;
        open->pause_usec = 0;
        alarm_set(open->retry, USEC_INFINITY);
        alarm_set(open->patience, USEC_INFINITY);
        fault_deinit(&open->trouble);
}

void open_begin_anew(struct open *open) {
        open_cease(open);
        vault_forget_store(open->deps.vault);
        vault_set_state(open->deps.vault, VAULT_OPEN);
        open->deps.opened(open->deps.userdata);
        open_tell(open, NULL, NULL);
}

bool open_join(struct open *open, struct waiter *waiter, waiter_fn done) {
        if (open->answered)
                return false;

        waiter_join(waiter, &open->waiters, done);
        return true;
}

int open_unlock(struct open *open, struct secret *passphrase, struct waiter *waiter, waiter_fn done,
                struct fault *fault) {
        _cleanup_(secret_freep) struct secret *taken = passphrase;
        int r;

        if (open->reading)
                return fault_set(fault, AGENT_ERROR_BUSY, "The store is being opened already");
        if (taken && open->next_usec > clock_boottime_usec()) {
                (void)fault_set(fault, AGENT_ERROR_WRONG_PASSPHRASE,
                                "This passphrase was not looked at, so soon after a wrong one: try again in "
                                "%" PRIu64 " s",
                                (open->next_usec - clock_boottime_usec() + USEC_PER_SEC - 1) / USEC_PER_SEC);
                fault->retry_at = clock_to_unix_up(open->next_usec);
                return fault->r;
        }

        r = open_read(open, TAKE(taken));
        if (r)
                return fault_set(fault, r, NULL);

        open->answered = false;
        open->was_open = vault_get_state(open->deps.vault) == VAULT_OPEN;
        vault_set_state(open->deps.vault, VAULT_OPENING);
        alarm_set(open->patience, clock_boottime_usec() + OPEN_PATIENCE_USEC);
        waiter_join(waiter, &open->unlockers, done);
        return 0;
}

void open_lock(struct open *open) {
        _cleanup_(fault_deinit) struct fault locked = {};

        (void)fault_set(&locked, AGENT_ERROR_LOCKED, NULL);
        open_cease(open);
        open_tell(open, NULL, &locked);
}

bool open_is_unlocking(const struct open *open) {
        return open->reading && !list_is_empty(&open->unlockers);
}

const struct fault *open_trouble(const struct open *open) {
        return open->trouble.r ? &open->trouble : NULL;
}

bool open_is_stuck(const struct open *open) {
        return open->trouble.r && open->stuck;
}

int open_new(struct open **ret, const struct open_deps *deps) {
        _cleanup_(open_freep) struct open *open = NULL;
        int r;

        open = calloc(1, sizeof(*open));
        if (!open)
                return -ENOMEM;

        open->deps = *deps;
        list_init(&open->waiters);
        list_init(&open->unlockers);

        r = alarm_new(&open->retry, deps->event, USEC_PER_SEC, open_on_retry, open);
        if (!r)
                r = alarm_new(&open->patience, deps->event, 100 * USEC_PER_MSEC, open_on_impatience, open);
        if (!r)
                r = open_read(open, NULL);
        if (r)
                return r;

        alarm_set(open->patience, clock_boottime_usec() + OPEN_PATIENCE_USEC);
        *ret = TAKE(open);
        return 0;
}

struct open *open_free(struct open *open) {
        _cleanup_(fault_deinit) struct fault stopping = {};

        if (!open)
                return NULL;

        if (open->reading)
                worker_abandon(open->deps.worker, &open->reading->job);

        (void)fault_set(&stopping, AGENT_ERROR_STOPPING, NULL);
        open_tell(open, &stopping, &stopping);

        alarm_free(open->retry);
        alarm_free(open->patience);
        fault_deinit(&open->trouble);
        free(open);
        return NULL;
}
