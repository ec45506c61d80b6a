#pragma once

/*
 * Provide: a token good for as long as asked for: at once, or after one refresh.
 *
 * A token that is valid is given at once. One that has less time left than is wished for is refreshed first,
 * but not for longer than a moment: a refresh that is slow or fails takes a valid token from nobody. A token
 * that a server refused counts as over, as long as it is the grant's: any number of callers who bring it make
 * one refresh a minute.
 */

#include <systemd/sd-event.h>

#include "daemon/flow/alarm.h"
#include "daemon/flow/refresh.h"

/* Without a demand of the caller's, a token should stay valid this long. */
#define PROVIDE_WISH_USEC (60 * USEC_PER_SEC)

struct provide {
        sd_event *event; /* borrowed */
        struct vault *vault; /* borrowed */
        struct refresh *refresh; /* borrowed */
};

struct provide_terms {
        bool demanded; /* valid_usec is a demand, else a wish */
        uint64_t valid_usec; /* the token must, or should, be valid for so long */
        bool renew; /* a new one, whatever the old one's life */
        bool urgent; /* a person insists: goes before the time of the next try */
        const struct secret *rejected; /* borrowed, may be NULL: a token that a server refused is none */
        uint64_t timeout_usec; /* how long to wait at most; 0: as long as it takes */
};

struct provision;

/* fault NULL: the grant's token keeps the terms. May free the provision. */
typedef void (*provision_fn)(struct provision *provision, const struct fault *fault);

/* One who waits for a token. Embedded. */
struct provision {
        const struct provide *provide; /* borrowed */
        struct waiter waiter; /* of a refresh */
        uint64_t grant_id;
        struct provide_terms terms;
        struct alarm *patience;
        provision_fn done;
};

#define PROVISION_INIT(p) ((struct provision){.waiter.link = LIST_INIT((p).waiter.link)})

/* 0: the token is good now, and done is not called. -EINPROGRESS: done is called later, once. Else the fault's
 * code, and done is not called. */
int provision_begin(struct provision *provision, const struct provide *provide, struct grant *grant,
                    struct fault *fault);

/* Leaves. A provision that has ended, or never begun, may be left, too. */
void provision_deinit(struct provision *provision);
