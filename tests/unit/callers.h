#pragma once

/* Callers: those who wait for something, count what they are told, and may act from within their callback. */

#include "tests/unit/unit.h"

#include "daemon/flow/waiter.h"

struct caller {
        struct waiter waiter;
        unsigned n_told;
        int answer; /* of the last time */
        struct fault fault; /* the same */
        void (*then)(struct caller *caller); /* once, from within the callback */
        struct caller *other; /* for then */
};

static inline void caller_init(struct caller *caller) {
        *caller = (struct caller){};
        waiter_init(&caller->waiter);
}

static inline void caller_deinit(struct caller *caller) {
        waiter_leave(&caller->waiter);
        fault_deinit(&caller->fault);
}

static inline void caller_told(struct waiter *waiter, const struct fault *fault) {
        struct caller *caller = CONTAINER(waiter, struct caller, waiter);
        void (*then)(struct caller *) = TAKE(caller->then);

        caller->n_told++;
        caller->answer = fault ? fault->r : 0;
        if (fault)
                assert_int_equal(fault_copy(&caller->fault, fault), 0);
        if (then)
                then(caller);
}

/* A callback that makes another caller go away. */
static inline void caller_drop_other(struct caller *caller) {
        waiter_leave(&caller->other->waiter);
}

#define assert_told(caller, result)                                                                            \
        do {                                                                                                   \
                assert_int_equal((caller)->n_told, 1);                                                         \
                assert_int_equal((caller)->answer, (result));                                                  \
        } while (0)
