/* A grant takes in tokens, knows when to refresh them, and survives being saved, whatever the clocks did
 * meanwhile. */

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/model/grant.h"
#include "tests/unit/fake-clock.h"
#include "tests/unit/logins.h"

#define DAY INT64_C(86400)

/* With a token that was received now, for an hour. */
static struct grant *make_grant(void) {
        _cleanup_(token_set_freep) struct token_set *tokens = make_tokens(NULL, fake_boottime);
        struct token_set_entry *entry = add_entry(tokens, GROUPS, "access", "refresh");
        struct grant *grant;

        entry->scopes = NULL;
        assert_int_equal(strv_append(&entry->scopes, "b"), 0);
        assert_int_equal(strv_append(&entry->scopes, "a"), 0);
        assert_int_equal(grant_new(&grant, GROUPS), 0);
        assert_int_equal(origin_copy(&grant->origin, &some_origin), 0);
        assert_int_equal(strv_copy(&grant->requested, STRV("a[c]", "b")), 0);
        assert_int_equal(grant_take_tokens(grant, entry, tokens->received_usec), 0);
        grant->refreshed_at = grant->used_at = fake_unix;
        return grant;
}

static struct grant *reload(const struct grant *grant) {
        _cleanup_(buffer_deinit) struct buffer text = {0};
        struct writer writer = WRITER_INIT(&text);
        struct grant *again;

        grant_write(grant, &writer);
        assert_int_equal(writer_end(&writer), 0);
        assert_int_equal(grant_parse(&again, buffer_bytes(&text), buffer_size(&text)), 0);
        return again;
}

static void test_new(void **state) {
        _cleanup_(grant_freep) struct grant *a = NULL, *b = NULL;

        assert_int_equal(grant_new(&a, GROUPS), 0);
        assert_int_equal(grant_new(&b, GROUPS), 0);
        assert_memory_not_equal(a->uuid, b->uuid, sizeof(a->uuid));
        assert_true(a->generation == 1);
        assert_int_equal(a->state, GRANT_ALIVE);
        assert_true(grant_refresh_due_usec(a) == USEC_INFINITY);
}

static void test_take_tokens(void **state) {
        _cleanup_(token_set_freep) struct token_set *tokens = make_tokens(NULL, 0);
        struct token_set_entry *entry = add_entry(tokens, GROUPS, "second", NULL);
        _cleanup_(grant_freep) struct grant *grant = make_grant();

        assert_secret(grant->token.secret, "access");
        assert_secret(grant->refresh_token, "refresh");
        assert_true(strv_equal(grant->scopes, STRV("a", "b")));
        assert_true(grant->token.expires_usec == fake_boottime + 3600 * USEC_PER_SEC);

        assert_int_equal(grant_take_tokens(grant, entry, fake_boottime), 0);
        assert_null(entry->access_token);
        assert_secret(grant->token.secret, "second");
        assert_secret(grant->refresh_token, "refresh"); /* kept */
        assert_true(strv_equal(grant->scopes, STRV("a", "b")));

        entry->refresh_token = make_secret("rotated");
        entry->expires_in = -5;
        assert_int_equal(grant_take_tokens(grant, entry, fake_boottime), 0);
        assert_secret(grant->refresh_token, "rotated");
        assert_true(grant->token.expires_usec == fake_boottime);
}

static void test_due(void **state) {
        _cleanup_(grant_freep) struct grant *grant = make_grant();
        uint64_t now = fake_boottime;

        assert_true(grant_refresh_due_usec(grant) == grant->token.refresh_usec);

        grant->tries.tried_usec = grant->token.refresh_usec;
        assert_true(grant_refresh_due_usec(grant) == grant->token.refresh_usec + 60 * USEC_PER_SEC);
        grant->tries.failures = 1; /* then it is not the minute that counts */
        grant->tries.retry_usec = grant->token.refresh_usec + USEC_PER_SEC;
        assert_true(grant_refresh_due_usec(grant) == grant->tries.retry_usec);
        grant->tries.retry_usec = grant->token.refresh_usec + 90 * USEC_PER_SEC;
        assert_true(grant_refresh_due_usec(grant) == grant->tries.retry_usec);
        grant->tries = (struct grant_tries){.tried_usec = UINT64_MAX - 1};
        assert_true(grant_refresh_due_usec(grant) == USEC_INFINITY);

        grant->state = GRANT_CLIENT_AT_FAULT;
        grant->tries = (struct grant_tries){.failures = 1, .retry_usec = now + 5};
        assert_true(grant_refresh_due_usec(grant) == now + 5);

        grant->state = GRANT_DEAD;
        assert_true(grant_refresh_due_usec(grant) == USEC_INFINITY);

        grant->state = GRANT_ALIVE;
        grant->refresh_token = secret_free(grant->refresh_token);
        assert_true(grant_refresh_due_usec(grant) == USEC_INFINITY);
}

