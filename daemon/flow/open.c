#include "daemon/flow/open.h"

#include <errno.h>
#include <inttypes.h>

#include "daemon/base/clock.h"
#include "daemon/flow/alarm.h"
#include "proto/log.h"

#define RETRY_FIRST_USEC USEC_PER_SEC
#define RETRY_LAST_USEC (60 * USEC_PER_SEC)

struct open {
        struct open_deps deps;
        struct reading *reading; /* borrowed: in flight, the worker's */
        struct moving *moving; /* the same */
        bool answered; /* the disk has, with whatever, or it has been waited for long enough */
        struct fault trouble;
        struct alarm *retry;
        struct alarm *patience;
        uint64_t pause_usec;
        struct list waiters; /* waiter.link: for the first answer */
        struct list movers; /* waiter.link: for the end of moving */
        char *moved_to;
};

struct reading {
        struct job job; /* first */
        struct open *open; /* borrowed; not looked at once abandoned */
        struct disk_paths paths;
        struct store *store;
        bool unreadable;
        struct fault fault;
};

struct moving {
        struct job job; /* first */
        struct open *open; /* borrowed; not looked at once abandoned */
        struct disk_paths paths;
        char *moved_to;
        struct fault fault;
};

static struct reading *reading_free(struct reading *reading) {
        if (!reading)
                return NULL;

        store_free(reading->store);
        disk_paths_deinit(&reading->paths);
        fault_deinit(&reading->fault);
        free(reading);
        return NULL;
}

DEFINE_CLEANUP(struct reading, reading_free);

static struct moving *moving_free(struct moving *moving) {
        if (!moving)
                return NULL;

        disk_paths_deinit(&moving->paths);
        fault_deinit(&moving->fault);
        free(moving->moved_to);
        free(moving);
        return NULL;
}

DEFINE_CLEANUP(struct moving, moving_free);

static void reading_work(struct job *job) {
        struct reading *reading = CONTAINER(job, struct reading, job);
        int r;

        r = disk_load(&reading->store, &reading->paths, NULL, &reading->unreadable, &reading->fault);
        if (r && !reading->fault.r)
                (void)fault_set(&reading->fault, r, NULL);
}

static void reading_drop(struct job *job) {
        reading_free(CONTAINER(job, struct reading, job));
}

/* What was read, or why not, decides the vault's state; a disk in trouble leaves it opening. */
static void open_on_read(struct open *open, struct reading *reading) {
        int r;

        if (reading->fault.r) {
                (void)fault_copy(&open->trouble, &reading->fault);
                if (reading->unreadable)
                        vault_set_state(open->deps.vault, VAULT_UNREADABLE);
                return;
        }

        fault_deinit(&open->trouble);
        vault_set_state(open->deps.vault, VAULT_OPEN);

        r = reading->store ? vault_merge(open->deps.vault, reading->store) : 0;
        if (r)
                (void)fault_set(&open->trouble, r, "Cannot take over what the store holds: %s",
                                error_sentence(r));
}

static void open_try_later(struct open *open) {
        open->pause_usec = open->pause_usec ? MIN(open->pause_usec * 2, RETRY_LAST_USEC) : RETRY_FIRST_USEC;
        alarm_set(open->retry, clock_boottime_usec() + open->pause_usec);
        log_error("Reading the store failed, next try in %" PRIu64 " s: %s", open->pause_usec / USEC_PER_SEC,
                  fault_message(&open->trouble));
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
        case VAULT_OPEN:
                open->deps.opened(open->deps.userdata);
                break;
        }

        waiter_tell_all(&open->waiters, NULL);
}

static const struct job_type reading_type = {
        .work = reading_work,
        .done = reading_done,
        .free = reading_drop,
};

static int open_read(struct open *open) {
        _cleanup_(reading_freep) struct reading *reading = NULL;
        int r;

        reading = calloc(1, sizeof(*reading));
        if (!reading)
                return -ENOMEM;

        reading->open = open;
        r = disk_paths_copy(&reading->paths, open->deps.paths);
        if (r)
                return r;

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
        open->answered = true;
        waiter_tell_all(&open->waiters, NULL);
}

static void open_on_retry(void *userdata) {
        struct open *open = userdata;

        if (open_read(open))
                open_try_later(open);
}

static void moving_work(struct job *job) {
        struct moving *moving = CONTAINER(job, struct moving, job);
        int r;

        r = disk_move_aside(&moving->moved_to, &moving->paths, &moving->fault);
        if (r && !moving->fault.r)
                (void)fault_set(&moving->fault, r, NULL);
}

static void moving_drop(struct job *job) {
        moving_free(CONTAINER(job, struct moving, job));
}

static void moving_done(struct job *job) {
        _cleanup_(moving_freep) struct moving *moving = CONTAINER(job, struct moving, job);
        struct open *open = moving->open;

        open->moving = NULL;
        if (moving->fault.r) {
                log_error("The store stays where it is: %s", fault_message(&moving->fault));
                waiter_tell_all(&open->movers, &moving->fault);
                return;
        }

        free(open->moved_to);
        open->moved_to = TAKE(moving->moved_to);
        log_notice("The store that could not be read is now %s", open->moved_to ? open->moved_to : "gone");

        fault_deinit(&open->trouble);
        vault_set_state(open->deps.vault, VAULT_OPEN);
        open->deps.opened(open->deps.userdata);
        waiter_tell_all(&open->movers, NULL);
}

static const struct job_type moving_type = {
        .work = moving_work,
        .done = moving_done,
        .free = moving_drop,
};

int open_move_aside(struct open *open, struct waiter *waiter, waiter_fn done) {
        _cleanup_(moving_freep) struct moving *moving = NULL;
        int r;

        if (open->moving || vault_get_state(open->deps.vault) != VAULT_UNREADABLE)
                return -EBUSY;

        moving = calloc(1, sizeof(*moving));
        if (!moving)
                return -ENOMEM;

        moving->open = open;
        r = disk_paths_copy(&moving->paths, open->deps.paths);
        if (r)
                return r;

        waiter_join(waiter, &open->movers, done);
        open->moving = TAKE(moving);
        worker_submit(open->deps.worker, &open->moving->job, &moving_type);
        return 0;
}

const char *open_moved_to(const struct open *open) {
        return open->moved_to;
}

bool open_join(struct open *open, struct waiter *waiter, waiter_fn done) {
        if (open->answered)
                return false;

        waiter_join(waiter, &open->waiters, done);
        return true;
}

const struct fault *open_trouble(const struct open *open) {
        return open->trouble.r ? &open->trouble : NULL;
}

int open_new(struct open **ret, const struct open_deps *deps) {
        _cleanup_(open_freep) struct open *open = NULL;
        int r;

        open = calloc(1, sizeof(*open));
        if (!open)
                return -ENOMEM;

        open->deps = *deps;
        list_init(&open->waiters);
        list_init(&open->movers);

        r = alarm_new(&open->retry, deps->event, USEC_PER_SEC, open_on_retry, open);
        if (!r)
                r = alarm_new(&open->patience, deps->event, 100 * USEC_PER_MSEC, open_on_impatience, open);
        if (!r)
                r = open_read(open);
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
        if (open->moving)
                worker_abandon(open->deps.worker, &open->moving->job);

        (void)fault_set(&stopping, AGENT_ERROR_STOPPING, NULL);
        waiter_tell_all(&open->waiters, &stopping);
        waiter_tell_all(&open->movers, &stopping);

        alarm_free(open->retry);
        alarm_free(open->patience);
        fault_deinit(&open->trouble);
        free(open->moved_to);
        free(open);
        return NULL;
}
