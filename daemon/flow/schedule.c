#include "daemon/flow/schedule.h"

#include <errno.h>

#include "daemon/base/clock-watch.h"
#include "daemon/base/clock.h"
#include "daemon/flow/alarm.h"
#include "proto/log.h"

struct schedule {
        struct vault *vault; /* borrowed */
        struct refresh *refresh; /* borrowed */
        struct alarm *alarm;
        struct clock_watch *clock_watch;
};

#define STUCK_USEC (60 * USEC_PER_SEC) /* until a refresh that could not even begin is begun again */

/* One turn of the loop: what is due, as far as there is room for it, and when the next one will be. */
struct round {
        uint64_t now, next;
        size_t room;
};

static void round_see(struct round *round, struct refresh *refresh, const struct grant *grant) {
        uint64_t due = grant_refresh_due_usec(grant);

        if (due > round->now) {
                round->next = MIN(round->next, due);
                return;
        }
        if (round->room == 0 || refresh_is_flying(refresh, grant->id))
                return; /* the end of a flight is the time to look again */

        round->room--;
        refresh_start(refresh, grant->id);
        if (!refresh_is_flying(refresh, grant->id))
                round->next = MIN(round->next, round->now + STUCK_USEC);
}

void schedule_update(struct schedule *schedule) {
        struct list *accounts = vault_accounts(schedule->vault);
        size_t flights = refresh_count(schedule->refresh);
        struct round round = {
                .now = clock_boottime_usec(),
                .next = USEC_INFINITY,
                .room = SCHEDULE_FLIGHTS - MIN(flights, (size_t)SCHEDULE_FLIGHTS),
        };

        for (struct list *l = accounts->next; l != accounts; l = l->next) {
                struct account *account = CONTAINER(l, struct account, link);

                for (struct list *g = account->grants.next; g != &account->grants; g = g->next)
                        round_see(&round, schedule->refresh, CONTAINER(g, struct grant, link));
        }

        alarm_set(schedule->alarm, round.next);
}

void schedule_use(struct schedule *schedule, struct grant *grant) {
        if (grant_use(grant))
                schedule_update(schedule);
}

static void schedule_on_due(void *userdata) {
        schedule_update(userdata);
}

static void schedule_on_clock_set(void *userdata) {
        struct schedule *schedule = userdata;

        log_info("The wall clock was set, or the machine was asleep");
        vault_redate(schedule->vault);
        schedule_update(schedule);
}

int schedule_new(struct schedule **ret, sd_event *event, struct vault *vault, struct refresh *refresh) {
        _cleanup_(schedule_freep) struct schedule *schedule = NULL;
        int r;

        schedule = calloc(1, sizeof(*schedule));
        if (!schedule)
                return -ENOMEM;

        schedule->vault = vault;
        schedule->refresh = refresh;

        r = alarm_new(&schedule->alarm, event, USEC_PER_SEC, schedule_on_due, schedule);
        if (!r)
                r = clock_watch_new(&schedule->clock_watch, event, schedule_on_clock_set, schedule);
        if (r)
                return r;

        *ret = TAKE(schedule);
        return 0;
}

struct schedule *schedule_free(struct schedule *schedule) {
        if (!schedule)
                return NULL;

        clock_watch_free(schedule->clock_watch);
        alarm_free(schedule->alarm);
        free(schedule);
        return NULL;
}
