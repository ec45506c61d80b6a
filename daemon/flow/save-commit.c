#include "daemon/flow/save-private.h"

#include <errno.h>
#include <time.h>

#include "daemon/base/clock.h"
#include "proto/log.h"

#define LAST_PATIENCE_USEC (4 * USEC_PER_SEC) /* the worker is not given much more at the end */
#define LAST_PAUSE_NSEC (100 * 1000 * 1000)

struct commit *commit_free(struct commit *commit) {
        if (!commit)
                return NULL;

        commit_free(commit->before);
        disk_commit_deinit(&commit->disk);
        news_deinit(&commit->news);
        disk_paths_deinit(&commit->paths);
        fault_deinit(&commit->fault);
        free(commit);
        return NULL;
}

void commit_work(struct job *job) {
        struct commit *commit = CONTAINER(job, struct commit, job);

        fault_deinit(&commit->fault);
        commit->r = disk_commit(&commit->disk, &commit->paths, &commit->fault);
        if (commit->r && !commit->fault.r)
                (void)fault_set(&commit->fault, commit->r, NULL);

        news_read(&commit->news, commit->disk.store);
}

void commit_drop(struct job *job) {
        struct commit *commit = CONTAINER(job, struct commit, job);

        if (!commit->has_heir)
                commit_free(commit);
}

/* How long another process may have its turn is for the worker's patience to say, as with a disk that hangs. */
static void commit_insist(struct commit *commit, uint64_t until_usec) {
        const struct timespec pause = {.tv_nsec = LAST_PAUSE_NSEC};

        while (commit->r == -EAGAIN ||
               (commit->r == AGENT_ERROR_STORAGE_FAILED && clock_boottime_usec() < until_usec)) {
                if (commit->r != -EAGAIN)
                        nanosleep(&pause, NULL);
                commit_work(&commit->job);
        }
}

static bool last_is_needed(const struct commit *last) {
        bool protects = last->disk.action != DISK_SAVE;

        if (protects && last->before && last->before->disk.action != DISK_SAVE)
                protects = false; /* the one before did */

        return protects || !list_is_empty(&last->disk.changes);
}

/* The one before has had its turn by now, but who it was for has not looked how it went. */
static void last_work(struct job *job) {
        struct commit *last = CONTAINER(job, struct commit, job);

        if (last->before)
                commit_insist(last->before, last->until_usec);
        if (!last_is_needed(last))
                return;

        commit_work(job);
        commit_insist(last, last->until_usec);
}

static void last_drop(struct job *job) {
        struct commit *last = CONTAINER(job, struct commit, job);
        const struct fault *fault = last->before && last->before->r ? &last->before->fault : &last->fault;

        if (fault->r) {
                log_error("Not saved before the end, so what changed last is lost: %s", fault_message(fault));
                last->lost(last->userdata);
        }
        commit_free(last);
}

static const struct job_type last_type = {
        .work = last_work,
        .done = last_drop,
        .free = last_drop,
};

void commit_submit_last(struct commit *last, struct worker *worker, struct commit *before) {
        if (before)
                before->has_heir = true;

        last->before = before;
        last->until_usec = clock_boottime_usec() + LAST_PATIENCE_USEC;
        worker_submit(worker, &last->job, &last_type);
        worker_abandon(worker, &last->job);
}
