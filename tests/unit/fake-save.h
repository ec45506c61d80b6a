#pragma once

/* A disk that answers when told to: it takes the place of daemon/flow/save. */

#include "tests/unit/unit.h"

#include "daemon/flow/save.h"

static struct list fake_savings = {&fake_savings, &fake_savings};
static bool disk_is_quick = true; /* nobody ever needs to wait */
static unsigned save_kicks;
static struct fault disk_trouble;

void save_kick(struct save *save) {
        save_kicks++;
}

bool save_join(struct save *save, struct saving *saving, waiter_fn done) {
        save_kick(save);
        if (disk_is_quick)
                return false;

        waiter_join(&saving->waiter, &fake_savings, done);
        return true;
}

static bool is_protecting;

bool save_is_protecting(const struct save *save) {
        return is_protecting;
}

const struct fault *save_trouble(const struct save *save) {
        return disk_trouble.r ? &disk_trouble : NULL;
}

/* fault NULL: it is written. */
static inline void disk_answers(const struct fault *fault) {
        waiter_tell_all(&fake_savings, fault);
}
