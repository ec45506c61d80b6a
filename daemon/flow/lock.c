#include "daemon/flow/lock.h"

#include <errno.h>

#include "daemon/base/clock.h"
#include "daemon/flow/alarm.h"
#include "proto/log.h"

#define UNSAVED "not everything is saved, which only --force gives up"
#define NO_PASSWORD "the password could not be put on the store"

enum lock_state {
        LOCK_OPEN, /* or the vault is locked: that is the vault's state */
        LOCK_WAITING, /* for the network */
        LOCK_SAVING,
        LOCK_WIPED, /* but for what the worker has at hand */
};

struct lock {
        struct lock_deps deps;
        enum lock_state state;
        struct lock_request request;
        struct list waiters; /* waiter.link */
        struct alarm *patience; /* with the network, then with the disk */
        sd_event_source *post; /* runs after each event while the network is waited for */
        struct waiter protecting; /* waits for the password to be on disk */
        struct saving saving;
        struct barrier *barrier; /* borrowed: the worker's */
};

/* A job that does nothing: when it is done, so are those before it. */
struct barrier {
        struct job job; /* first */
        struct lock *lock; /* borrowed; not looked at once abandoned */
};

bool lock_is_closed(const struct lock *lock) {
        return lock->state != LOCK_OPEN || vault_get_state(lock->deps.vault) == VAULT_LOCKED;
}

bool lock_is_busy(const struct lock *lock) {
        return lock->state != LOCK_OPEN;
}

static bool lock_is_saved(const struct lock *lock) {
        return vault_saved(lock->deps.vault) >= vault_changed(lock->deps.vault);
}

static void lock_set_state(struct lock *lock, enum lock_state state) {
        lock->state = state;
        (void)sd_event_source_set_enabled(lock->post, state == LOCK_WAITING ? SD_EVENT_ON : SD_EVENT_OFF);
}

/* Nothing is waited for any more but by those who wait for the lock. */
static void lock_stop_waiting(struct lock *lock) {
        waiter_leave(&lock->protecting);
        waiter_leave(&lock->saving.waiter);
        lock->request.password = secret_free(lock->request.password);
        alarm_set(lock->patience, USEC_INFINITY);
}

/* why: it is not locked, and the gate is open again. */
static void lock_give_up(struct lock *lock, const struct fault *why, const char *what) {
        _cleanup_(fault_deinit) struct fault fault = {};

        (void)fault_set(&fault, AGENT_ERROR_STORAGE_FAILED, "Not locked, since %s: %s", what,
                        fault_message(why));
        if (!list_is_empty(&lock->protecting.link))
                save_cancel_protection(lock->deps.save);
        lock_stop_waiting(lock);
        lock_set_state(lock, LOCK_OPEN);
        lock->deps.reopened(lock->deps.userdata);
        waiter_tell_all(&lock->waiters, &fault);
}

static void lock_end(struct lock *lock) {
        lock_stop_waiting(lock);
        lock_set_state(lock, LOCK_OPEN);
        log_notice("Locked");
        waiter_tell_all(&lock->waiters, NULL);
}

static void barrier_work(struct job *job) {
}

static void barrier_done(struct job *job) {
        struct barrier *barrier = CONTAINER(job, struct barrier, job);
        struct lock *lock = barrier->lock;

        free(barrier);
        lock->barrier = NULL;
        lock_end(lock);
}

static void barrier_drop(struct job *job) {
        free(CONTAINER(job, struct barrier, job));
}

static const struct job_type barrier_type = {
        .work = barrier_work,
        .done = barrier_done,
        .free = barrier_drop,
};

/* What the worker has at hand has secrets, too. */
static void lock_wait_for_worker(struct lock *lock) {
        lock->barrier = calloc(1, sizeof(*lock->barrier));
        if (!lock->barrier) {
                lock_end(lock);
                return;
        }

        lock->barrier->lock = lock;
        lock_set_state(lock, LOCK_WIPED);
        alarm_set(lock->patience, clock_boottime_usec() + LOCK_DISK_PATIENCE_USEC);
        worker_submit(lock->deps.worker, &lock->barrier->job, &barrier_type);
}

static void lock_wipe(struct lock *lock) {
        lock_stop_waiting(lock);
        lock->deps.cancel(lock->deps.userdata);
        save_drop(lock->deps.save);
        vault_wipe(lock->deps.vault);
        open_lock(lock->deps.open);
        lock->deps.wiped(lock->deps.userdata);
        lock_wait_for_worker(lock);
}

static void lock_save(struct lock *lock);

