#include "daemon/flow/alarm.h"

#include <errno.h>
#include <time.h>

struct alarm {
        sd_event_source *source;
        alarm_fn ring;
        void *userdata; /* borrowed */
};

static int alarm_on_time(sd_event_source *source, uint64_t usec, void *userdata) {
        struct alarm *alarm = userdata;

        alarm->ring(alarm->userdata);
        return 0;
}

int alarm_new(struct alarm **ret, sd_event *event, uint64_t accuracy_usec, alarm_fn ring, void *userdata) {
        _cleanup_(alarm_freep) struct alarm *alarm = NULL;
        int r;

        alarm = calloc(1, sizeof(*alarm));
        if (!alarm)
                return -ENOMEM;

        alarm->ring = ring;
        alarm->userdata = userdata;

        r = sd_event_add_time(event, &alarm->source, CLOCK_BOOTTIME, 0, accuracy_usec, alarm_on_time, alarm);
        if (r < 0)
                return r;

        alarm_set(alarm, USEC_INFINITY);
        *ret = TAKE(alarm);
        return 0;
}

struct alarm *alarm_free(struct alarm *alarm) {
        if (!alarm)
                return NULL;

        sd_event_source_disable_unref(alarm->source);
        free(alarm);
        return NULL;
}

/* Neither call can fail on a live timer of a clock that works. */
void alarm_set(struct alarm *alarm, uint64_t at_usec) {
        if (at_usec == USEC_INFINITY) {
                (void)sd_event_source_set_enabled(alarm->source, SD_EVENT_OFF);
                return;
        }

        (void)sd_event_source_set_time(alarm->source, at_usec);
        (void)sd_event_source_set_enabled(alarm->source, SD_EVENT_ONESHOT);
}
