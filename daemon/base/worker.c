#include "daemon/base/worker.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum worker_state { WORKER_RUNNING, WORKER_STOPPED, WORKER_LEFT_BEHIND };

/* How long freeing waits for the disk where nobody called worker_stop(). */
enum { STOP_SEC = 10 };

struct worker {
        enum worker_state state; /* of the loop's side */
        pthread_t thread;
        sd_event_source *source;
        int event_fd; /* counts the jobs in finished; one is taken a dispatch */

        pthread_mutex_t mutex; /* of all below */
        pthread_cond_t wake; /* queue or stopping changed */
        pthread_cond_t gone; /* ended changed */
        struct list queue; /* job.link */
        struct list finished; /* job.link */
        bool stopping, ended;
};

static struct job *worker_next(struct worker *worker) {
        struct list *first;

        while (!(first = list_first(&worker->queue)) && !worker->stopping)
                pthread_cond_wait(&worker->wake, &worker->mutex);
        if (!first)
                return NULL;

        list_unlink(first);
        return CONTAINER(first, struct job, link);
}

static void *worker_thread(void *userdata) {
        struct worker *worker = userdata;
        struct job *job;

        pthread_mutex_lock(&worker->mutex);
        while ((job = worker_next(worker))) {
                pthread_mutex_unlock(&worker->mutex);
                job->type->work(job);
                pthread_mutex_lock(&worker->mutex);

                list_append(&worker->finished, &job->link);
                (void)eventfd_write(worker->event_fd, 1); /* blocks only after 2^64 - 2 of them */
        }
        worker->ended = true;
        pthread_cond_signal(&worker->gone);
        pthread_mutex_unlock(&worker->mutex);
        return NULL;
}

static struct job *worker_take_finished(struct worker *worker) {
        struct list *first;

        pthread_mutex_lock(&worker->mutex);
        first = list_first(&worker->finished);
        if (first)
                list_unlink(first);
        pthread_mutex_unlock(&worker->mutex);

        return first ? CONTAINER(first, struct job, link) : NULL;
}

/* One job a dispatch, and the last thing it touches: done() may free the worker. */
static int worker_on_finished(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct worker *worker = userdata;
        struct job *job;
        eventfd_t one;

        if (eventfd_read(fd, &one) < 0)
                return 0;

        job = worker_take_finished(worker);
        if (job->abandoned)
                job->type->free(job);
        else
                job->type->done(job);
        return 0;
}

/* Signals are the loop's. */
static int worker_start(struct worker *worker) {
        sigset_t all, before;
        int r;

        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_create(&worker->thread, NULL, worker_thread, worker);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (r)
                return -r;

        pthread_setname_np(worker->thread, "worker");
        worker->state = WORKER_RUNNING;
        return 0;
}

int worker_new(struct worker **ret, sd_event *event) {
        _cleanup_(worker_freep) struct worker *worker = NULL;
        int r;

        worker = malloc(sizeof(*worker));
        if (!worker)
                return -ENOMEM;

        *worker = (struct worker){
                .state = WORKER_STOPPED,
                .event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE),
                .mutex = PTHREAD_MUTEX_INITIALIZER,
                .wake = PTHREAD_COND_INITIALIZER,
                .gone = PTHREAD_COND_INITIALIZER,
                .queue = LIST_INIT(worker->queue),
                .finished = LIST_INIT(worker->finished),
        };
        if (worker->event_fd < 0)
                return -errno;

        r = sd_event_add_io(event, &worker->source, worker->event_fd, EPOLLIN, worker_on_finished, worker);
        if (r < 0)
                return r;

        r = worker_start(worker);
        if (r)
                return r;

        *ret = TAKE(worker);
        return 0;
}

static struct timespec after(uint64_t timeout_usec) {
        struct timespec ts;
        uint64_t usec;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        usec = (uint64_t)ts.tv_nsec / 1000 + MIN(timeout_usec, (uint64_t)INT32_MAX * USEC_PER_SEC);
        ts.tv_sec += (time_t)(usec / USEC_PER_SEC);
        ts.tv_nsec = (long)(usec % USEC_PER_SEC * 1000);
        return ts;
}

static bool worker_join(struct worker *worker, uint64_t timeout_usec) {
        const struct timespec deadline = after(timeout_usec);
        bool ended;
        int r = 0;

        pthread_mutex_lock(&worker->mutex);
        worker->stopping = true;
        pthread_cond_signal(&worker->wake);
        while (!worker->ended && !r)
                r = pthread_cond_clockwait(&worker->gone, &worker->mutex, CLOCK_MONOTONIC, &deadline);
        ended = worker->ended;
        pthread_mutex_unlock(&worker->mutex);

        if (ended)
                pthread_join(worker->thread, NULL);
        else
                pthread_detach(worker->thread);
        return ended;
}

int worker_stop(struct worker *worker, uint64_t timeout_usec) {
        struct job *job;

        if (worker->state != WORKER_RUNNING)
                return worker->state == WORKER_LEFT_BEHIND ? -ETIMEDOUT : 0;

        worker->source = sd_event_source_disable_unref(worker->source);
        worker->state = worker_join(worker, timeout_usec) ? WORKER_STOPPED : WORKER_LEFT_BEHIND;
        if (worker->state == WORKER_LEFT_BEHIND)
                return -ETIMEDOUT;

        while ((job = worker_take_finished(worker)))
                job->type->free(job);
        return 0;
}

struct worker *worker_free(struct worker *worker) {
        if (!worker)
                return NULL;

        if (worker_stop(worker, STOP_SEC * USEC_PER_SEC))
                return NULL; /* the thread that was left behind still uses it */

        assert(list_is_empty(&worker->queue) && list_is_empty(&worker->finished));

        sd_event_source_disable_unref(worker->source);
        if (worker->event_fd >= 0)
                close(worker->event_fd);
        pthread_cond_destroy(&worker->gone);
        pthread_cond_destroy(&worker->wake);
        pthread_mutex_destroy(&worker->mutex);
        free(worker);
        return NULL;
}

void worker_submit(struct worker *worker, struct job *job, const struct job_type *type) {
        assert(worker->state == WORKER_RUNNING);

        job->type = type;
        job->abandoned = false;
        list_init(&job->link);

        pthread_mutex_lock(&worker->mutex);
        list_append(&worker->queue, &job->link);
        pthread_cond_signal(&worker->wake);
        pthread_mutex_unlock(&worker->mutex);
}

void worker_abandon(struct worker *worker, struct job *job) {
        job->abandoned = true;
}
