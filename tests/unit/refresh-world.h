#pragma once

/* Refreshes with all their neighbours: real vault and revoker; clock, alarms, disk and Globus by hand. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/flow/refresh.h"
#include "tests/unit/callers.h"
#include "tests/unit/fake-alarm.h"
#include "tests/unit/fake-claim.h"
#include "tests/unit/fake-clock.h"
#include "tests/unit/fake-follow.h"
#include "tests/unit/fake-oauth.h"
#include "tests/unit/fake-save.h"
#include "tests/unit/logins.h"

static struct vault *vault;
static struct refresh *refreshes;
static struct revoker *revoker;
static struct grant *grant; /* of the groups */
static unsigned n_changed;
static struct caller a, b, c;

static void on_changed(void *userdata) {
        n_changed++;
}

static int set_up(void **state) {
        assert_int_equal(vault_new(&vault), 0);
        assert_int_equal(log_in(vault, "default", "ada", GROUPS, "access"), 0);
        assert_int_equal(log_in(vault, "default", "ada", TRANSFER, "other"), 0);
        grant = get_grant(vault, "default", GROUPS);
        assert_int_equal(revoker_new(&revoker, NULL, NULL), 0);
        assert_int_equal(
                refresh_new(&refreshes,
                            &(struct refresh_deps){.vault = vault, .revoker = revoker, .changed = on_changed}),
                0);

        caller_init(&a);
        caller_init(&b);
        caller_init(&c);
        n_changed = oauth_count = save_kicks = 0;
        disk_is_quick = look_is_quick = true;
        n_looks = 0;
        return 0;
}

static int tear_down(void **state) {
        caller_deinit(&a);
        caller_deinit(&b);
        caller_deinit(&c);
        refreshes = refresh_free(refreshes);
        revoker = revoker_free(revoker);
        vault = vault_free(vault);
        assert_int_equal(claims_held, 0);
        return 0;
}

/* Its claim is not granted yet. */
static inline void join_only(struct caller *caller) {
        struct fault fault = {};

        assert_int_equal(refresh_join(refreshes, grant->id, &caller->waiter, caller_told, &fault), 0);
        assert_int_equal(fault.r, 0);
}

static inline void join(struct caller *caller) {
        join_only(caller);
        claims_answer(NULL);
}

static inline struct token_set *new_tokens(const char *server, const char *access, const char *token) {
        struct token_set *tokens = make_tokens(NULL, fake_boottime);

        add_entry(tokens, server, access, token);
        return tokens;
}

static inline void assert_permits(bool urgent, int expected) {
        struct fault fault = {};

        assert_int_equal(refresh_permits(refreshes, grant, urgent, &fault), expected);
        assert_int_equal(fault.r, expected);
        fault_deinit(&fault);
}
