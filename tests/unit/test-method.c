#include "tests/unit/unit.h"

#include "daemon/rpc/method.h"
#include "tests/unit/fake-clock.h"
#include "tests/unit/logins.h"

static struct fault trouble; /* of the store */

const struct fault *open_trouble(const struct open *open) {
        return trouble.r ? &trouble : NULL;
}

static int setup(void **state) {
        struct context *context = calloc(1, sizeof(*context));

        assert_non_null(context);
        assert_int_equal(vault_new(&context->vault), 0);
        vault_set_state(context->vault, VAULT_OPEN);
        assert_int_equal(log_in(context->vault, "default", "sub", GROUPS, "access"), 0);
        *state = context;
        return 0;
}

static int teardown(void **state) {
        struct context *context = *state;

        fault_deinit(&trouble);
        vault_free(context->vault);
        free(context);
        return 0;
}

static void assert_found(const struct context *context, const char *profile, const char *environment) {
        _cleanup_(fault_deinit) struct fault fault = {};
        struct account *account = NULL;

        assert_int_equal(method_find_account(&account, context, profile, environment, &fault), 0);
        assert_non_null(account);
        assert_string_equal(account->profile, "default");
}

/* The fault is the caller's. */
static struct fault find_none(const struct context *context, const char *profile, const char *environment) {
        struct fault fault = {};
        struct account *account = NULL;

        assert_int_not_equal(method_find_account(&account, context, profile, environment, &fault), 0);
        assert_null(account);
        return fault;
}

static void test_found(void **state) {
        assert_string_equal(method_profile(NULL), "default");
        assert_string_equal(method_profile("x"), "x");
        assert_found(*state, NULL, NULL);
        assert_found(*state, "default", "production");
}

static void test_never_logged_in(void **state) {
        _cleanup_(fault_deinit) struct fault fault = find_none(*state, "work", NULL);

        assert_int_equal(fault.r, AGENT_ERROR_LOGIN_NEEDED);
        assert_string_equal(fault.reason, "never");
        assert_string_equal(fault.profile, "work");
        assert_true(strv_contains(fault.required_scopes, "openid"));
}

/* Never another environment's token. */
static void test_other_environment(void **state) {
        _cleanup_(fault_deinit) struct fault fault = find_none(*state, NULL, "preview");

        assert_int_equal(fault.r, AGENT_ERROR_LOGIN_NEEDED);
        assert_string_equal(fault.reason, "never");
        assert_non_null(strstr(fault_message(&fault), "production"));
        assert_non_null(strstr(fault_message(&fault), "preview"));
}

static void test_nonsense(void **state) {
        _cleanup_(fault_deinit) struct fault profile = find_none(*state, "no/name", NULL),
                                             environment = find_none(*state, NULL, "moon");

        assert_int_equal(profile.r, AGENT_ERROR_INVALID_PARAMETER);
        assert_string_equal(profile.parameter, "profile");
        assert_int_equal(environment.r, AGENT_ERROR_INVALID_PARAMETER);
        assert_string_equal(environment.parameter, "environment");
}

/* Who knows what a store holds that could not be read; what is in memory is served. */
static void test_store_in_trouble(void **state) {
        (void)fault_set(&trouble, AGENT_ERROR_STORAGE_FAILED, "not readable");
        {
                _cleanup_(fault_deinit) struct fault fault = find_none(*state, "work", NULL);

                assert_int_equal(fault.r, AGENT_ERROR_STORAGE_FAILED);
                assert_string_equal(fault_message(&fault), "not readable");
        }
        assert_found(*state, NULL, NULL);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_found),    TEST(test_never_logged_in),  TEST(test_other_environment),
                TEST(test_nonsense), TEST(test_store_in_trouble),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