static void test_due_never_in_a_tight_loop(void **state) {
        _cleanup_(token_set_freep) struct token_set *tokens = make_tokens(NULL, fake_boottime);
        struct token_set_entry *entry = add_entry(tokens, GROUPS, "access", "refresh");
        _cleanup_(grant_freep) struct grant *grant = make_grant();

        entry->expires_in = 0;
        grant->tries.tried_usec = fake_boottime;
        grant->tries.failures = 3;
        grant->tries.error = strdup("no");
        assert_int_equal(grant_take_tokens(grant, entry, fake_boottime), 0);
        grant_reset_tries(grant);
        assert_null(grant->tries.error);
        assert_int_equal(grant->tries.failures, 0);
        assert_true(grant_refresh_due_usec(grant) == fake_boottime + 60 * USEC_PER_SEC);
}

static void test_due_when_idle(void **state) {
        _cleanup_(grant_freep) struct grant *grant = make_grant();
        uint64_t month = 30 * DAY * USEC_PER_SEC, start = fake_boottime;

        fake_sleep(7 * DAY);
        assert_true(grant_refresh_due_usec(grant) == grant->token.refresh_usec);
        fake_sleep(1);
        assert_true(grant_refresh_due_usec(grant) == start + month);

        grant->refreshed_at = fake_unix + 400 * DAY; /* the clock was wrong then */
        assert_true(grant_refresh_due_usec(grant) == fake_boottime + month);
        grant->refreshed_at = INT64_MAX;
        assert_true(grant_refresh_due_usec(grant) == fake_boottime + month);
        grant->refreshed_at = 0;
        assert_true(grant_refresh_due_usec(grant) == 0);

        grant->used_at = fake_unix;
        assert_true(grant_refresh_due_usec(grant) == grant->token.refresh_usec);
        grant->used_at = INT64_MAX;
        assert_true(grant_refresh_due_usec(grant) == grant->token.refresh_usec);
}

/* Told before Globus ends what is not used for six months. */
static void test_expires_soon(void **state) {
        _cleanup_(grant_freep) struct grant *grant = make_grant();

        fake_sleep((182 - 14) * DAY - 1);
        assert_false(grant_expires_soon(grant));
        fake_sleep(1);
        assert_true(grant_expires_soon(grant));
        fake_sleep(365 * DAY);
        assert_true(grant_expires_soon(grant)); /* it may still live */

        grant->state = GRANT_DEAD;
        assert_false(grant_expires_soon(grant));
        grant->state = GRANT_CLIENT_AT_FAULT;
        assert_true(grant_expires_soon(grant));
        grant->refresh_token = secret_free(grant->refresh_token);
        assert_false(grant_expires_soon(grant));
        grant->refreshed_at = INT64_MAX;
        assert_false(grant_expires_soon(grant));
}

static void test_error(void **state) {
        _cleanup_(grant_freep) struct grant *grant = make_grant();

        assert_int_equal(grant_set_error(grant, "no route"), 0);
        fake_sleep(10);
        assert_int_equal(grant_set_error(grant, "refused"), 0);
        assert_string_equal(grant->tries.error, "refused");
        assert_true(grant->tries.error_usec == fake_boottime);
}

