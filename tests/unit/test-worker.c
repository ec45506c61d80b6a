/* Jobs come back in order, once, on the loop; and a disk that hangs holds up nobody for ever. */

#include "tests/unit/unit.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/worker.h"

enum { MANY = 1000 };

static sd_event *event;
static struct worker *worker;

/* What became of the jobs; the loop's, but for those that say otherwise. */
static int n_worked; /* of the worker's thread, read when it is at rest */
static int n_done, n_freed, last_done;
static int gate[2]; /* a job at the gate works until there is something to be read */

struct task {
        struct job job;
        int number;
        bool at_gate, frees_worker;
        pthread_t worked_on;
        bool sigterm_blocked, sigint_blocked;
};

static struct task *task_of(struct job *job) {
        return CONTAINER(job, struct task, job);
}

static void task_work(struct job *job) {
        struct task *task = task_of(job);
        sigset_t blocked;

        if (task->at_gate)
                poll(&(struct pollfd){.fd = gate[0], .events = POLLIN}, 1, -1);

        pthread_sigmask(SIG_BLOCK, NULL, &blocked);
        task->sigterm_blocked = sigismember(&blocked, SIGTERM);
        task->sigint_blocked = sigismember(&blocked, SIGINT);
        task->worked_on = pthread_self();
        n_worked++;
}

static void task_done(struct job *job) {
        struct task *task = task_of(job);

        assert_false(pthread_equal(task->worked_on, pthread_self()));
        assert_true(task->sigterm_blocked && task->sigint_blocked);
        assert_int_equal(task->number, last_done + 1);
        last_done = task->number;
        n_done++;
        if (task->frees_worker)
                worker = worker_free(worker);
        free(task);
}

static void task_free(struct job *job) {
        n_freed++;
        free(task_of(job));
}

static const struct job_type task_type = {.work = task_work, .done = task_done, .free = task_free};

static struct task *submit(int number) {
        struct task *task = calloc(1, sizeof(*task));

        assert_non_null(task);
        task->number = number;
        worker_submit(worker, &task->job, &task_type);
        return task;
}

static void submit_at_gate(int number) {
        struct task *task = calloc(1, sizeof(*task));

        assert_non_null(task);
        task->number = number;
        task->at_gate = true;
        worker_submit(worker, &task->job, &task_type);
}

static void open_gate(void) {
        assert_int_equal(write(gate[1], "", 1), 1);
}

static void run_until(const int *n, int wanted) {
        uint64_t begin_usec = clock_boottime_usec();

        while (*n < wanted) {
                assert_true(sd_event_run(event, USEC_PER_SEC) >= 0);
                assert_true(clock_boottime_usec() - begin_usec < 60 * USEC_PER_SEC);
        }
}

static int start(void **state) {
        n_worked = n_done = n_freed = last_done = 0;
        if (pipe(gate) < 0 || sd_event_new(&event) < 0)
                return -1;

        return worker_new(&worker, event);
}

static int end(void **state) {
        worker = worker_free(worker);
        event = sd_event_unref(event);
        close(gate[0]);
        close(gate[1]);
        return 0;
}

static void test_in_order(void **state) {
        for (int i = 1; i <= MANY; i++)
                submit(i);

        assert_int_equal(n_done, 0); /* never from within worker_submit() */
        run_until(&n_done, MANY);
        assert_int_equal(n_done, MANY);
        assert_int_equal(n_freed, 0);
        assert_int_equal(sd_event_run(event, 0), 0); /* nothing is left to tell */
}

static void test_loop_goes_on(void **state) {
        submit_at_gate(1);
        assert_int_equal(sd_event_run(event, 0), 0);
        assert_int_equal(n_done, 0);
        open_gate();
        run_until(&n_done, 1);
}

static void test_abandoned(void **state) {
        submit_at_gate(1);
        worker_abandon(worker, &submit(2)->job);
        submit(3)->number = 2; /* is the second that is told */
        assert_int_equal(n_freed, 0);

        open_gate();
        run_until(&n_done, 2);
        assert_int_equal(n_freed, 1);
        assert_int_equal(n_worked, 3);
}

static void test_abandoned_when_over(void **state) {
        worker_abandon(worker, &submit(1)->job);
        run_until(&n_freed, 1);
        assert_int_equal(n_done, 0);
}

static void test_stop_finishes(void **state) {
        submit_at_gate(1);
        for (int i = 2; i <= 10; i++)
                submit(i);
        open_gate();

        assert_int_equal(worker_stop(worker, 60 * USEC_PER_SEC), 0);
        assert_int_equal(n_worked, 10);
        assert_int_equal(n_freed, 10);
        assert_int_equal(n_done, 0);

        assert_int_equal(worker_stop(worker, 0), 0); /* again is nothing */
        assert_int_equal(sd_event_run(event, 0), 0);
}

static void test_stop_idle(void **state) {
        assert_int_equal(worker_stop(worker, 60 * USEC_PER_SEC), 0);
        worker = worker_free(worker);
        assert_null(worker_free(NULL));
}

static void test_done_frees_worker(void **state) {
        submit_at_gate(1);
        struct task *task = submit(2);

        submit(3);
        task->frees_worker = true;
        open_gate();
        run_until(&n_done, 2);
        assert_null(worker);
        assert_int_equal(n_worked, 3);
        assert_int_equal(n_freed, 1);
}

/* The last test: its thread stays behind, and what it uses has to stay, too. */
static void test_disk_hangs(void **state) {
        static struct worker *left_behind;
        uint64_t begin_usec = clock_boottime_usec();

        submit_at_gate(1);
        submit(2);
        left_behind = worker;
        assert_int_equal(worker_stop(worker, 20 * USEC_PER_MSEC), -ETIMEDOUT);
        assert_int_equal(worker_stop(worker, 60 * USEC_PER_SEC), -ETIMEDOUT);
        worker = worker_free(worker);
        assert_true(clock_boottime_usec() - begin_usec < 30 * USEC_PER_SEC);
        assert_non_null(left_behind);
        assert_int_equal(n_done + n_freed, 0);
}

static int end_but_gate(void **state) {
        event = sd_event_unref(event);
        return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_in_order),
                TEST(test_loop_goes_on),
                TEST(test_abandoned),
                TEST(test_abandoned_when_over),
                TEST(test_stop_finishes),
                TEST(test_stop_idle),
                TEST(test_done_frees_worker),
                cmocka_unit_test_setup_teardown(test_disk_hangs, start, end_but_gate),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
