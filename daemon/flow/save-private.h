#pragma once

/* Save, between its files: one write, which the worker is handed. */

#include "daemon/flow/save.h"
#include "daemon/model/news.h"

/* All it needs, nothing shared. */
struct commit {
        struct job job; /* first */
        struct save *save; /* borrowed; not looked at once abandoned */
        struct disk_paths paths;
        struct disk_commit disk;
        struct news news;
        uint64_t number;
        int r;
        struct fault fault;

        /* At the end */
        struct commit *before; /* of the last one: what was in flight, and is to be on disk first */
        uint64_t until_usec; /* of the last one */
        void (*lost)(void *userdata); /* of the last one */
        void *userdata; /* borrowed */
        bool has_heir; /* it is the one before, and the last one's */
};

struct commit *commit_free(struct commit *commit);

/* Of a job: the write, and the end of one that was abandoned. */
void commit_work(struct job *job);
void commit_drop(struct job *job);

/* Hands over the last one, which nobody will try again: so it does that itself, for a few seconds. before,
 * which the worker may still have, is abandoned; it may be NULL. */
void commit_submit_last(struct commit *last, struct worker *worker, struct commit *before);

DEFINE_CLEANUP(struct commit, commit_free);
