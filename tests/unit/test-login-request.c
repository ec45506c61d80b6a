/* What a login asks for, out of what the caller says, the profile has, and the settings are. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/flow/login-request.h"
#include "tests/unit/fake-clock.h"
#include "tests/unit/logins.h"

#define GROUPS_VIEW "urn:globus:auth:scope:groups.api.globus.org:view_my_groups_and_memberships"
#define TRANSFER_ALL "urn:globus:auth:scope:transfer.api.globus.org:all"

/* The settings: as built in, but where a test says otherwise. */

static const char *settings[_SETTING_MAX];

const char *config_get(const struct config *config, enum setting setting) {
        if (settings[setting])
                return settings[setting];
        if (setting == SETTING_ENVIRONMENT)
                return "production";

        return setting == SETTING_CLIENT_ID ? "built-in-client" : NULL;
}

const char *config_origin(const struct config *config, enum setting setting) {
        return settings[setting] ? "/etc/globus-agent/config.json" : "built in";
}

static struct vault *vault;
static struct login_request request;

static int set_up(void **state) {
        memset(settings, 0, sizeof(settings));
        return vault_new(&vault);
}

static int tear_down(void **state) {
        login_request_deinit(&request);
        vault = vault_free(vault);
        return 0;
}

static const struct session no_session;

static void ask(struct login_wish wish, int expected) {
        struct fault fault = {};

        wish.profile = wish.profile ? wish.profile : "default";
        wish.session = wish.session ? wish.session : &no_session;
        login_request_deinit(&request);
        assert_int_equal(login_request_init(&request, &wish, NULL, vault, &fault), expected);
        assert_int_equal(fault.r, expected);
        if (expected)
                assert_null(request.profile);
        fault_deinit(&fault);
}

/* Logged in at some_origin, with identity and Groups scopes, as the table of services has them. */
static struct grant *log_in_for(char *const *requested, const char *server, const char *refresh_token) {
        _cleanup_(token_set_freep) struct token_set *tokens = make_tokens("ada", fake_boottime);
        const struct vault_login login = {.profile = "default", .origin = &some_origin, .requested = requested};
        struct token_set_entry *entry = add_entry(tokens, server, "access", refresh_token);

        assert_int_equal(strv_copy(&entry->scopes, requested), 0);
        assert_int_equal(vault_add_login(vault, &login, tokens), 0);
        return get_grant(vault, "default", server);
}

static void test_defaults(void **state) {
        ask((struct login_wish){}, 0);
        assert_string_equal(request.profile, "default");
        assert_string_equal(request.origin.environment, "production");
        assert_string_equal(request.origin.auth_url, "https://auth.globus.org/");
        assert_string_equal(request.origin.groups_url, "https://groups.api.globus.org/");
        assert_string_equal(request.origin.client_id, "built-in-client");
        assert_true(request.refresh_tokens);
        assert_false(request.force);
        assert_true(strv_equal(request.scopes, STRV("email", "openid", "profile", GROUPS_VIEW)));
        assert_true(login_request_is_needed(&request, vault));
}

static void test_scopes(void **state) {
        ask((struct login_wish){.scopes = STRV("transfer")}, 0);
        assert_true(strv_equal(request.scopes, STRV("email", "openid", "profile", TRANSFER_ALL)));
        ask((struct login_wish){.scopes = STRV(GROUPS_ALL, "transfer.api.globus.org", GROUPS_ALL)}, 0);
        assert_true(strv_equal(request.scopes, STRV("email", "openid", "profile", GROUPS_ALL, TRANSFER_ALL)));
        ask((struct login_wish){.scopes = STRV("nonsense")}, AGENT_ERROR_UNKNOWN_RESOURCE);
        ask((struct login_wish){.scopes = STRV("unheard.of.example")}, AGENT_ERROR_UNKNOWN_RESOURCE);
}

