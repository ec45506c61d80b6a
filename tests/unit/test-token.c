/* When a token is to be refreshed, whatever its lifetime, and what remains of it. */

#include "tests/unit/unit.h"

#include "daemon/model/token.h"

#define SECOND USEC_PER_SEC
#define HOUR (3600 * SECOND)

static struct token make(uint64_t obtained, uint64_t lifetime, uint32_t random) {
        struct token_life life = {obtained, lifetime, random};
        struct token token = {0};
        struct secret *secret;

        assert_int_equal(secret_new(&secret, "token", 5), 0);
        assert_int_equal(token_replace(&token, secret, "Bearer", &life), 0);
        return token;
}

/* How long before its expiry a token of that lifetime is refreshed. */
static uint64_t lead(uint64_t lifetime, uint32_t random) {
        _cleanup_(token_deinit) struct token token = make(5 * SECOND, lifetime, random);

        assert_true(token.expires_usec == 5 * SECOND + lifetime);
        assert_true(token.refresh_usec >= token.obtained_usec);
        return token.expires_usec - token.refresh_usec;
}

static void test_lead(void **state) {
        assert_true(lead(48 * HOUR, 0) == HOUR); /* at most an hour */
        assert_true(lead(2 * HOUR, 0) == 720 * SECOND); /* a tenth */
        assert_true(lead(600 * SECOND, 0) == 120 * SECOND); /* at least two minutes */
        assert_true(lead(120 * SECOND, 0) == 60 * SECOND); /* at most half */
        assert_true(lead(1, 0) == 0);
        assert_true(lead(0, 0) == 0);
}

static void test_jitter(void **state) {
        assert_in_range(lead(48 * HOUR, UINT32_MAX), 5 * HOUR / 4 - SECOND, 5 * HOUR / 4);
        assert_in_range(lead(48 * HOUR, UINT32_MAX / 2), 9 * HOUR / 8 - SECOND, 9 * HOUR / 8);
        assert_in_range(lead(120 * SECOND, UINT32_MAX), 48 * SECOND, 48 * SECOND + 1);
        assert_true(lead(250 * SECOND, 0) == 120 * SECOND);
        assert_true(lead(250 * SECOND, UINT32_MAX) < 125 * SECOND); /* not more than half with jitter either */
}

static void test_huge_lifetime(void **state) {
        _cleanup_(token_deinit) struct token token = make(SECOND, UINT64_MAX, UINT32_MAX);

        assert_true(token.expires_usec == USEC_INFINITY);
        assert_in_range(token.expires_usec - token.refresh_usec, HOUR, 5 * HOUR / 4);
}

static void test_replace(void **state) {
        _cleanup_(token_deinit) struct token token = make(0, HOUR, 0);
        struct token_life life = {HOUR, 2 * HOUR, 0};
        struct secret *secret;

        assert_int_equal(secret_new(&secret, "new", 3), 0);
        assert_int_equal(token_replace(&token, secret, "MAC", &life), 0);
        assert_string_equal(secret_string(token.secret), "new");
        assert_string_equal(token.type, "MAC");
        assert_true(token.expires_usec == 3 * HOUR);
}

static void test_set_life(void **state) {
        _cleanup_(token_deinit) struct token token = make(0, HOUR, 0), other = make(HOUR, 2 * HOUR, 7);
        struct token_life life = {HOUR, 2 * HOUR, 7};

        token_set_life(&token, &life);
        assert_string_equal(secret_string(token.secret), "token");
        assert_true(token.obtained_usec == HOUR && token.expires_usec == 3 * HOUR);
        assert_true(token.refresh_usec == other.refresh_usec);
}

static void test_remaining(void **state) {
        _cleanup_(token_deinit) struct token token = make(10 * SECOND, 100 * SECOND, 0);
        struct token none = {.expires_usec = USEC_INFINITY};

        assert_true(token_remaining_usec(&token, 10 * SECOND) == 100 * SECOND);
        assert_true(token_remaining_usec(&token, 110 * SECOND - 1) == 1);
        assert_true(token_remaining_usec(&token, 110 * SECOND) == 0);
        assert_true(token_remaining_usec(&token, HOUR) == 0);
        assert_true(token_remaining_usec(&none, 0) == 0);
}

static void test_age(void **state) {
        _cleanup_(token_deinit) struct token token = make(50 * SECOND, 100 * SECOND, 0);

        token_age(&token, 60 * SECOND);
        assert_true(token.obtained_usec == 0);
        assert_true(token.expires_usec == 90 * SECOND);
        assert_true(token.refresh_usec == 40 * SECOND);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lead),          cmocka_unit_test(test_jitter),
                cmocka_unit_test(test_huge_lifetime), cmocka_unit_test(test_replace),
                cmocka_unit_test(test_set_life),      cmocka_unit_test(test_remaining),
                cmocka_unit_test(test_age),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
