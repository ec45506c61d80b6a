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

/* Starts what is due, and tells when the next one will be. */
static uint64_t account_refresh_due(struct schedule *schedule, struct account *account) {
        uint64_t now = clock_boottime_usec(), next = USEC_INFINITY;

        for (struct list *l = account->grants.next; l != &account->grants; l = l->next) {
                struct grant *grant = CONTAINER(l, struct grant, link);
                uint64_t due = grant_refresh_due_usec(grant);

                if (due <= now)
                        refresh_start(schedule->refresh, grant->id);
                if (!refresh_is_flying(schedule->refresh, grant->id))
                        next = MIN(next, due > now ? due : now + STUCK_USEC);
        }

        return next;
}

void schedule_update(struct schedule *schedule) {
        struct list *accounts = vault_accounts(schedule->vault);
        uint64_t next = USEC_INFINITY;

        for (struct list *l = accounts->next; l != accounts; l = l->next) {
                uint64_t due = account_refresh_due(schedule, CONTAINER(l, struct account, link));

                next = MIN(next, due);
        }

        alarm_set(schedule->alarm, next);
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
