#pragma once

/*
 * Clock watch: tells when the wall clock was set, which only what was reckoned by it has to know.
 *
 * Set means a step, by a person or a time service that found it far off; not the slow correction of a clock. A
 * machine that wakes up may count as one, too.
 */

#include <systemd/sd-event.h>

#include "proto/macro.h"

struct clock_watch;

typedef void (*clock_watch_fn)(void *userdata);

/* set is called from the loop, ahead of all else that is ready. */
int clock_watch_new(struct clock_watch **ret, sd_event *event, clock_watch_fn set, void *userdata);
struct clock_watch *clock_watch_free(struct clock_watch *watch);

DEFINE_CLEANUP(struct clock_watch, clock_watch_free);
