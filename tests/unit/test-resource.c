/* Whatever people call a Globus service leads to its resource server, and nothing else does. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/model/resource.h"
#include "proto/error.h"
#include "proto/strv.h"

#define STRV(...) ((char *[]){__VA_ARGS__, NULL})
#define GROUPS "urn:globus:auth:scope:groups.api.globus.org:"
#define URL "https://auth.globus.org/scopes/"
#define FLOWS URL "eec9b274-0c81-4334-bdc2-54e90e689b9a/"
#define TIMERS_ID "524230d7-ea86-4a52-8312-86065a9e0417"
#define COMPUTE URL "facd7ccc-c5f4-42aa-916b-a0e270e2c2a9/"
#define SOME_ID "5e0c1c1e-0f5c-4f7e-9a43-2a8f9c1b7d10"

static void assert_resolves(const char *text, const char *server, char *const *scopes, bool by_scope) {
        _cleanup_(resource_deinit) struct resource resource = {0};
        _cleanup_(fault_deinit) struct fault fault = {0};

        assert_int_equal(resource_resolve(&resource, text, &fault), 0);
        assert_string_equal(resource.server, server);
        assert_true(strv_equal(resource.scopes, scopes));
        assert_int_equal(resource.by_scope, by_scope);
}

static void test_aliases(void **state) {
        assert_resolves("auth", "auth.globus.org", STRV("email", "openid", "profile"), false);
        assert_resolves("groups", "groups.api.globus.org", STRV(GROUPS "view_my_groups_and_memberships"),
                        false);
        assert_resolves("transfer", "transfer.api.globus.org",
                        STRV("urn:globus:auth:scope:transfer.api.globus.org:all"), false);
        assert_resolves("search", "search.api.globus.org",
                        STRV("urn:globus:auth:scope:search.api.globus.org:search"), false);
        assert_resolves("flows", "flows.globus.org", STRV(FLOWS "all"), false);
        assert_resolves("timers", TIMERS_ID, STRV(URL TIMERS_ID "/timer"), false);
        assert_resolves("compute", "funcx_service", STRV(COMPUTE "all"), false);
}

static void test_servers(void **state) {
        assert_resolves("funcx_service", "funcx_service", STRV(COMPUTE "all"), false);
        assert_resolves(TIMERS_ID, TIMERS_ID, STRV(URL TIMERS_ID "/timer"), false);
        assert_resolves("nexus.api.globus.org", "nexus.api.globus.org", NULL, false);
        assert_resolves(SOME_ID, SOME_ID, NULL, false);
}

static void test_scopes(void **state) {
        assert_resolves("openid", "auth.globus.org", STRV("openid"), true);
        assert_resolves("profile  email", "auth.globus.org", STRV("email", "profile"), true);
        assert_resolves(GROUPS "all", "groups.api.globus.org", STRV(GROUPS "all"), true);
        assert_resolves(FLOWS "run", "flows.globus.org", STRV(FLOWS "run"), true);
        assert_resolves(COMPUTE "all", "funcx_service", STRV(COMPUTE "all"), true);
        assert_resolves(URL SOME_ID "/data_access", SOME_ID, STRV(URL SOME_ID "/data_access"), true);
        assert_resolves("urn:globus:auth:scope:transfer.api.globus.org:all[*" URL SOME_ID "/data_access]",
                        "transfer.api.globus.org",
                        STRV("urn:globus:auth:scope:transfer.api.globus.org:all[*" URL SOME_ID "/data_access]"),
                        true);
}

static void assert_unknown(const char *text, const char *in_message) {
        struct resource untouched = {.by_scope = true}, resource = untouched;
        _cleanup_(fault_deinit) struct fault fault = {0};

        assert_int_equal(resource_resolve(&resource, text, &fault), AGENT_ERROR_UNKNOWN_RESOURCE);
        assert_int_equal(fault.r, AGENT_ERROR_UNKNOWN_RESOURCE);
        assert_non_null(strstr(fault_message(&fault), in_message));
        assert_true(strlen(fault_message(&fault)) < 400);
        for (const char *c = fault_message(&fault); *c; c++)
                assert_in_range(*c, ' ', '~');

        assert_memory_equal(&resource, &untouched, sizeof(resource));
}

static void test_unknown(void **state) {
        assert_unknown("group", "'group' is known: give one of auth, groups, transfer,");
        assert_unknown("", "''");
        assert_unknown(" ", "' '");
        assert_unknown("urn:globus:auth:scope:", "urn:globus:auth:scope:");
        assert_unknown("urn:globus:auth:scope:groups.api.globus.org:", "urn:");
        assert_unknown("urn:globus:auth:scope::all", "urn:");
        assert_unknown("urn:globus:auth:scope:a/b:all", "urn:");
        assert_unknown(URL, URL);
        assert_unknown(URL SOME_ID, URL);
        assert_unknown("https://groups.api.globus.org/", "https:");
        assert_unknown("groups.api.globus.org[", "[");
        assert_unknown("5e0c1c1e-0f5c-4f7e-9a43-2a8f9c1b7d1g", "d1g'");
        assert_unknown("openid " GROUPS "all",
                       "different resource servers, auth.globus.org and groups.api.globus.org");
}

static void test_hostile(void **state) {
        char text[100001];

        assert_unknown("a\nb\x1b[31m\x7f\xc2\x9b", "'a?b?[31m?");
        assert_unknown("%s%n", "'%s%n'");

        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        assert_unknown(text, "xxx...'");
        text[1] = '.';
        assert_unknown(text, "x.x");
}

static void test_of_scope(void **state) {
        _cleanup_(freep) char *server = NULL;
        char *untouched = NULL;

        assert_int_equal(resource_of_scope(&server, "*" FLOWS "all[openid]"), 0);
        assert_string_equal(server, "flows.globus.org");
        assert_int_equal(resource_of_scope(&untouched, "groups"), -EINVAL);
        assert_null(untouched);
}

static void test_defaults(void **state) {
        assert_true(strv_equal(resource_identity_scopes(), STRV("email", "openid", "profile")));
        assert_true(strv_equal(resource_default_scopes(),
                               STRV("email", "openid", "profile", GROUPS "view_my_groups_and_memberships")));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_aliases),  cmocka_unit_test(test_servers),
                cmocka_unit_test(test_scopes),   cmocka_unit_test(test_unknown),
                cmocka_unit_test(test_hostile),  cmocka_unit_test(test_of_scope),
                cmocka_unit_test(test_defaults),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
