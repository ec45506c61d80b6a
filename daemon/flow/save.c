#include "daemon/flow/save.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>

#include "daemon/base/clock.h"
#include "daemon/flow/alarm.h"
#include "daemon/flow/save-private.h"
#include "proto/log.h"

#define RETRY_FIRST_USEC USEC_PER_SEC
#define RETRY_LAST_USEC (30 * USEC_PER_SEC)
#define TURN_PATIENCE_USEC (10 * USEC_PER_SEC) /* until another process that writes is trouble */

/* Tells those whose change is saved, or, where there is a fault, everyone. */
static void save_tell(struct save *save, const struct fault *fault) {
        struct list *first;

        while ((first = list_first(&save->waiters))) {
                struct saving *saving = CONTAINER(first, struct saving, waiter.link);

                if (!fault && saving->number > vault_saved(save->deps.vault))
                        break;

                list_unlink(first);
                saving->waiter.done(&saving->waiter, fault);
        }
}

/* Those whose patience is at an end go on with what memory has. */
static void save_on_impatience(void *userdata) {
        struct save *save = userdata;
        struct list *first;

        first = list_first(&save->waiters);
        if (!first)
                return;
        if (CONTAINER(first, struct saving, waiter.link)->deadline_usec > clock_boottime_usec()) {
                alarm_set(save->patience, CONTAINER(first, struct saving, waiter.link)->deadline_usec);
                return; /* the one that waited longer has left */
        }

        (void)fault_set(&save->trouble, AGENT_ERROR_STORAGE_FAILED,
                        "The disk of %s has not taken what changed for more than %u s; still trying",
                        save->deps.paths->state_dir, (unsigned)(SAVE_PATIENCE_USEC / USEC_PER_SEC));
        log_warning("Going on unsaved: %s", fault_message(&save->trouble));

        while ((first = list_first(&save->waiters))) {
                struct saving *saving = CONTAINER(first, struct saving, waiter.link);

                if (saving->deadline_usec > clock_boottime_usec()) {
                        alarm_set(save->patience, saving->deadline_usec);
                        return;
                }

                list_unlink(first);
                saving->waiter.done(&saving->waiter, &save->trouble);
        }
}

void save_cancel_protection(struct save *save) {
        save->protection.action = DISK_SAVE;
        save->protection.passphrase = secret_free(save->protection.passphrase);
        alarm_set(save->protection_patience, USEC_INFINITY);
        save->prepared.version = (struct store_version){};
}

/* What a commit did not bring about is not tried again: a person waits. */
static void save_end_protection(struct save *save, const struct commit *commit, const struct fault *fault) {
        if (commit->disk.postponed.r ? save->queued_usec > 0 : commit->disk.action == DISK_SAVE)
                return;

        save_cancel_protection(save);
        waiter_tell_all(&save->protectors, fault);
}

/* Another process writes: ours is the next turn, unless that takes too long. */
static bool save_queues(struct save *save, const struct commit *commit) {
        uint64_t now = clock_boottime_usec();

        if (commit->r != -EAGAIN && !commit->disk.postponed.r)
                save->queued_usec = 0;
        else if (!save->queued_usec)
                save->queued_usec = now;
        else if (now >= save->queued_usec + TURN_PATIENCE_USEC)
                save->queued_usec = 0;

        return save->queued_usec > 0;
}

/* The log hears of it until the pause stops growing, and again when it is for another reason. */
static void save_on_failure(struct save *save, struct commit *commit) {
        uint64_t pause = save->pause_usec ? MIN(save->pause_usec * 2, RETRY_LAST_USEC) : RETRY_FIRST_USEC;
        bool is_news = pause != save->pause_usec || !save->trouble.r ||
                       !streq(fault_message(&save->trouble), fault_message(&commit->fault));

        vault_return_changes(save->deps.vault, &commit->disk.changes);
        (void)fault_copy(&save->trouble, &commit->fault);

        save->pause_usec = pause;
        save->retry_usec = clock_boottime_usec() + pause;
        alarm_set(save->retry, save->retry_usec);

        if (is_news)
                log_error("Not saved, next try in %" PRIu64 " s: %s", pause / USEC_PER_SEC,
                          fault_message(&save->trouble));
        save_tell(save, &save->trouble);
        save_end_protection(save, commit, &commit->fault);
}

