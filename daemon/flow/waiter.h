#pragma once

/* Waiter: someone who is told once how it ended, unless they leave first. */

#include "proto/fault.h"
#include "proto/list.h"

struct waiter;

/* fault: NULL when it went well; borrowed. May free its waiter, and may wait anew. */
typedef void (*waiter_fn)(struct waiter *waiter, const struct fault *fault);

struct waiter {
        struct list link; /* of what is waited for, or itself when not waiting */
        waiter_fn done;
};

static inline void waiter_init(struct waiter *waiter) {
        list_init(&waiter->link);
}

static inline void waiter_join(struct waiter *waiter, struct list *waiters, waiter_fn done) {
        waiter->done = done;
        list_append(waiters, &waiter->link);
}

static inline void waiter_leave(struct waiter *waiter) {
        list_unlink(&waiter->link);
}

/* Tells them all. A callback may free any other waiter, so the list is read anew every turn. */
static inline void waiter_tell_all(struct list *waiters, const struct fault *fault) {
        struct list *first;

        while ((first = list_first(waiters))) {
                struct waiter *waiter = CONTAINER(first, struct waiter, link);

                list_unlink(first);
                waiter->done(waiter, fault);
        }
}
