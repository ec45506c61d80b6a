#pragma once

/* Logins with all their neighbours: real vault and revoker; clock, alarms, disk and Globus by hand. */

#include "tests/unit/unit.h"

#include "tests/unit/fake-alarm.h"
#include "tests/unit/fake-oauth.h"
#include "tests/unit/fake-save.h"
#include "tests/unit/logins.h"

#include "daemon/flow/logins.h"

static struct vault *vault;
static struct revoker *revoker;
static struct logins *logins;
static unsigned n_changed;

/* One who brings a code, and counts what it is told. */
struct finisher {
        struct login_finish finish;
        unsigned n_told;
        int answer; /* of the last time */
        struct fault fault; /* the same */
        void (*then)(void); /* once, from within the callback */
};

static struct finisher a, b;

static void on_changed(void *userdata, const char *profile) {
        assert_string_equal(profile, "default");
        n_changed++;
}

static int set_up(void **state) {
        assert_int_equal(vault_new(&vault), 0);
        assert_int_equal(revoker_new(&revoker, NULL, NULL), 0);
        assert_int_equal(
                logins_new(&logins, NULL,
                           &(struct login_deps){.vault = vault, .revoker = revoker, .changed = on_changed}),
                0);
        a = b = (struct finisher){};
        waiter_init(&a.finish.waiter);
        waiter_init(&b.finish.waiter);
        n_changed = oauth_count = 0;
        disk_is_quick = true;
        return 0;
}

static int tear_down(void **state) {
        waiter_leave(&a.finish.waiter);
        waiter_leave(&b.finish.waiter);
        logins = logins_free(logins);
        revoker = revoker_free(revoker);
        vault = vault_free(vault);
        fault_deinit(&a.fault);
        fault_deinit(&b.fault);
        assert_int_equal(oauth_on_their_way(), 0);
        return 0;
}

static inline struct login_request new_request(const char *profile, bool force) {
        struct login_request request = {.profile = strdup(profile), .refresh_tokens = true, .force = force};

        assert_int_equal(origin_copy(&request.origin, &some_origin), 0);
        assert_int_equal(strv_copy(&request.scopes, STRV(GROUPS_ALL)), 0);
        return request;
}

static inline int start_request(struct login_request request, struct login_info *info) {
        struct fault fault = {};
        int r;

        r = logins_start(logins, &request, info, &fault);
        assert_int_equal(fault.r, r);
        fault_deinit(&fault);
        login_request_deinit(&request);
        return r;
}

/* The id of a new login to the profile; owned by the caller. */
static inline char *start(const char *profile, bool force) {
        struct login_info info;

        assert_int_equal(start_request(new_request(profile, force), &info), 0);
        assert_false(info.joined);
        return strdup(info.id);
}

static inline void finisher_told(struct waiter *waiter, const struct fault *fault) {
        struct finisher *finisher = CONTAINER(waiter, struct finisher, finish.waiter);

        finisher->n_told++;
        finisher->answer = fault ? fault->r : 0;
        if (fault)
                assert_int_equal(fault_copy(&finisher->fault, fault), 0);
        if (finisher->then)
                TAKE(finisher->then)();
}

static inline int finish(struct finisher *finisher, const char *id, const char *code) {
        _cleanup_(secret_freep) struct secret *secret = make_secret(code);
        struct fault fault = {};
        int r;

        finisher->n_told = 0;
        finisher->finish.id = id;
        finisher->finish.code = secret;
        r = logins_finish(logins, &finisher->finish, finisher_told, &fault);
        assert_int_equal(fault.r, r);
        fault_deinit(&fault);
        assert_int_equal(finisher->n_told, 0); /* later, if at all */
        return r;
}

#define assert_told(finisher, result)                                                                          \
        do {                                                                                                   \
                assert_int_equal((finisher)->n_told, 1);                                                       \
                assert_int_equal((finisher)->answer, (result));                                                \
        } while (0)