static void test_adds_to_what_is_granted(void **state) {
        (void)log_in_for(STRV(GROUPS_ALL), GROUPS, "refresh");
        (void)log_in_for(STRV(TRANSFER_ALL), TRANSFER, "refresh");
        ask((struct login_wish){}, 0);
        /* the union at the resource server asked for; the other one is left alone */
        assert_true(strv_equal(request.scopes, STRV("email", "openid", "profile", GROUPS_ALL, GROUPS_VIEW)));
}

static void test_brings_back_what_has_ended(void **state) {
        struct grant *grant = log_in_for(STRV(TRANSFER_ALL), TRANSFER, "refresh");

        grant->state = GRANT_DEAD;
        ask((struct login_wish){}, 0);
        assert_true(strv_equal(request.scopes, STRV("email", "openid", "profile", GROUPS_VIEW, TRANSFER_ALL)));
        assert_true(login_request_is_needed(&request, vault));
        ask((struct login_wish){.scopes = STRV("groups")}, 0); /* no more than is asked for */
        assert_true(strv_equal(request.scopes, STRV("email", "openid", "profile", GROUPS_VIEW)));
        ask((struct login_wish){.environment = "preview", .force = true}, 0); /* nor where it was never had */
        assert_true(strv_equal(request.scopes, STRV("email", "openid", "profile", GROUPS_VIEW)));
}

static void test_settings(void **state) {
        settings[SETTING_ENVIRONMENT] = "preview";
        settings[SETTING_CLIENT_ID] = "configured";
        ask((struct login_wish){}, 0);
        assert_string_equal(request.origin.environment, "preview");
        assert_string_equal(request.origin.auth_url, "https://auth.preview.globus.org/");
        assert_string_equal(request.origin.client_id, "configured");

        settings[SETTING_AUTH_URL] = "https://auth.example";
        ask((struct login_wish){}, 0);
        assert_string_equal(request.origin.auth_url, "https://auth.example/");
        ask((struct login_wish){.environment = "sandbox"}, 0); /* for which they are not meant */
        assert_string_equal(request.origin.environment, "sandbox");
        assert_non_null(strstr(request.origin.auth_url, "sandbox"));

        ask((struct login_wish){.auth_url = "https://mine.example/", .client_id = "mine"}, 0);
        assert_string_equal(request.origin.auth_url, "https://mine.example/");
        assert_string_equal(request.origin.client_id, "mine");
}

static void test_profile_before_settings(void **state) {
        (void)log_in_for(STRV(GROUPS_ALL), GROUPS, "refresh");
        settings[SETTING_ENVIRONMENT] = "preview";
        settings[SETTING_AUTH_URL] = "https://auth.example/";
        ask((struct login_wish){}, 0);
        assert_string_equal(request.origin.environment, "production");
        assert_string_equal(request.origin.auth_url, some_origin.auth_url);
        assert_string_equal(request.origin.client_id, some_origin.client_id);
        settings[SETTING_ENVIRONMENT] = "production"; /* the settings' URL is of it, too */
        ask((struct login_wish){}, 0);
        assert_string_equal(request.origin.auth_url, some_origin.auth_url);
        settings[SETTING_CLIENT_ID] = "configured"; /* a client is no identity */
        ask((struct login_wish){}, 0);
        assert_string_equal(request.origin.client_id, "configured");
}

static void test_profile_is_of_one_environment(void **state) {
        (void)log_in_for(STRV(GROUPS_ALL), GROUPS, "refresh");
        ask((struct login_wish){.environment = "preview"}, AGENT_ERROR_LOGIN_FAILED);
        ask((struct login_wish){.auth_url = "https://auth.example/"}, AGENT_ERROR_LOGIN_FAILED);
        ask((struct login_wish){.groups_url = "https://groups.example/"}, AGENT_ERROR_LOGIN_FAILED);
        ask((struct login_wish){.environment = "preview", .force = true}, 0);
        assert_string_equal(request.origin.auth_url, "https://auth.preview.globus.org/");
        ask((struct login_wish){.environment = "preview", .profile = "other"}, 0);
}

