#include "daemon/flow/follow.h"

#include <assert.h>
#include <errno.h>

#include "daemon/base/clock.h"
#include "daemon/flow/alarm.h"
#include "daemon/model/news.h"
#include "proto/log.h"

struct follow {
        struct follow_deps deps;
        struct look *look; /* borrowed: in flight, the worker's */
        struct list waiters; /* waiter.link: for the look in flight */
        struct list later; /* waiter.link: for the next one, as the one in flight began before they came */
        struct alarm *next;
        struct alarm *patience; /* with the look in flight, then with the next one */
        bool is_told; /* what the look in flight has found: the worker has done with it */
        bool failed; /* the last look, which has been said */
};

struct look {
        struct job job; /* first */
        struct follow *follow; /* borrowed; not looked at once abandoned */
        struct disk_paths paths;
        struct disk_look disk;
        struct news news;
        int r;
        struct fault fault;
};

static struct look *look_free(struct look *look) {
        if (!look)
                return NULL;

        disk_look_deinit(&look->disk);
        news_deinit(&look->news);
        disk_paths_deinit(&look->paths);
        fault_deinit(&look->fault);
        free(look);
        return NULL;
}

DEFINE_CLEANUP(struct look, look_free);

static void look_work(struct job *job) {
        struct look *look = CONTAINER(job, struct look, job);

        look->r = disk_load(&look->disk, &look->paths, &look->fault);
        news_read(&look->news, look->disk.store);
}

static void look_drop(struct job *job) {
        look_free(CONTAINER(job, struct look, job));
}

static void follow_on_failure(struct follow *follow, const struct fault *fault) {
        if (!follow->failed)
                log_warning("Cannot see what another agent may have saved: %s", fault_message(fault));
        follow->failed = true;
}

/* A store that somebody took away is no logout: that leaves an empty one. */
static int follow_on_lost(struct follow *follow) {
        if (store_version_is_none(vault_version(follow->deps.vault)))
                return 0;

        log_warning("The store is gone from %s: writing it anew", follow->deps.paths->state_dir);
        return vault_store_lost(follow->deps.vault);
}

/* The look tells what the store is like now, unless it was changed from here since the look began. */
static bool look_is_of_now(const struct follow *follow, const struct look *look) {
        return vault_get_state(follow->deps.vault) == VAULT_OPEN &&
               store_version_equal(&look->disk.known, vault_version(follow->deps.vault)) &&
               !save_is_protecting(follow->deps.save);
}

/* What is not saved, or on its way from Globus, may exist nowhere else: the next look is soon. */
static bool follow_may_be_locked(const struct follow *follow) {
        const struct vault *vault = follow->deps.vault;

        return vault_saved(vault) >= vault_changed(vault) && !follow->deps.is_busy(follow->deps.userdata);
}

static void follow_on_look(struct follow *follow, const struct look *look) {
        int r;

        if (look->r == AGENT_ERROR_LOCKED && !look_is_of_now(follow, look))
                return;
        if (look->r == AGENT_ERROR_LOCKED && follow_may_be_locked(follow)) {
                log_notice("Another agent has put a passphrase on the store");
                follow->deps.locked(follow->deps.userdata);
                return;
        }
        if (look->r && look->r != -EALREADY) {
                follow_on_failure(follow, &look->fault);
                return;
        }

        follow->failed = false;
        if (look->r == -EALREADY || vault_get_state(follow->deps.vault) != VAULT_OPEN)
                return;

        r = look->disk.store ? vault_merge(follow->deps.vault, look->disk.store) : follow_on_lost(follow);
        if (r)
                log_error("Cannot take over what is on disk: %s", error_sentence(r));

        save_kick(follow->deps.save);
        follow->deps.followed(follow->deps.userdata);
}

static int follow_look(struct follow *follow);

/* Those told may come again: for the next look. */
static void follow_on_patience(void *userdata) {
        struct follow *follow = userdata;
        struct list impatient = LIST_INIT(impatient);
        _cleanup_(fault_deinit) struct fault fault = {};

        (void)fault_set(&fault, AGENT_ERROR_STORAGE_FAILED, "The disk of %s does not answer",
                        follow->deps.paths->state_dir);
        list_move_all(&impatient, &follow->waiters);
        list_move_all(&impatient, &follow->later);
        waiter_tell_all(&impatient, &fault);
}