static void test_saved_and_loaded(void **state) {
        _cleanup_(grant_freep) struct grant *grant = make_grant(), *again = NULL;

        fake_sleep(600);
        again = reload(grant);
        assert_string_equal(again->resource_server, GROUPS);
        assert_true(strv_equal(again->scopes, STRV("a", "b")));
        assert_true(strv_equal(again->requested, STRV("a[c]", "b")));
        assert_true(origin_equal(&again->origin, &some_origin));
        assert_int_equal(again->state, GRANT_ALIVE);
        assert_secret(again->token.secret, "access");
        assert_string_equal(again->token.type, "Bearer");
        assert_secret(again->refresh_token, "refresh");
        assert_int_equal(again->refreshed_at, fake_unix - 600);
        assert_int_equal(again->used_at, fake_unix - 600);
        assert_true(again->token.expires_usec == grant->token.expires_usec);
        assert_true(again->token.obtained_usec == grant->token.obtained_usec);
        assert_in_range(again->token.expires_usec - again->token.refresh_usec, 360 * USEC_PER_SEC,
                        450 * USEC_PER_SEC); /* of the whole lifetime, not of what was left */
}

static void test_states_are_saved(void **state) {
        static const enum grant_state states[] = {GRANT_ALIVE, GRANT_DEAD, GRANT_CLIENT_AT_FAULT};
        _cleanup_(grant_freep) struct grant *grant = make_grant();

        grant->refresh_token = secret_free(grant->refresh_token);
        token_deinit(&grant->token);
        for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
                _cleanup_(grant_freep) struct grant *again = NULL;

                grant->state = states[i];
                again = reload(grant);
                assert_int_equal(again->state, states[i]);
                assert_null(again->refresh_token);
                assert_null(again->token.secret);
        }
}

/* Loads what another machine, or this one before it was rebooted, saved. */
static uint64_t remaining_of(int64_t obtained_at, int64_t expires_at) {
        _cleanup_(grant_freep) struct grant *grant = NULL;
        char text[512];

        snprintf(text, sizeof(text),
                 "{\"resource_server\":\"rs\",\"environment\":\"e\",\"auth_url\":\"a\",\"groups_url\":\"g\","
                 "\"client_id\":\"c\",\"state\":\"alive\",\"access_token\":\"t\",\"refresh_token\":\"r\","
                 "\"obtained_at\":%lld,\"expires_at\":%lld,\"of_a_newer_version\":{}}",
                 (long long)obtained_at, (long long)expires_at);
        assert_int_equal(grant_parse(&grant, text, strlen(text)), 0);
        assert_string_equal(grant->token.type, "Bearer");
        assert_true(grant->token.refresh_usec <= grant->token.expires_usec);
        return token_remaining_usec(&grant->token, fake_boottime) / USEC_PER_SEC;
}

static void test_clocks_that_were_wrong(void **state) {
        int64_t now = fake_unix;

        assert_int_equal(remaining_of(now - 100, now + 500), 500);
        assert_int_equal(remaining_of(now - 2 * DAY, now + 500), 500); /* before boot */
        assert_int_equal(remaining_of(now - 2 * DAY, now - DAY), 0);
        assert_int_equal(remaining_of(now, now), 0);
        assert_int_equal(remaining_of(now + DAY, now + DAY + 600), 600); /* the clock was set back */
        assert_int_equal(remaining_of(now + DAY, now), 0);
        assert_int_equal(remaining_of(0, INT64_MAX), TOKEN_LIFETIME_MAX);
        assert_int_equal(remaining_of(now, INT64_MAX), TOKEN_LIFETIME_MAX);
}

/* An hour of which half is over, loaded while the wall clock is wrong by so much, which is then set right. The
 * seconds that remain before and after. */
static void assert_set_right(int64_t wrong, int64_t before, int64_t after) {
        _cleanup_(grant_freep) struct grant *saved = make_grant(), *grant = NULL;

        fake_sleep(1800);
        saved->restored = (struct grant_restored){1, fake_unix - 1800, fake_unix + 1800};
        fake_unix += wrong;
        grant = reload(saved);
        assert_int_equal(token_remaining_usec(&grant->token, fake_boottime) / USEC_PER_SEC, before);

        fake_sleep(60);
        fake_unix -= wrong;
        grant_redate(grant);
        assert_int_equal(token_remaining_usec(&grant->token, fake_boottime) / USEC_PER_SEC, after);
        assert_true(grant->token.refresh_usec <= grant->token.expires_usec);
}

static void test_clock_is_set_right(void **state) {
        assert_set_right(0, 1800, 1740);
        assert_set_right(-DAY, 3600, 1740);
        assert_set_right(-20 * 365 * DAY, 3600, 1740); /* a machine without a clock of its own */
        assert_set_right(DAY, 0, 1740);
        assert_set_right(600, 1200, 1740);
}

