#include "daemon/stop.h"

#include <errno.h>
#include <signal.h>

#include "daemon/base/clock.h"
#include "daemon/base/service.h"
#include "daemon/flow/alarm.h"
#include "proto/log.h"

struct stop {
        sd_event *event; /* borrowed */
        stop_busy_fn is_busy;
        void *userdata; /* borrowed */
        struct alarm *patience;
        bool begun;
};

static void stop_exit(struct stop *stop) {
        (void)sd_event_exit(stop->event, 0);
}

static void stop_on_patience(void *userdata) {
        log_warning("Stopping although Globus has not answered everything");
        stop_exit(userdata);
}

/* Runs after each event once the end has begun. */
static int stop_on_event_over(sd_event_source *source, void *userdata) {
        struct stop *stop = userdata;

        if (!stop->is_busy(stop->userdata))
                stop_exit(stop);
        return 0;
}

void stop_begin(struct stop *stop) {
        if (stop->begun)
                return;

        stop->begun = true;
        service_notify_stopping();
        alarm_set(stop->patience, clock_boottime_usec() + STOP_PATIENCE_USEC);
        if (sd_event_add_post(stop->event, NULL, stop_on_event_over, stop) < 0)
                stop_exit(stop);
        (void)stop_on_event_over(NULL, stop); /* the event that began the end is not told to the new source */
}

bool stop_has_begun(const struct stop *stop) {
        return stop->begun;
}

static int stop_on_signal(sd_event_source *source, const struct signalfd_siginfo *signal, void *userdata) {
        log_info("Stopping: signal %u", signal->ssi_signo);
        stop_begin(userdata);
        return 0;
}

int stop_new(struct stop **ret, sd_event *event, stop_busy_fn is_busy, void *userdata) {
        _cleanup_(stop_freep) struct stop *stop = NULL;
        int r;

        stop = calloc(1, sizeof(*stop));
        if (!stop)
                return -ENOMEM;

        stop->event = event;
        stop->is_busy = is_busy;
        stop->userdata = userdata;

        r = sd_event_add_signal(event, NULL, SIGTERM, stop_on_signal, stop);
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGINT, stop_on_signal, stop);
        if (r >= 0)
                r = alarm_new(&stop->patience, event, 10 * USEC_PER_MSEC, stop_on_patience, stop);
        if (r < 0)
                return r;

        *ret = TAKE(stop);
        return 0;
}

struct stop *stop_free(struct stop *stop) {
        if (!stop)
                return NULL;

        alarm_free(stop->patience);
        free(stop);
        return NULL;
}
