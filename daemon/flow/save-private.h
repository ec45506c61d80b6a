#pragma once

/* Save, between its files: what it knows, and one write, which the worker is handed. */

#include "daemon/flow/save.h"
#include "daemon/model/news.h"

struct save {
        struct save_deps deps;
        struct commit *commit; /* borrowed: the one in flight, the worker's */
        struct fault trouble;
        bool unlocked;
        uint64_t pause_usec; /* before the next try after trouble */
        uint64_t retry_usec; /* no write before; 0: at once */
        uint64_t queued_usec; /* since when it is another process's turn; 0: it is not */
        struct alarm *retry;
        struct alarm *patience; /* of the first of the waiters: all have the same */
        struct list waiters; /* saving.waiter.link, in the order they came */
        struct {
                enum disk_action action; /* DISK_SAVE: none is asked for */
                struct disk_wish wish;
                struct secret *passphrase; /* may be NULL */
        } protection; /* for the next commit, until one has come to an end with it */
        struct {
                struct store_version version; /* none: nothing is */
                uint64_t number; /* of the last change that it has */
        } prepared; /* the vault's image, of a store that is still on disk */
        struct list protectors; /* waiter.link: for that end */
        struct alarm *protection_patience;
};

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
        void (*keep_image)(void *userdata, const struct secret *image); /* of the last one */
        void *userdata; /* borrowed */
        bool has_image; /* of the last one: in disk.keys, what the one before kept in memory */
        bool has_heir; /* it is the one before, and the last one's */
};

/* Of what has changed, which it takes out of the vault. */
int commit_new(struct commit **ret, struct save *save);
struct commit *commit_free(struct commit *commit);

/* Of a job: the write, and the end of one that was abandoned. */
void commit_work(struct job *job);
void commit_drop(struct job *job);

/* Hands over the last one, which nobody will try again: so it does that itself, for a few seconds. before,
 * which the worker may still have, is abandoned; it may be NULL. */
void commit_submit_last(struct commit *last, struct worker *worker, struct commit *before);

DEFINE_CLEANUP(struct commit, commit_free);
