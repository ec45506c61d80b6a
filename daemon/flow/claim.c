#include "daemon/flow/claim.h"

#include <assert.h>
#include <errno.h>

#include "daemon/base/clock.h"
#include "daemon/flow/alarm.h"
#include "proto/log.h"

struct claims {
        struct claims_deps deps;
        struct list claims; /* claim.link */
};

enum claim_state {
        CLAIM_TRYING, /* the worker has it */
        CLAIM_PAUSING, /* another daemon holds the lock */
        CLAIM_SETTLED, /* the lock is held, or there is none to be had */
        CLAIM_UNLOCKING, /* the worker has it: letting go may take a while, too */
};

struct claim {
        struct job job; /* first */
        struct claims *claims; /* borrowed */
        struct list link; /* claims.claims */
        enum claim_state state;
        struct disk_paths paths;
        unsigned char uuid[UUID_SIZE];
        struct byte_lock *lock;
        int r; /* of the last try */
        struct fault fault;
        uint64_t begun_usec, pause_usec;
        struct alarm *alarm;
        claim_fn done; /* NULL once called, or not wanted any more */
        void *userdata; /* borrowed */
        bool released;
};

static struct claim *claim_free(struct claim *claim) {
        if (!claim)
                return NULL;

        byte_lock_free(claim->lock);
        list_unlink(&claim->link);
        alarm_free(claim->alarm);
        disk_paths_deinit(&claim->paths);
        fault_deinit(&claim->fault);
        free(claim);
        return NULL;
}

static void claim_drop(struct job *job) {
        claim_free(CONTAINER(job, struct claim, job));
}

/* The last thing that is done to a claim that was not released yet: it may be released by it. */
static void claim_tell(struct claim *claim, const struct fault *fault) {
        claim_fn done = claim->done;

        claim->done = NULL;
        if (done)
                done(claim->userdata, fault);
}

static void unlock_work(struct job *job) {
        struct claim *claim = CONTAINER(job, struct claim, job);

        claim->lock = byte_lock_free(claim->lock);
}

static const struct job_type unlock_type = {
        .work = unlock_work,
        .done = claim_drop,
        .free = claim_drop,
};

/* Whatever else there is to be saved is not this lock's. What a vault holds that is not open is in memory only,
 * and nobody else's. */
static bool claim_is_awaited(const struct claim *claim) {
        const struct vault *vault = claim->claims->deps.vault;

        return vault_get_state(vault) == VAULT_OPEN && vault_is_unsaved(vault, claim->uuid);
}

/* Frees what was released, as soon as nothing speaks against it. */
static void claim_settle(struct claim *claim) {
        if (!claim->released || claim->state == CLAIM_TRYING || claim->state == CLAIM_UNLOCKING)
                return;

        if (!claim->lock) {
                claim_free(claim);
                return;
        }

        if (claim_is_awaited(claim))
                return;

        claim->state = CLAIM_UNLOCKING;
        worker_submit(claim->claims->deps.worker, &claim->job, &unlock_type);
}

static void try_work(struct job *job) {
        struct claim *claim = CONTAINER(job, struct claim, job);

        claim->r = disk_claim(&claim->lock, &claim->paths, claim->uuid, &claim->fault);
}

static void claim_pause(struct claim *claim) {
        uint64_t now = clock_boottime_usec();
        _cleanup_(fault_deinit) struct fault fault = {};

        claim->state = CLAIM_PAUSING;
        if (now < claim->begun_usec + CLAIM_PATIENCE_USEC) {
                claim->pause_usec =
                        MIN(MAX(claim->pause_usec * 2, CLAIM_RETRY_FIRST_USEC), CLAIM_RETRY_LAST_USEC);
                alarm_set(claim->alarm, now + claim->pause_usec);
                return;
        }

        (void)fault_set(
                &fault, AGENT_ERROR_UNAVAILABLE,
                "Another globus-agent with the same home, on this machine or another, has been refreshing "
                "this token for more than %u s",
                (unsigned)(CLAIM_PATIENCE_USEC / USEC_PER_SEC));
        claim_tell(claim, &fault);
}

static void try_done(struct job *job) {
        struct claim *claim = CONTAINER(job, struct claim, job);

        alarm_set(claim->alarm, USEC_INFINITY);
        claim->state = CLAIM_SETTLED;
        if (claim->released) {
                claim_settle(claim);
                return;
        }
        if (claim->r == -EAGAIN && claim->done) {
                claim_pause(claim);
                return;
        }

        if (claim->fault.r)
                log_debug("Refreshing without a lock: %s", fault_message(&claim->fault));
        claim_tell(claim, NULL);
}