static void look_done(struct job *job) {
        _cleanup_(look_freep) struct look *look = CONTAINER(job, struct look, job);
        struct follow *follow = look->follow;

        follow->is_told = true;
        follow_on_look(follow, look);
        waiter_tell_all(&follow->waiters, look->fault.r ? &look->fault : NULL);

        follow->is_told = false;
        follow->look = NULL; /* not before: those who come meanwhile are for the next one */
        if (!list_is_empty(&follow->later) &&
            (vault_get_state(follow->deps.vault) != VAULT_OPEN || follow_look(follow)))
                follow_on_patience(follow);
}

static const struct job_type look_type = {
        .work = look_work,
        .done = look_done,
        .free = look_drop,
};

/* Those who came for the next look wait for this one from now on. */
static int follow_look(struct follow *follow) {
        _cleanup_(look_freep) struct look *look = NULL;
        uint64_t now = clock_boottime_usec();
        int r;

        look = calloc(1, sizeof(*look));
        if (!look)
                return -ENOMEM;

        look->follow = follow;
        look->disk.known = *vault_version(follow->deps.vault);
        r = disk_keys_of(&look->disk.keys, follow->deps.vault);
        if (!r)
                r = disk_paths_copy(&look->paths, follow->deps.paths);
        if (r)
                return r;

        news_init(&look->news, follow->deps.vault);
        list_move_all(&follow->waiters, &follow->later);
        alarm_set(follow->next, now + FOLLOW_INTERVAL_USEC);
        alarm_set(follow->patience, now + FOLLOW_PATIENCE_USEC);
        follow->look = TAKE(look);
        worker_submit(follow->deps.worker, &follow->look->job, &look_type);
        return 0;
}

static void follow_on_next(void *userdata) {
        struct follow *follow = userdata;

        alarm_set(follow->next, clock_boottime_usec() + FOLLOW_INTERVAL_USEC);
        if (!follow->look && vault_get_state(follow->deps.vault) == VAULT_OPEN)
                (void)follow_look(follow);
}

bool follow_join(struct follow *follow, struct waiter *waiter, waiter_fn done) {
        if (vault_get_state(follow->deps.vault) != VAULT_OPEN)
                return false;

        if (list_is_empty(&follow->waiters) && list_is_empty(&follow->later))
                alarm_set(follow->patience, clock_boottime_usec() + FOLLOW_PATIENCE_USEC);

        waiter_join(waiter, &follow->later, done);
        if (follow->look || !follow_look(follow))
                return true;

        waiter_leave(waiter);
        return false;
}

void follow_drop(struct follow *follow) {
        if (follow->look && !follow->is_told) {
                worker_abandon(follow->deps.worker, &follow->look->job);
                follow->look = NULL;
        }
        follow_on_patience(follow);
}

int follow_new(struct follow **ret, const struct follow_deps *deps) {
        _cleanup_(follow_freep) struct follow *follow = NULL;
        int r;

        follow = calloc(1, sizeof(*follow));
        if (!follow)
                return -ENOMEM;

        follow->deps = *deps;
        list_init(&follow->waiters);
        list_init(&follow->later);

        r = alarm_new(&follow->next, deps->event, FOLLOW_SLACK_USEC, follow_on_next, follow);
        if (!r)
                r = alarm_new(&follow->patience, deps->event, 10 * USEC_PER_MSEC, follow_on_patience, follow);
        if (r)
                return r;

        alarm_set(follow->next, clock_boottime_usec() + FOLLOW_INTERVAL_USEC);
        *ret = TAKE(follow);
        return 0;
}

struct follow *follow_free(struct follow *follow) {
        if (!follow)
                return NULL;

        assert(list_is_empty(&follow->waiters) && list_is_empty(&follow->later));

        if (follow->look)
                worker_abandon(follow->deps.worker, &follow->look->job);
        alarm_free(follow->next);
        alarm_free(follow->patience);
        free(follow);
        return NULL;
}