/* More may have changed meanwhile. */
static void lock_on_saved(struct waiter *waiter, const struct fault *fault) {
        struct lock *lock = CONTAINER(waiter, struct lock, saving.waiter);

        if (fault && !lock->request.force)
                lock_give_up(lock, fault, UNSAVED);
        else if (fault)
                lock_wipe(lock);
        else
                lock_save(lock);
}

/* A password that is not on disk would be forgotten by a restart, so force does not help. */
static void lock_on_protected(struct waiter *waiter, const struct fault *fault) {
        struct lock *lock = CONTAINER(waiter, struct lock, protecting);

        if (fault)
                lock_give_up(lock, fault, NO_PASSWORD);
        else
                lock_save(lock);
}

static void lock_protect(struct lock *lock) {
        struct protection_change change = {.action = DISK_LOCK, .passphrase = TAKE(lock->request.password)};
        _cleanup_(fault_deinit) struct fault fault = {};

        if (save_protect(lock->deps.save, &change, &lock->protecting, lock_on_protected, &fault))
                lock_give_up(lock, &fault, NO_PASSWORD);
}

/* Until nothing is left to be saved. */
static void lock_save(struct lock *lock) {
        _cleanup_(fault_deinit) struct fault fault = {};

        if (lock->request.password) {
                lock_protect(lock);
                return;
        }
        if (lock_is_saved(lock)) {
                lock_wipe(lock);
                return;
        }
        if (save_join(lock->deps.save, &lock->saving, lock_on_saved))
                return;

        (void)fault_set(&fault, -ENOMEM, NULL);
        lock_on_saved(&lock->saving.waiter, &fault);
}

static void lock_begin_saving(struct lock *lock) {
        lock->deps.cancel(lock->deps.userdata);
        lock_set_state(lock, LOCK_SAVING);
        alarm_set(lock->patience, clock_boottime_usec() + LOCK_DISK_PATIENCE_USEC);
        lock_save(lock);
}

static void lock_on_disk_patience(struct lock *lock) {
        _cleanup_(fault_deinit) struct fault fault = {};

        (void)fault_set(&fault, AGENT_ERROR_STORAGE_FAILED, "The disk does not answer");
        if (!list_is_empty(&lock->protecting.link))
                lock_give_up(lock, &fault, NO_PASSWORD);
        else if (lock->request.force)
                lock_wipe(lock);
        else
                lock_give_up(lock, &fault, UNSAVED);
}

static void lock_on_patience(void *userdata) {
        struct lock *lock = userdata;

        switch (lock->state) {
        case LOCK_OPEN:
                break;
        case LOCK_WAITING:
                if (lock->deps.is_busy(lock->deps.userdata))
                        log_warning("Locking although Globus has not answered everything");
                lock_begin_saving(lock);
                break;
        case LOCK_SAVING:
                lock_on_disk_patience(lock);
                break;
        case LOCK_WIPED:
                log_warning("Locked, but the disk keeps the worker, and with it what that has at hand");
                worker_abandon(lock->deps.worker, &lock->barrier->job);
                lock->barrier = NULL;
                lock_end(lock);
                break;
        }
}

static int lock_on_event_over(sd_event_source *source, void *userdata) {
        struct lock *lock = userdata;

        if (lock->state == LOCK_WAITING && !lock->deps.is_busy(lock->deps.userdata))
                lock_begin_saving(lock);
        return 0;
}

static int lock_check_password(const struct lock *lock, struct fault *fault) {
        if (!lock->request.password)
                return 0;

        switch (vault_protector(lock->deps.vault)) {
        case PROTECTOR_PASSPHRASE:
                return fault_set(
                        fault, AGENT_ERROR_STORAGE_FAILED,
                        "The store has a passphrase already, without which nobody unlocks it: lock without "
                        "a password");
        case PROTECTOR_MEMORY:
                return fault_set(
                        fault, AGENT_ERROR_STORAGE_FAILED,
                        "Nothing of the logins is on disk, so a password would guard nothing: lock without "
                        "one");
        case PROTECTOR_SYSTEMD_CREDS:
        case PROTECTOR_KEYFILE:
        case PROTECTOR_PLAINTEXT:
        case PROTECTOR_UNKNOWN:
                break;
        }

        return 0;
}

