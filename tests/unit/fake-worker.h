#pragma once

/* A worker without a thread, whose jobs are done when told to: it takes the place of daemon/base/worker. */

#include "tests/unit/unit.h"

#include "daemon/base/worker.h"

static struct list fake_jobs = {&fake_jobs, &fake_jobs};

void worker_submit(struct worker *worker, struct job *job, const struct job_type *type) {
        job->type = type;
        list_append(&fake_jobs, &job->link);
}

void worker_abandon(struct worker *worker, struct job *job) {
        job->abandoned = true;
}

static inline size_t worker_jobs(void) {
        size_t n = 0;

        for (struct list *l = fake_jobs.next; l != &fake_jobs; l = l->next)
                n++;

        return n;
}

/* Does the oldest job. */
static inline void worker_work(void) {
        struct job *job;

        assert_false(list_is_empty(&fake_jobs));
        job = CONTAINER(list_first(&fake_jobs), struct job, link);
        list_unlink(&job->link);
        job->type->work(job);
        if (job->abandoned)
                job->type->free(job);
        else
                job->type->done(job);
}