/* Not later than it can have been when it was loaded, whatever the wall clock is set to then. */
static void test_clock_is_set_wrong(void **state) {
        _cleanup_(grant_freep) struct grant *saved = make_grant(), *grant = reload(saved);

        fake_sleep(1000);
        fake_unix -= DAY;
        grant_redate(grant);
        assert_int_equal(token_remaining_usec(&grant->token, fake_boottime) / USEC_PER_SEC, 2600);
        fake_unix += 2 * DAY;
        grant_redate(grant);
        assert_int_equal(token_remaining_usec(&grant->token, fake_boottime), 0);
        fake_unix -= DAY;
        grant_redate(grant);
        assert_int_equal(token_remaining_usec(&grant->token, fake_boottime) / USEC_PER_SEC, 2600);
}

/* Of a token that came while this process ran the wall clock says nothing. */
static void test_clock_is_set_under_a_live_token(void **state) {
        _cleanup_(token_set_freep) struct token_set *tokens = make_tokens(NULL, fake_boottime);
        _cleanup_(grant_freep) struct grant *saved = make_grant(), *grant = reload(saved);
        uint64_t expires_usec;

        assert_int_equal(grant_take_tokens(grant, add_entry(tokens, GROUPS, "new", NULL), fake_boottime), 0);
        expires_usec = grant->token.expires_usec;
        fake_unix += DAY;
        grant_redate(grant);
        assert_true(grant->token.expires_usec == expires_usec);
        fake_unix -= DAY;

        grant->restored = (struct grant_restored){};
        token_deinit(&grant->token);
        grant_redate(grant); /* there is none */
        assert_null(grant->token.secret);
}

/* What the disk said is not overwritten by what a wrong clock makes of it. */
static void test_saved_again_by_a_wrong_clock(void **state) {
        _cleanup_(grant_freep) struct grant *saved = make_grant(), *wrong = NULL, *again = NULL;

        saved->restored = (struct grant_restored){1, fake_unix, fake_unix + 3600};
        fake_unix -= DAY;
        wrong = reload(saved);
        fake_sleep(600);
        again = reload(wrong);
        fake_unix += DAY;
        grant_redate(again);
        assert_int_equal(token_remaining_usec(&again->token, fake_boottime) / USEC_PER_SEC, 3000);
}

static void test_what_is_no_grant(void **state) {
        static const char *const texts[] = {
                "",
                "null",
                "[]",
                "{}",
                "{\"resource_server\":\"rs\"",
                "{\"resource_server\":\"rs\",\"environment\":\"e\",\"auth_url\":\"a\",\"groups_url\":\"g\","
                "\"client_id\":\"c\"}",
                "{\"resource_server\":\"rs\",\"environment\":\"e\",\"auth_url\":\"a\",\"groups_url\":\"g\","
                "\"client_id\":\"c\",\"state\":\"of a newer version\"}",
                "{\"resource_server\":\"rs\",\"environment\":\"e\",\"auth_url\":\"a\",\"groups_url\":\"g\","
                "\"client_id\":\"c\",\"state\":\"alive\",\"expires_at\":-1}",
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                struct grant *grant = NULL;

                assert_int_equal(grant_parse(&grant, texts[i], strlen(texts[i])), -EBADMSG);
                assert_null(grant);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_new),
                cmocka_unit_test(test_take_tokens),
                cmocka_unit_test(test_due),
                cmocka_unit_test(test_due_never_in_a_tight_loop),
                cmocka_unit_test(test_due_when_idle),
                cmocka_unit_test(test_expires_soon),
                cmocka_unit_test(test_error),
                cmocka_unit_test(test_saved_and_loaded),
                cmocka_unit_test(test_states_are_saved),
                cmocka_unit_test(test_clocks_that_were_wrong),
                cmocka_unit_test(test_clock_is_set_right),
                cmocka_unit_test(test_clock_is_set_wrong),
                cmocka_unit_test(test_clock_is_set_under_a_live_token),
                cmocka_unit_test(test_saved_again_by_a_wrong_clock),
                cmocka_unit_test(test_what_is_no_grant),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
