#pragma once

/* A look at the disk that is over when told to: it takes the place of daemon/flow/follow. */

#include "tests/unit/unit.h"

#include "daemon/flow/follow.h"

static struct list fake_lookers = {&fake_lookers, &fake_lookers};
static bool look_is_quick = true; /* nobody ever needs to wait */
static unsigned n_looks;

bool follow_join(struct follow *follow, struct waiter *waiter, waiter_fn done) {
        n_looks++;
        if (look_is_quick)
                return false;

        waiter_join(waiter, &fake_lookers, done);
        return true;
}

static inline void look_fails(void) {
        _cleanup_(fault_deinit) struct fault fault = {};

        (void)fault_set(&fault, AGENT_ERROR_STORAGE_FAILED, "the disk does not answer");
        waiter_tell_all(&fake_lookers, &fault);
}

static inline void look_is_over(void) {
        waiter_tell_all(&fake_lookers, NULL);
}