static void test_nonsense(void **state) {
        char longest[130] = "";

        memset(longest, 'x', 129);
        ask((struct login_wish){.profile = "a b"}, AGENT_ERROR_INVALID_PARAMETER);
        ask((struct login_wish){.profile = ""}, AGENT_ERROR_INVALID_PARAMETER);
        ask((struct login_wish){.environment = "moon"}, AGENT_ERROR_NOT_CONFIGURED);
        ask((struct login_wish){.auth_url = "http://auth.example/"}, AGENT_ERROR_NOT_CONFIGURED);
        ask((struct login_wish){.groups_url = "https://g.example/?q"}, AGENT_ERROR_NOT_CONFIGURED);
        ask((struct login_wish){.client_id = ""}, AGENT_ERROR_NOT_CONFIGURED);
        ask((struct login_wish){.client_id = "a b"}, AGENT_ERROR_NOT_CONFIGURED);
        ask((struct login_wish){.client_id = longest}, AGENT_ERROR_NOT_CONFIGURED);
        longest[128] = '\0';
        ask((struct login_wish){.client_id = longest}, 0);
}

static void test_needed(void **state) {
        struct grant *groups;
        struct session session = {.session_message = (char *)"log in again"};

        (void)log_in_for(STRV("email", "openid", "profile"), "auth.globus.org", "refresh");
        ask((struct login_wish){}, 0);
        assert_true(login_request_is_needed(&request, vault));
        groups = log_in_for(STRV(GROUPS_VIEW), GROUPS, "refresh");
        ask((struct login_wish){}, 0);
        assert_false(login_request_is_needed(&request, vault));

        fake_sleep(24 * 3600); /* as long as it can be refreshed */
        assert_false(login_request_is_needed(&request, vault));
        groups->state = GRANT_CLIENT_AT_FAULT;
        assert_true(login_request_is_needed(&request, vault));
        groups->state = GRANT_ALIVE;

        ask((struct login_wish){.scopes = STRV(GROUPS_ALL)}, 0);
        assert_true(login_request_is_needed(&request, vault));
        ask((struct login_wish){.scopes = STRV("transfer")}, 0);
        assert_true(login_request_is_needed(&request, vault));
        ask((struct login_wish){.force = true}, 0);
        assert_true(login_request_is_needed(&request, vault));
        ask((struct login_wish){.session = &session}, 0);
        assert_true(login_request_is_needed(&request, vault));
        assert_string_equal(request.session.session_message, "log in again");
}

static void test_needed_without_refresh_token(void **state) {
        (void)log_in_for(STRV("email", "openid", "profile"), "auth.globus.org", NULL);
        (void)log_in_for(STRV(GROUPS_VIEW), GROUPS, NULL);
        ask((struct login_wish){}, 0); /* asks for refresh tokens */
        assert_true(login_request_is_needed(&request, vault));
        ask((struct login_wish){.refresh_tokens = TRISTATE_FALSE}, 0);
        assert_false(request.refresh_tokens);
        assert_false(login_request_is_needed(&request, vault));
        fake_sleep(3600);
        assert_true(login_request_is_needed(&request, vault));
}

static void test_equal(void **state) {
        const struct session session = {.prompt = (char *)"login"};
        const struct login_wish wishes[] = {
                {.refresh_tokens = TRISTATE_TRUE},
                {.profile = "other"},
                {.environment = "preview"},
                {.client_id = "mine"},
                {.scopes = STRV("transfer")},
                {.refresh_tokens = TRISTATE_FALSE},
                {.force = true},
                {.session = &session},
        };
        struct login_request plain;

        ask((struct login_wish){}, 0);
        plain = request;
        request = (struct login_request){};
        for (size_t i = 0; i < ARRAY_SIZE(wishes); i++) {
                ask(wishes[i], 0);
                assert_int_equal(login_request_equal(&plain, &request), i == 0);
        }

        login_request_deinit(&plain);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_defaults),
                TEST(test_scopes),
                TEST(test_adds_to_what_is_granted),
                TEST(test_brings_back_what_has_ended),
                TEST(test_settings),
                TEST(test_profile_before_settings),
                TEST(test_profile_is_of_one_environment),
                TEST(test_nonsense),
                TEST(test_needed),
                TEST(test_needed_without_refresh_token),
                TEST(test_equal),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