/* Somebody took the store away, which is no logout: all of it goes out with the next write. */
static void save_on_lost(struct save *save, struct commit *commit) {
        int r;

        log_warning("The store is gone from %s: writing it anew", save->deps.paths->state_dir);
        vault_return_changes(save->deps.vault, &commit->disk.changes);
        r = vault_store_lost(save->deps.vault);
        if (r)
                log_error("Cannot write the store anew: %s", error_sentence(r));
}

/* A crash finds it on disk, or with the service manager: now it may leave the disk. */
static void save_on_prepared(struct save *save, struct commit *commit) {
        vault_return_changes(save->deps.vault, &commit->disk.changes);
        if (save->protection.action == DISK_SAVE)
                return; /* the person waits no more */

        save->prepared.version = commit->disk.prepared;
        save->prepared.number = commit->number;
        vault_set_image(save->deps.vault, TAKE(commit->disk.image));
        save->deps.keep_image(save->deps.userdata, vault_image(save->deps.vault));
}

static void save_on_success(struct save *save, struct commit *commit) {
        int r = 0;

        if (save->trouble.r)
                log_notice("Saved again");

        fault_deinit(&save->trouble);
        save->pause_usec = 0;
        save->retry_usec = 0;

        vault_changes_saved(save->deps.vault, commit->number);
        vault_set_image(save->deps.vault, TAKE(commit->disk.image));
        if (commit->disk.store)
                r = vault_merge(save->deps.vault, commit->disk.store);
        if (r)
                log_error("Cannot take over what is on disk: %s", error_sentence(r));

        save->unlocked = commit->disk.unlocked;
        save->deps.saved(save->deps.userdata);
        save_tell(save, NULL);
        save_end_protection(save, commit, commit->disk.postponed.r ? &commit->disk.postponed : NULL);
}

static void commit_done(struct job *job) {
        _cleanup_(commit_freep) struct commit *commit = CONTAINER(job, struct commit, job);
        struct save *save = commit->save;

        save->commit = NULL;
        if (save_queues(save, commit) && commit->r == -EAGAIN)
                vault_return_changes(save->deps.vault, &commit->disk.changes);
        else if (commit->fault.r)
                save_on_failure(save, commit);
        else if (disk_commit_only_prepared(&commit->disk))
                save_on_prepared(save, commit);
        else if (!commit->disk.store && !store_version_is_none(&commit->disk.known))
                save_on_lost(save, commit);
        else
                save_on_success(save, commit);

        save_kick(save);
}

static const struct job_type commit_type = {
        .work = commit_work,
        .done = commit_done,
        .free = commit_drop,
};

static bool save_is_due(const struct save *save) {
        return vault_get_state(save->deps.vault) == VAULT_OPEN &&
               (vault_changed(save->deps.vault) > vault_saved(save->deps.vault) ||
                save->protection.action != DISK_SAVE);
}

void save_kick(struct save *save) {
        int r;

        if (save->commit || !save_is_due(save))
                return;

        if (save->retry_usec > clock_boottime_usec())
                return;

        r = commit_new(&save->commit, save);
        if (r) {
                log_error("Cannot begin to save: %s", error_sentence(r));
                return;
        }

        worker_submit(save->deps.worker, &save->commit->job, &commit_type);
}

static void save_on_retry(void *userdata) {
        struct save *save = userdata;

        save->retry_usec = 0;
        save_kick(save);
}

bool save_join(struct save *save, struct saving *saving, waiter_fn done) {
        save->retry_usec = 0; /* the disk may be well again, and someone wants to know */
        save_kick(save);
        if (!save->commit)
                return false;

        saving->number = vault_changed(save->deps.vault);
        saving->deadline_usec = clock_boottime_usec() + SAVE_PATIENCE_USEC;

        if (list_is_empty(&save->waiters))
                alarm_set(save->patience, saving->deadline_usec);
        waiter_join(&saving->waiter, &save->waiters, done);
        return true;
}

bool save_is_protecting(const struct save *save) {
        return save->protection.action != DISK_SAVE || (save->commit && save->commit->disk.action != DISK_SAVE);
}

