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

/* A store that got lost is not to be protected less than it was. */
static struct disk_wish save_wish(const struct save *save) {
        struct disk_wish wish = *save->deps.wish;
        enum protector protector = vault_protector(save->deps.vault);

        if (save->protection.action == DISK_PROTECT)
                return save->protection.wish;
        if (protector == PROTECTOR_UNKNOWN)
                return wish;

        wish.automatic = false;
        wish.protector = protector;
        wish.permitted |= 1U << protector;
        return wish;
}

int commit_new(struct commit **ret, struct save *save) {
        _cleanup_(commit_freep) struct commit *commit = NULL;
        int r;

        commit = calloc(1, sizeof(*commit));
        if (!commit)
                return -ENOMEM;

        commit->save = save;
        list_init(&commit->disk.changes);
        commit->disk.known = *vault_version(save->deps.vault);

        commit->disk.wish = save_wish(save);
        commit->disk.action = save->protection.action;

        r = disk_paths_copy(&commit->paths, save->deps.paths);
        if (!r)
                r = disk_keys_of(&commit->disk.keys, save->deps.vault);
        if (!r && save->protection.passphrase)
                r = secret_copy(&commit->disk.passphrase, save->protection.passphrase);
        if (r)
                return r;

        news_init(&commit->news, save->deps.vault);
        commit->number = vault_take_changes(save->deps.vault, &commit->disk.changes);
        if (commit->number == save->prepared.number)
                commit->disk.prepared = save->prepared.version;
        *ret = TAKE(commit);
        return 0;
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
        return last->disk.action != DISK_SAVE || !list_is_empty(&last->disk.changes);
}

/* The one before has changed the key: that is done, and what it came to opens the store. */
static void last_take_key(struct commit *last, const struct commit *before) {
        struct store_key key = {};

        if (before->r || before->disk.action == DISK_SAVE || !before->disk.store ||
            protector_get_key(&key, before->disk.store))
                return;

        store_key_deinit(&last->disk.keys.store);
        last->disk.keys.store = key;
        last->disk.action = DISK_SAVE;
}

/* What it only prepared is saved where it was; what it kept in memory is not on disk to be read. */
static void last_follow(struct commit *last, struct commit *before) {
        if (disk_commit_only_prepared(&before->disk)) {
                before->disk.image = secret_free(before->disk.image);
                before->disk.action = DISK_SAVE;
                commit_work(&before->job);
        }
        commit_insist(before, last->until_usec);
        last_take_key(last, before);

        if (before->disk.image) {
                secret_free(last->disk.keys.image);
                last->disk.keys.image = TAKE(before->disk.image);
                last->has_image = true;
        }
}

/* The one before has had its turn by now, but who it was for has not looked how it went. */
static void last_work(struct job *job) {
        struct commit *last = CONTAINER(job, struct commit, job);

        if (last->before)
                last_follow(last, last->before);
        if (!last_is_needed(last))
                return;

        commit_work(job);
        commit_insist(last, last->until_usec);
}

static void last_drop(struct job *job) {
        struct commit *last = CONTAINER(job, struct commit, job);
        const struct secret *image = last->has_image ? last->disk.keys.image : NULL;
        const struct fault *fault = last->before && last->before->r ? &last->before->fault : &last->fault;

        if (fault->r) {
                log_error("Not saved before the end, so what changed last is lost: %s", fault_message(fault));
                last->lost(last->userdata);
        }
        if (last->disk.image || image)
                last->keep_image(last->userdata, last->disk.image ?: image);
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
