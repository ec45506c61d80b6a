#pragma once

/*
 * Worker: one thread for what blocks (the disk, key derivation), so that the loop never does.
 *
 * A job owns all it needs; while it works, nobody else touches it. Jobs run in the order they came. done is
 * called once, later, from the loop. A job abandoned is freed when its work is over, and done is not called.
 */

#include <systemd/sd-event.h>

#include "proto/list.h"
#include "proto/macro.h"

struct worker;
struct job;

struct job_type {
        void (*work)(struct job *job); /* on the worker's thread */
        void (*done)(struct job *job); /* on the loop; owns the job from now on */
        void (*free)(struct job *job); /* of an abandoned one; on the loop, or at the end */
};

/* Embedded as the first thing of a job of any kind. */
struct job {
        const struct job_type *type;
        struct list link; /* worker's queues */
        bool abandoned; /* of the loop's side */
};

int worker_new(struct worker **ret, sd_event *event);

/* Finishes the jobs that were queued (what is to be saved is saved), calls no done, frees all jobs. Waits up to
 * timeout_usec for a disk that hangs; then leaves the thread behind and returns -ETIMEDOUT. */
int worker_stop(struct worker *worker, uint64_t timeout_usec);
struct worker *worker_free(struct worker *worker);

/* Hands the job over. */
void worker_submit(struct worker *worker, struct job *job, const struct job_type *type);

/* Nobody waits for it any more; its work is still done. */
void worker_abandon(struct worker *worker, struct job *job);

DEFINE_CLEANUP(struct worker, worker_free);