/* What would be lost, and how to lock all the same. */
static int lock_check_loss(const struct lock *lock, struct fault *fault) {
        const struct fault *trouble = save_trouble(lock->deps.save) ?: open_trouble(lock->deps.open);

        if (lock->request.force)
                return 0;
        if (vault_image(lock->deps.vault) || (vault_protector(lock->deps.vault) == PROTECTOR_MEMORY &&
                                              !list_is_empty(vault_accounts(lock->deps.vault))))
                return fault_set(
                        fault, AGENT_ERROR_STORAGE_FAILED,
                        "Nothing of the logins is on disk, so locking would end them: run 'globus-agentctl "
                        "logout --all', which also revokes them, or lock with --force");
        if (trouble && vault_changed(lock->deps.vault) > vault_saved(lock->deps.vault))
                return fault_set(
                        fault, AGENT_ERROR_STORAGE_FAILED,
                        "Not everything is saved, and locking would lose that; mend it, or lock with --force: "
                        "%s",
                        fault_message(trouble));

        return 0;
}

static int lock_check(const struct lock *lock, struct fault *fault) {
        const struct fault *trouble = open_trouble(lock->deps.open);
        int r;

        if (save_is_protecting(lock->deps.save) || open_is_unlocking(lock->deps.open))
                return fault_set(fault, AGENT_ERROR_BUSY,
                                 "The store is being unlocked, or its key changed: wait");
        if (vault_get_state(lock->deps.vault) == VAULT_LOCKED)
                return lock->request.password ? fault_set(fault, AGENT_ERROR_LOCKED, NULL) : -EALREADY;
        if (lock->request.password && vault_get_state(lock->deps.vault) != VAULT_OPEN)
                return fault_set(fault, AGENT_ERROR_STORAGE_FAILED,
                                 "A password guards the store, which is not open: %s",
                                 trouble ? fault_message(trouble) : "it is being read");

        r = lock_check_password(lock, fault);
        return r ?: lock_check_loss(lock, fault);
}

/* Whoever wants what is under way already gets that. */
static int lock_join(struct lock *lock, const struct lock_request *request, struct waiter *waiter,
                     waiter_fn done, struct fault *fault) {
        if (request->password || (request->force && !lock->request.force))
                return fault_set(fault, AGENT_ERROR_BUSY, "The agent is being locked already");

        waiter_join(waiter, &lock->waiters, done);
        return 0;
}

int lock_begin(struct lock *lock, struct lock_request *request, struct waiter *waiter, waiter_fn done,
               struct fault *fault) {
        int r;

        if (lock->state != LOCK_OPEN) {
                r = lock_join(lock, request, waiter, done, fault);
                request->password = secret_free(request->password);
                return r;
        }

        lock->request = *request;
        request->password = NULL;
        r = lock_check(lock, fault);
        if (r) {
                lock->request.password = secret_free(lock->request.password);
                return r;
        }

        waiter_join(waiter, &lock->waiters, done);
        lock_set_state(lock, LOCK_WAITING);
        lock->deps.closed(lock->deps.userdata);
        alarm_set(lock->patience,
                  clock_boottime_usec() +
                          (lock->deps.is_busy(lock->deps.userdata) ? LOCK_NETWORK_PATIENCE_USEC : 0));
        return 0;
}

void lock_now(struct lock *lock) {
        if (lock->state != LOCK_OPEN)
                return;

        lock_set_state(lock, LOCK_SAVING);
        lock->deps.closed(lock->deps.userdata);
        lock_wipe(lock);
}

int lock_new(struct lock **ret, const struct lock_deps *deps) {
        _cleanup_(lock_freep) struct lock *lock = NULL;
        int r;

        lock = calloc(1, sizeof(*lock));
        if (!lock)
                return -ENOMEM;

        lock->deps = *deps;
        list_init(&lock->waiters);
        waiter_init(&lock->protecting);
        waiter_init(&lock->saving.waiter);

        r = alarm_new(&lock->patience, deps->event, 10 * USEC_PER_MSEC, lock_on_patience, lock);
        if (!r)
                r = sd_event_add_post(deps->event, &lock->post, lock_on_event_over, lock);
        if (r < 0)
                return r;

        lock_set_state(lock, LOCK_OPEN);
        *ret = TAKE(lock);
        return 0;
}

struct lock *lock_free(struct lock *lock) {
        _cleanup_(fault_deinit) struct fault stopping = {};

        if (!lock)
                return NULL;

        (void)fault_set(&stopping, AGENT_ERROR_STOPPING, NULL);
        if (lock->barrier)
                worker_abandon(lock->deps.worker, &lock->barrier->job);
        waiter_leave(&lock->protecting);
        waiter_leave(&lock->saving.waiter);
        secret_free(lock->request.password);
        waiter_tell_all(&lock->waiters, &stopping);
        sd_event_source_disable_unref(lock->post);
        alarm_free(lock->patience);
        free(lock);
        return NULL;
}