static const struct job_type try_type = {
        .work = try_work,
        .done = try_done,
        .free = claim_drop,
};

static void claim_try(struct claim *claim) {
        claim->state = CLAIM_TRYING;
        fault_deinit(&claim->fault);
        alarm_set(claim->alarm, clock_boottime_usec() + CLAIM_DISK_PATIENCE_USEC);
        worker_submit(claim->claims->deps.worker, &claim->job, &try_type);
}

static void claim_on_alarm(void *userdata) {
        struct claim *claim = userdata;

        if (claim->state == CLAIM_PAUSING) {
                claim_try(claim);
                return;
        }

        if (claim->state == CLAIM_TRYING)
                log_debug("Refreshing without a lock: the disk does not answer");
        claim_tell(claim, NULL);
}

/* While the disk does not take what the last refresh brought, the next one has its claim, which would else be
 * in its way. */
static struct claim *claims_find_released(struct claims *claims, const unsigned char uuid[static UUID_SIZE]) {
        for (struct list *l = claims->claims.next; l != &claims->claims; l = l->next) {
                struct claim *claim = CONTAINER(l, struct claim, link);

                if (claim->released && claim->state != CLAIM_UNLOCKING && uuid_equal(claim->uuid, uuid))
                        return claim;
        }

        return NULL;
}

static void claim_resume(struct claim *claim, claim_fn done, void *userdata) {
        uint64_t now = clock_boottime_usec();

        claim->released = false;
        claim->done = done;
        claim->userdata = userdata;
        claim->begun_usec = now;
        claim->pause_usec = 0;
        alarm_set(claim->alarm, claim->state == CLAIM_TRYING ? now + CLAIM_DISK_PATIENCE_USEC : now);
}

int claim_new(struct claim **ret, struct claims *claims, const unsigned char uuid[static UUID_SIZE],
              claim_fn done, void *userdata) {
        struct claim *claim = claims_find_released(claims, uuid);
        int r;

        if (claim) {
                claim_resume(claim, done, userdata);
                *ret = claim;
                return 0;
        }

        claim = calloc(1, sizeof(*claim));
        if (!claim)
                return -ENOMEM;

        claim->claims = claims;
        claim->begun_usec = clock_boottime_usec();
        claim->done = done;
        claim->userdata = userdata;
        memcpy(claim->uuid, uuid, UUID_SIZE);
        list_append(&claims->claims, &claim->link);

        r = disk_paths_copy(&claim->paths, claims->deps.paths);
        if (!r)
                r = alarm_new(&claim->alarm, claims->deps.event, 10 * USEC_PER_MSEC, claim_on_alarm, claim);
        if (r) {
                claim_free(claim);
                return r;
        }

        claim_try(claim);
        *ret = claim;
        return 0;
}

bool claim_is_settled(const struct claim *claim) {
        return claim->state == CLAIM_SETTLED;
}

struct claim *claim_release(struct claim *claim) {
        if (!claim)
                return NULL;

        claim->released = true;
        claim->done = NULL;
        alarm_set(claim->alarm, USEC_INFINITY);
        claim_settle(claim);
        return NULL;
}

void claims_on_saved(struct claims *claims) {
        struct list *next;

        for (struct list *l = claims->claims.next; l != &claims->claims; l = next) {
                next = l->next;
                claim_settle(CONTAINER(l, struct claim, link));
        }
}

int claims_new(struct claims **ret, const struct claims_deps *deps) {
        struct claims *claims;

        claims = calloc(1, sizeof(*claims));
        if (!claims)
                return -ENOMEM;

        claims->deps = *deps;
        list_init(&claims->claims);
        *ret = claims;
        return 0;
}

struct claims *claims_free(struct claims *claims) {
        struct list *first;

        if (!claims)
                return NULL;

        while ((first = list_first(&claims->claims))) {
                struct claim *claim = CONTAINER(first, struct claim, link);

                assert(claim->released);
                list_unlink(first);
                if (claim->state == CLAIM_TRYING || claim->state == CLAIM_UNLOCKING)
                        worker_abandon(claims->deps.worker, &claim->job);
                else
                        worker_submit(claims->deps.worker, &claim->job, &unlock_type);
        }

        free(claims);
        return NULL;
}
