#pragma once

/* Alarms that ring by hand: they take the place of daemon/flow/alarm, on the clock that stands still. */

#include "tests/unit/fake-clock.h"

#include "daemon/flow/alarm.h"
#include "proto/list.h"

struct alarm {
        struct list link; /* fake_alarms */
        uint64_t at_usec;
        alarm_fn ring;
        void *userdata;
};

static struct list fake_alarms = {&fake_alarms, &fake_alarms};

int alarm_new(struct alarm **ret, sd_event *event, uint64_t accuracy_usec, alarm_fn ring, void *userdata) {
        struct alarm *alarm = calloc(1, sizeof(*alarm));

        alarm->at_usec = USEC_INFINITY;
        alarm->ring = ring;
        alarm->userdata = userdata;
        list_append(&fake_alarms, &alarm->link);
        *ret = alarm;
        return 0;
}

struct alarm *alarm_free(struct alarm *alarm) {
        if (!alarm)
                return NULL;

        list_unlink(&alarm->link);
        free(alarm);
        return NULL;
}

void alarm_set(struct alarm *alarm, uint64_t at_usec) {
        alarm->at_usec = at_usec;
}

/* The one that rings next; NULL: none is on. */
static inline struct alarm *fake_next_alarm(void) {
        struct alarm *next = NULL;

        for (struct list *l = fake_alarms.next; l != &fake_alarms; l = l->next) {
                struct alarm *alarm = CONTAINER(l, struct alarm, link);

                if (alarm->at_usec != USEC_INFINITY && (!next || alarm->at_usec < next->at_usec))
                        next = alarm;
        }

        return next;
}

/* Seconds until an alarm rings, rounded up; -1: none is on. */
static inline int64_t fake_alarm_in(void) {
        const struct alarm *next = fake_next_alarm();

        if (!next)
                return -1;
        if (next->at_usec <= fake_boottime)
                return 0;

        return (int64_t)((next->at_usec - fake_boottime + USEC_PER_SEC - 1) / USEC_PER_SEC);
}

/* Lets time go by, and rings whatever is due meanwhile. pass(0) rings what is due now. */
static inline void pass(int64_t seconds) {
        for (int64_t i = 0; i <= seconds; i++) {
                struct alarm *alarm;

                if (i > 0)
                        fake_sleep(1);
                while ((alarm = fake_next_alarm()) && alarm->at_usec <= fake_boottime) {
                        alarm->at_usec = USEC_INFINITY;
                        alarm->ring(alarm->userdata);
                }
        }
}
