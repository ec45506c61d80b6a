#include "daemon/flow/aside.h"

#include <errno.h>

#include "proto/log.h"

struct aside {
        struct aside_deps deps;
        struct moving *moving; /* borrowed: in flight, the worker's */
        struct list waiters; /* waiter.link: for its end */
        char *moved_to;
};

struct moving {
        struct job job; /* first */
        struct aside *aside; /* borrowed; not looked at once abandoned */
        struct disk_paths paths;
        enum vault_state state; /* of the vault when it began */
        char *moved_to;
        struct fault fault;
};

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
        struct aside *aside = moving->aside;

        aside->moving = NULL;
        if (moving->fault.r) {
                log_error("The store stays where it is: %s", fault_message(&moving->fault));
                waiter_tell_all(&aside->waiters, &moving->fault);
                return;
        }

        free(aside->moved_to);
        aside->moved_to = TAKE(moving->moved_to);
        log_notice("The store that was not read is now %s", aside->moved_to ? aside->moved_to : "gone");

        if (vault_get_state(aside->deps.vault) == moving->state) /* not locked meanwhile */
                open_begin_anew(aside->deps.open);
        waiter_tell_all(&aside->waiters, NULL);
}

static const struct job_type moving_type = {
        .work = moving_work,
        .done = moving_done,
        .free = moving_drop,
};

bool aside_is_possible(const struct aside *aside) {
        switch (vault_get_state(aside->deps.vault)) {
        case VAULT_OPENING:
                return open_is_stuck(aside->deps.open);
        case VAULT_LOCKED:
                return vault_needs_passphrase(aside->deps.vault);
        case VAULT_UNREADABLE:
                return true;
        case VAULT_OPEN:
                break;
        }

        return false;
}

int aside_move(struct aside *aside, struct waiter *waiter, waiter_fn done) {
        _cleanup_(moving_freep) struct moving *moving = NULL;
        int r;

        if (aside->moving || open_is_unlocking(aside->deps.open) || !aside_is_possible(aside))
                return -EBUSY;

        moving = calloc(1, sizeof(*moving));
        if (!moving)
                return -ENOMEM;

        moving->aside = aside;
        moving->state = vault_get_state(aside->deps.vault);
        r = disk_paths_copy(&moving->paths, aside->deps.paths);
        if (r)
                return r;

        waiter_join(waiter, &aside->waiters, done);
        aside->moving = TAKE(moving);
        worker_submit(aside->deps.worker, &aside->moving->job, &moving_type);
        return 0;
}

const char *aside_moved_to(const struct aside *aside) {
        return aside->moved_to;
}

int aside_new(struct aside **ret, const struct aside_deps *deps) {
        struct aside *aside;

        aside = calloc(1, sizeof(*aside));
        if (!aside)
                return -ENOMEM;

        aside->deps = *deps;
        list_init(&aside->waiters);
        *ret = aside;
        return 0;
}

struct aside *aside_free(struct aside *aside) {
        _cleanup_(fault_deinit) struct fault stopping = {};

        if (!aside)
                return NULL;

        if (aside->moving)
                worker_abandon(aside->deps.worker, &aside->moving->job);
        (void)fault_set(&stopping, AGENT_ERROR_STOPPING, NULL);
        waiter_tell_all(&aside->waiters, &stopping);
        free(aside->moved_to);
        free(aside);
        return NULL;
}
