#pragma once

/*
 * Schedule: one timer for the next grant that is due, so that tokens are fresh before anyone needs them.
 *
 * Of many that are due at once, a few are refreshed at a time. When the wall clock was set, it has what depends
 * on that reckoned anew first.
 */

#include <systemd/sd-event.h>

#include "daemon/flow/refresh.h"

/* How many refreshes there may be for the schedule to begin another: as many as there are connections, and a
 * few that save. Whoever waits for a token is not kept from a refresh by it. */
enum { SCHEDULE_FLIGHTS = 8 };

struct schedule;

int schedule_new(struct schedule **ret, sd_event *event, struct vault *vault, struct refresh *refresh);
struct schedule *schedule_free(struct schedule *schedule);

/* Looks anew for what is due next. After each change of grants. */
void schedule_update(struct schedule *schedule);

/* What a grant gives is handed out: from now on it is kept fresh, if it was idle. */
void schedule_use(struct schedule *schedule, struct grant *grant);

DEFINE_CLEANUP(struct schedule, schedule_free);
