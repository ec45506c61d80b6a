#include "daemon/base/clock-watch.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

struct clock_watch {
        int fd;
        sd_event_source *source;
        clock_watch_fn set;
        void *userdata; /* borrowed */
};

/* A timer for the end of time, which a step of the clock cancels (timerfd_create(2)). ECANCELED: there was one
 * just now, and the timer runs all the same. */
static int clock_watch_arm(const struct clock_watch *watch) {
        const struct itimerspec never = {.it_value.tv_sec = sizeof(time_t) == 4 ? INT32_MAX : INT64_MAX};

        if (timerfd_settime(watch->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) < 0 &&
            errno != ECANCELED)
                return -errno;

        return 0;
}

/* It is armed anew before anyone looks at the clock: no step goes by unnoticed. */
static int clock_watch_on_event(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct clock_watch *watch = userdata;
        uint64_t n;

        if (read(fd, &n, sizeof(n)) < 0 && errno != ECANCELED)
                return 0;

        (void)clock_watch_arm(watch);
        watch->set(watch->userdata);
        return 0;
}

int clock_watch_new(struct clock_watch **ret, sd_event *event, clock_watch_fn set, void *userdata) {
        _cleanup_(clock_watch_freep) struct clock_watch *watch = NULL;
        int r;

        watch = calloc(1, sizeof(*watch));
        if (!watch)
                return -ENOMEM;

        watch->set = set;
        watch->userdata = userdata;
        watch->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
        if (watch->fd < 0)
                return -errno;

        r = clock_watch_arm(watch);
        if (!r)
                r = sd_event_add_io(event, &watch->source, watch->fd, EPOLLIN, clock_watch_on_event, watch);
        if (r >= 0)
                r = sd_event_source_set_priority(watch->source, SD_EVENT_PRIORITY_IMPORTANT);
        if (r < 0)
                return r;

        *ret = TAKE(watch);
        return 0;
}

struct clock_watch *clock_watch_free(struct clock_watch *watch) {
        if (!watch)
                return NULL;

        sd_event_source_disable_unref(watch->source);
        if (watch->fd >= 0)
                close(watch->fd);
        free(watch);
        return NULL;
}
