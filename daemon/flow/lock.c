#include "daemon/flow/lock.h"

#include <errno.h>

#include "daemon/base/clock.h"
#include "daemon/flow/alarm.h"
#include "proto/log.h"

enum lock_state {
        LOCK_OPEN, /* or the vault is locked: that is the vault's state */
        LOCK_WAITING, /* for the network */
        LOCK_SAVING,
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
};

bool lock_is_closed(const struct lock *lock) {
        return lock->state != LOCK_OPEN || vault_get_state(lock->deps.vault) == VAULT_LOCKED;
}

static void lock_set_state(struct lock *lock, enum lock_state state) {
        lock->state = state;
        (void)sd_event_source_set_enabled(lock->post, state == LOCK_WAITING ? SD_EVENT_ON : SD_EVENT_OFF);
        if (state == LOCK_OPEN)
                alarm_set(lock->patience, USEC_INFINITY);
}

/* fault: the gate is open again. */
static void lock_end(struct lock *lock, const struct fault *fault) {
        waiter_leave(&lock->protecting);
        waiter_leave(&lock->saving.waiter);
        lock->request.password = secret_free(lock->request.password);
        lock_set_state(lock, LOCK_OPEN);
        if (fault)
                lock->deps.reopened(lock->deps.userdata);
        waiter_tell_all(&lock->waiters, fault);
}

static void lock_wipe(struct lock *lock) {
        waiter_leave(&lock->protecting);
        waiter_leave(&lock->saving.waiter);
        save_drop(lock->deps.save);
        vault_wipe(lock->deps.vault);
        open_lock(lock->deps.open);
        lock->deps.wiped(lock->deps.userdata);
        log_notice("Locked");
        lock_end(lock, NULL);
}

static void lock_on_saved(struct waiter *waiter, const struct fault *fault) {
        struct lock *lock = CONTAINER(waiter, struct lock, saving.waiter);

        if (fault && !lock->request.force)
                lock_end(lock, fault);
        else
                lock_wipe(lock);
}

/* A password that is not on disk would be forgotten by a restart, so force does not help. */
static void lock_on_protected(struct waiter *waiter, const struct fault *fault) {
        struct lock *lock = CONTAINER(waiter, struct lock, protecting);

        if (fault)
                lock_end(lock, fault);
        else
                lock_wipe(lock);
}

static void lock_save(struct lock *lock) {
        struct protection_change change = {.action = DISK_LOCK, .passphrase = TAKE(lock->request.password)};
        _cleanup_(fault_deinit) struct fault fault = {};

        lock_set_state(lock, LOCK_SAVING);
        alarm_set(lock->patience, clock_boottime_usec() + LOCK_DISK_PATIENCE_USEC);
        if (change.passphrase) {
                if (save_protect(lock->deps.save, &change, &lock->protecting, lock_on_protected, &fault))
                        lock_end(lock, &fault);
                return;
        }

        if (vault_saved(lock->deps.vault) >= vault_changed(lock->deps.vault) ||
            !save_join(lock->deps.save, &lock->saving, lock_on_saved))
                lock_wipe(lock);
}

static void lock_on_patience(void *userdata) {
        struct lock *lock = userdata;
        _cleanup_(fault_deinit) struct fault fault = {};

        if (lock->state == LOCK_WAITING) {
                if (lock->deps.is_busy(lock->deps.userdata))
                        log_warning("Locking although Globus has not answered everything");
                lock->deps.cancel(lock->deps.userdata);
                lock_save(lock);
                return;
        }

        (void)fault_set(&fault, AGENT_ERROR_STORAGE_FAILED, "The disk does not answer");
        if (lock->request.force)
                lock_wipe(lock);
        else
                lock_end(lock, &fault);
}

static void lock_look(struct lock *lock) {
        if (lock->state != LOCK_WAITING || lock->deps.is_busy(lock->deps.userdata))
                return;

        lock->deps.cancel(lock->deps.userdata);
        lock_save(lock);
}

static int lock_on_event_over(sd_event_source *source, void *userdata) {
        lock_look(userdata);
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
        if (vault_protector(lock->deps.vault) == PROTECTOR_MEMORY &&
            !list_is_empty(vault_accounts(lock->deps.vault)))
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
        int r;

        if (lock->state != LOCK_OPEN)
                return fault_set(fault, AGENT_ERROR_BUSY, "The agent is being locked already");
        if (vault_get_state(lock->deps.vault) == VAULT_LOCKED)
                return lock->request.password ? fault_set(fault, AGENT_ERROR_LOCKED, NULL) : -EALREADY;
        if (lock->request.password && vault_get_state(lock->deps.vault) != VAULT_OPEN)
                return fault_set(fault, AGENT_ERROR_STORAGE_FAILED,
                                 "A password guards the store, which is not open: %s",
                                 open_trouble(lock->deps.open) ? fault_message(open_trouble(lock->deps.open))
                                                               : "it is being read");

        r = lock_check_password(lock, fault);
        return r ?: lock_check_loss(lock, fault);
}

int lock_begin(struct lock *lock, struct lock_request *request, struct waiter *waiter, waiter_fn done,
               struct fault *fault) {
        int r;

        if (lock->state == LOCK_OPEN)
                lock->request =
                        (struct lock_request){.password = TAKE(request->password), .force = request->force};

        r = lock_check(lock, fault);
        if (r) {
                request->password = secret_free(request->password);
                if (lock->state == LOCK_OPEN)
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
        lock->deps.closed(lock->deps.userdata);
        lock->deps.cancel(lock->deps.userdata);
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
        waiter_leave(&lock->protecting);
        waiter_leave(&lock->saving.waiter);
        secret_free(lock->request.password);
        waiter_tell_all(&lock->waiters, &stopping);
        sd_event_source_disable_unref(lock->post);
        alarm_free(lock->patience);
        free(lock);
        return NULL;
}
