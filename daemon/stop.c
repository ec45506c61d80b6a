#include "daemon/stop.h"

#include <errno.h>
#include <signal.h>

#include "daemon/base/clock.h"
#include "daemon/base/service.h"
#include "daemon/flow/alarm.h"
#include "proto/log.h"

struct stop {
        struct stop_deps deps;
        struct alarm *patience;
        bool begun, ended;
        bool late; /* only what is vital is waited for */
        uint64_t last_usec; /* then nothing is */
};

static void stop_exit(struct stop *stop) {
        if (stop->ended)
                return;

        stop->ended = true;
        stop->deps.ended(stop->deps.userdata);
        (void)sd_event_exit(stop->deps.event, 0);
}

static void stop_on_patience(void *userdata) {
        struct stop *stop = userdata;

        if (!stop->late && stop->deps.is_vital(stop->deps.userdata)) {
                stop->late = true;
                alarm_set(stop->patience, stop->last_usec);
                return;
        }

        log_warning("Stopping although Globus has not answered everything");
        stop_exit(stop);
}

/* Runs after each event once the end has begun. */
static int stop_on_event_over(sd_event_source *source, void *userdata) {
        struct stop *stop = userdata;
        bool (*is_waited_for)(void *) = stop->late ? stop->deps.is_vital : stop->deps.is_busy;

        if (!is_waited_for(stop->deps.userdata))
                stop_exit(stop);
        return 0;
}

void stop_begin(struct stop *stop) {
        uint64_t now = clock_boottime_usec();

        if (stop->begun)
                return;

        stop->begun = true;
        stop->last_usec = now + STOP_VITAL_PATIENCE_USEC;
        alarm_set(stop->patience, now + STOP_PATIENCE_USEC);
        service_notify_stopping();
        stop->deps.begun(stop->deps.userdata);
        if (sd_event_add_post(stop->deps.event, NULL, stop_on_event_over, stop) < 0)
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

int stop_new(struct stop **ret, const struct stop_deps *deps) {
        _cleanup_(stop_freep) struct stop *stop = NULL;
        int r;

        stop = calloc(1, sizeof(*stop));
        if (!stop)
                return -ENOMEM;

        stop->deps = *deps;
        r = sd_event_add_signal(deps->event, NULL, SIGTERM, stop_on_signal, stop);
        if (r >= 0)
                r = sd_event_add_signal(deps->event, NULL, SIGINT, stop_on_signal, stop);
        if (r >= 0)
                r = alarm_new(&stop->patience, deps->event, 10 * USEC_PER_MSEC, stop_on_patience, stop);
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
