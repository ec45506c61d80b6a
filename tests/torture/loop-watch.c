/*
 * Loop watch: preloaded into the daemon, the longest turn of its loop that there ever was, in LOOP_WATCH.
 *
 * A turn lasts from the return of one wait for events to the next, in CPU time of the thread, so that a loaded
 * machine does not count. The peers' own set of events is asked in the middle of a turn: it ends none.
 */

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

typedef int (*wait_fn)(int, struct epoll_event *, int, int);
typedef int (*pwait2_fn)(int, struct epoll_event *, int, const struct timespec *, const sigset_t *);

static int64_t *longest; /* nanoseconds */
static int loop_fd = -1;
static int64_t since;

__attribute__((constructor)) static void watch_begin(void) {
        const char *path = getenv("LOOP_WATCH");
        int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
        void *map =
                fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*longest), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        if (map == MAP_FAILED)
                abort();
        close(fd);
        longest = map;
}

static int64_t cpu_nsec(void) {
        struct timespec time;

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* The first to wait is the loop. */
static void turn_end(int fd) {
        if (loop_fd < 0)
                loop_fd = fd;
        if (fd != loop_fd || since == 0)
                return;

        int64_t took = cpu_nsec() - since;

        if (took > *longest)
                *longest = took;
}

static void turn_begin(int fd) {
        if (fd == loop_fd)
                since = cpu_nsec();
}

int epoll_wait(int fd, struct epoll_event *events, int n, int timeout) {
        wait_fn next = (wait_fn)dlsym(RTLD_NEXT, "epoll_wait");
        int r;

        turn_end(fd);
        r = next(fd, events, n, timeout);
        turn_begin(fd);
        return r;
}

int epoll_pwait2(int fd, struct epoll_event *events, int n, const struct timespec *timeout,
                 const sigset_t *mask) {
        pwait2_fn next = (pwait2_fn)dlsym(RTLD_NEXT, "epoll_pwait2");
        int r;

        turn_end(fd);
        r = next(fd, events, n, timeout, mask);
        turn_begin(fd);
        return r;
}