int save_protect(struct save *save, struct protection_change *change, struct waiter *waiter, waiter_fn done,
                 struct fault *fault) {
        _cleanup_(secret_freep) struct secret *passphrase = TAKE(change->passphrase);

        if (save_is_protecting(save))
                return fault_set(fault, AGENT_ERROR_BUSY,
                                 "The protection of the store is being changed already");

        save->protection.action = change->action;
        save->protection.wish = change->wish;
        save->protection.passphrase = TAKE(passphrase);
        save->retry_usec = 0;
        alarm_set(save->protection_patience, clock_boottime_usec() + SAVE_PROTECT_PATIENCE_USEC);
        waiter_join(waiter, &save->protectors, done);
        save_kick(save);
        return 0;
}

static void save_on_protection_impatience(void *userdata) {
        struct save *save = userdata;
        _cleanup_(fault_deinit) struct fault fault = {};
        struct list impatient = LIST_INIT(impatient);

        (void)fault_set(
                &fault, AGENT_ERROR_STORAGE_FAILED,
                "The disk of %s has not taken the new protection for %u s: look at 'globus-agentctl key' "
                "before you try again",
                save->deps.paths->state_dir, (unsigned)(SAVE_PROTECT_PATIENCE_USEC / USEC_PER_SEC));
        list_move_all(&impatient, &save->protectors);
        save_cancel_protection(save);
        waiter_tell_all(&impatient, &fault);
}

void save_drop(struct save *save) {
        _cleanup_(fault_deinit) struct fault locked = {};

        (void)fault_set(&locked, AGENT_ERROR_LOCKED, NULL);
        if (save->commit)
                worker_abandon(save->deps.worker, &save->commit->job);
        save->commit = NULL;
        save->pause_usec = save->retry_usec = save->queued_usec = 0;
        fault_deinit(&save->trouble);
        save_cancel_protection(save);
        alarm_set(save->retry, USEC_INFINITY);
        save_tell(save, &locked);
        waiter_tell_all(&save->protectors, &locked);
}

bool save_is_unlocked(const struct save *save) {
        return save->unlocked;
}

const struct fault *save_trouble(const struct save *save) {
        return save->trouble.r ? &save->trouble : NULL;
}

/* The worker finishes what is in flight, and then what has changed since. There are no two commits more, which
 * it takes to leave the disk. */
static void save_hand_over(struct save *save) {
        struct commit *last;
        int r;

        if (save->commit)
                worker_abandon(save->deps.worker, &save->commit->job);
        if (save->protection.action == DISK_PROTECT && disk_wish_is_memory(&save->protection.wish))
                save_cancel_protection(save);
        if (!save_is_due(save))
                return;

        r = commit_new(&last, save);
        if (r) {
                log_error("Cannot begin to save: %s", error_sentence(r));
                save->deps.lost(save->deps.userdata);
                return;
        }

        last->lost = save->deps.lost;
        last->keep_image = save->deps.keep_image;
        last->userdata = save->deps.userdata;
        commit_submit_last(last, save->deps.worker, TAKE(save->commit));
}

int save_new(struct save **ret, const struct save_deps *deps) {
        _cleanup_(save_freep) struct save *save = NULL;
        int r;

        save = calloc(1, sizeof(*save));
        if (!save)
                return -ENOMEM;

        save->deps = *deps;
        list_init(&save->waiters);
        list_init(&save->protectors);

        r = alarm_new(&save->retry, deps->event, USEC_PER_SEC, save_on_retry, save);
        if (!r)
                r = alarm_new(&save->patience, deps->event, 10 * USEC_PER_MSEC, save_on_impatience, save);
        if (!r)
                r = alarm_new(&save->protection_patience, deps->event, USEC_PER_SEC,
                              save_on_protection_impatience, save);
        if (r)
                return r;

        *ret = TAKE(save);
        return 0;
}

struct save *save_free(struct save *save) {
        if (!save)
                return NULL;

        assert(list_is_empty(&save->waiters) && list_is_empty(&save->protectors));

        save_hand_over(save);
        secret_free(save->protection.passphrase);
        alarm_free(save->protection_patience);
        alarm_free(save->retry);
        alarm_free(save->patience);
        fault_deinit(&save->trouble);
        free(save);
        return NULL;
}
