#pragma once

/* Alarm: one timer on CLOCK_BOOTTIME that is set, moved and switched off at will. */

#include <systemd/sd-event.h>

#include "proto/macro.h"

struct alarm;

typedef void (*alarm_fn)(void *userdata);

/* Off at first. accuracy_usec: how much later it may ring, so that the machine can sleep. */
int alarm_new(struct alarm **ret, sd_event *event, uint64_t accuracy_usec, alarm_fn ring, void *userdata);
struct alarm *alarm_free(struct alarm *alarm);

/* Rings once at that instant, or at once if it has passed; from the loop, never from here. USEC_INFINITY:
 * off. */
void alarm_set(struct alarm *alarm, uint64_t at_usec);

DEFINE_CLEANUP(struct alarm, alarm_free);
