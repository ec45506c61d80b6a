#pragma once

/* Listings with all their neighbours: real vault; clock, alarms, tokens and Globus Groups by hand. */

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/flow/membership.h"
#include "tests/unit/fake-alarm.h"
#include "tests/unit/fake-groups.h"
#include "tests/unit/logins.h"

/* The neighbour: tokens that come at once or when told to. */

static int provided; /* what provision_begin() says */
static struct provision *provision; /* the one that waits */
static unsigned n_rejected;

int provision_begin(struct provision *p, const struct provide *provide, struct grant *grant,
                    struct fault *fault) {
        n_rejected += p->terms.rejected != NULL;
        assert_false(p->terms.renew);
        assert_false(p->terms.demanded);
        if (provided == -EINPROGRESS)
                provision = p;
        else if (provided)
                (void)fault_set(fault, provided, "no token");
        return provided;
}

void provision_deinit(struct provision *p) {
        if (p == provision)
                provision = NULL;
}

static inline void token_arrives(const struct fault *fault) {
        struct provision *p = TAKE(provision);

        p->done(p, fault);
}

/* Those who ask. */

struct asker {
        struct listing_waiter waiter;
        unsigned n_told;
        int answer;
        struct fault fault;
        char *reply;
        void (*then)(struct asker *asker);
};

static struct vault *vault;
static struct provide provide;
static struct membership *membership;
static struct asker askers[3], *const a = &askers[0], *const b = &askers[1], *const c = &askers[2];

static int set_up(void **state) {
        assert_int_equal(vault_new(&vault), 0);
        provide.vault = vault;
        assert_int_equal(log_in(vault, "default", "ada", GROUPS, "access"), 0);
        assert_int_equal(log_in(vault, "other", "ben", GROUPS, "his"), 0);
        assert_int_equal(membership_new(&membership, &(struct membership_deps){.provide = &provide}), 0);
        for (size_t i = 0; i < ARRAY_SIZE(askers); i++) {
                askers[i] = (struct asker){};
                waiter_init(&askers[i].waiter.waiter);
        }
        n_asked = n_rejected = 0;
        provided = ask_result = 0;
        return 0;
}

static int tear_down(void **state) {
        membership = membership_free(membership);
        vault = vault_free(vault);
        assert_null(asked);
        for (size_t i = 0; i < ARRAY_SIZE(askers); i++) {
                waiter_leave(&askers[i].waiter.waiter);
                fault_deinit(&askers[i].fault);
                free(askers[i].reply);
        }
        return 0;
}

static void keep_reply(struct asker *asker) {
        free(asker->reply);
        asker->reply = strdup(buffer_bytes(&asker->waiter.reply->bytes));
        assert_int_equal(shared_size(asker->waiter.reply), strlen(asker->reply) + 1);
}

static void on_listed(struct waiter *waiter, const struct fault *fault) {
        struct asker *asker = CONTAINER(waiter, struct asker, waiter.waiter);
        void (*then)(struct asker *) = TAKE(asker->then);

        asker->n_told++;
        asker->answer = fault ? fault->r : 0;
        if (fault)
                assert_int_equal(fault_copy(&asker->fault, fault), 0);
        else
                keep_reply(asker);
        if (then)
                then(asker);
}

static int ask_for(struct asker *asker, const char *profile, char *const *statuses, int64_t max_age) {
        const struct membership_query query = {
                .grant = get_grant(vault, profile, GROUPS),
                .statuses = statuses,
                .max_age_usec = (uint64_t)max_age * USEC_PER_SEC,
        };
        int r;

        asker->n_told = 0;
        r = membership_get(membership, &query, &asker->waiter, on_listed, &asker->fault);
        if (!r)
                keep_reply(asker);
        assert_int_equal(asker->n_told, 0);
        return r;
}

/* Wants it new. */
static inline int ask(struct asker *asker) {
        fake_sleep(1);
        return ask_for(asker, "default", NULL, 0);
}

#define assert_told(asker, result)                                                                             \
        do {                                                                                                   \
                assert_int_equal((asker)->n_told, 1);                                                          \
                assert_int_equal((asker)->answer, (result));                                                   \
        } while (0)
