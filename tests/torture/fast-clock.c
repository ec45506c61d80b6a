/*
 * fast-clock.so: a clock ahead of the machine's, for whatever program it is preloaded into (LD_PRELOAD).
 *
 * FAST_CLOCK names a file with one 64 bit number: how many nanoseconds CLOCK_REALTIME and CLOCK_BOOTTIME are
 * ahead. It may grow at any time: that is a leap, for all who share the file. Absolute timers of these clocks
 * that are due then expire as soon as the program waits for events, which it also does meanwhile. Between leaps
 * time passes as it does, and CLOCK_MONOTONIC knows of none: what measures patience with a network is not cut
 * short. time() and gettimeofday() are left alone, by which certificates are judged.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NSEC_PER_SEC 1000000000LL

enum { N_TIMERS = 256, SLICE_MSEC = 2 };

static struct timer {
        bool leaps;
        int flags;
        struct itimerspec due; /* by the clock that is ahead; zero: never */
} timers[N_TIMERS]; /* by descriptor */

static atomic_llong none, *ahead = &none;

__attribute__((constructor)) static void begin(void) {
        const char *path = getenv("FAST_CLOCK");
        int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
        void *shared;

        if (fd < 0)
                return;

        shared = mmap(NULL, sizeof(*ahead), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
        if (shared != MAP_FAILED)
                ahead = shared;
}

static bool leaps(clockid_t clock) {
        return clock == CLOCK_REALTIME || clock == CLOCK_BOOTTIME;
}

static struct timespec shift(struct timespec ts, long long nsec) {
        nsec += ts.tv_nsec;
        ts.tv_sec += nsec / NSEC_PER_SEC;
        ts.tv_nsec = nsec % NSEC_PER_SEC;
        if (ts.tv_nsec < 0) {
                ts.tv_nsec += NSEC_PER_SEC;
                ts.tv_sec--;
        }
        return ts;
}

int clock_gettime(clockid_t clock, struct timespec *ts) {
        int r = (int)syscall(SYS_clock_gettime, clock, ts);

        if (r == 0 && leaps(clock))
                *ts = shift(*ts, *ahead);
        return r;
}

int timerfd_create(int clock, int flags) {
        int fd = (int)syscall(SYS_timerfd_create, clock, flags);

        if (fd >= 0 && fd < N_TIMERS)
                timers[fd] = (struct timer){.leaps = leaps(clock)};
        return fd;
}

/* What is overdue is due at once: an instant of zero would be never. */
static int set(int fd, const struct timer *timer) {
        struct itimerspec due = timer->due;

        due.it_value = shift(due.it_value, -*ahead);
        if (due.it_value.tv_sec < 0 || (due.it_value.tv_sec == 0 && due.it_value.tv_nsec == 0))
                due.it_value = (struct timespec){.tv_nsec = 1};
        return (int)syscall(SYS_timerfd_settime, fd, timer->flags, &due, NULL);
}

int timerfd_settime(int fd, int flags, const struct itimerspec *due, struct itimerspec *old) {
        struct timer *timer = fd >= 0 && fd < N_TIMERS && timers[fd].leaps ? &timers[fd] : NULL;
        bool is_absolute = (flags & TFD_TIMER_ABSTIME) && !(flags & TFD_TIMER_CANCEL_ON_SET);

        if (!timer || !is_absolute || (due->it_value.tv_sec == 0 && due->it_value.tv_nsec == 0)) {
                if (timer)
                        timer->due = (struct itimerspec){};
                return (int)syscall(SYS_timerfd_settime, fd, flags, due, old);
        }

        timer->flags = flags;
        timer->due = *due;
        return set(fd, timer);
}

static void catch_up(void) {
        static long long seen;

        if (seen == *ahead)
                return;

        seen = *ahead;
        for (int fd = 0; fd < N_TIMERS; fd++)
                if (timers[fd].due.it_value.tv_sec || timers[fd].due.it_value.tv_nsec)
                        (void)set(fd, &timers[fd]);
}

/* In slices, to see a leap; their number, not a clock, bounds the wait. */
int epoll_wait(int fd, struct epoll_event *events, int n_events, int timeout_msec) {
        int left = timeout_msec < 0 ? INT_MAX : timeout_msec, slice, n;

        do {
                catch_up();
                slice = left < SLICE_MSEC ? left : SLICE_MSEC;
                n = (int)syscall(SYS_epoll_pwait, fd, events, n_events, slice, NULL, 0);
                left -= timeout_msec < 0 ? 0 : slice;
        } while (n == 0 && left > 0);
        return n;
}
