#include "daemon/flow/login-request.h"

#include <errno.h>

#include "daemon/base/clock.h"
#include "daemon/model/resource.h"
#include "daemon/model/scope.h"
#include "proto/strv.h"

enum { CLIENT_ID_MAX = 128 };

void login_request_deinit(struct login_request *request) {
        free(request->profile);
        origin_deinit(&request->origin);
        strv_free(request->scopes);
        session_deinit(&request->session);
        *request = (struct login_request){};
}

static int url_copy(char **ret, const char *url, const char *parameter, struct fault *fault) {
        int r;

        r = config_check_url(ret, url);
        if (r == -EINVAL)
                return fault_set(fault, AGENT_ERROR_NOT_CONFIGURED,
                                 "%s is to be an https URL without query or fragment", parameter);

        return r;
}

/* One of a service's URLs: the caller's; the profile's; the settings'; the environment's. */
struct url_choice {
        const char *parameter;
        const char *wish, *account, *config, *environment;
};

static int url_choose(char **ret, const struct url_choice *choice, struct fault *fault) {
        const char *url = choice->wish;

        if (!url)
                url = choice->account;
        if (!url)
                url = choice->config;
        if (!url)
                url = choice->environment;
        if (!url)
                return fault_set(fault, AGENT_ERROR_NOT_CONFIGURED,
                                 "There is no such Globus environment: use production, preview, sandbox, "
                                 "integration, test "
                                 "or staging");

        return url_copy(ret, url, choice->parameter, fault);
}

static bool client_id_is_valid(const char *client_id) {
        for (const char *p = client_id; *p; p++)
                if (*p <= ' ' || *p > '~')
                        return false;

        return *client_id && strlen(client_id) <= CLIENT_ID_MAX;
}

static const char *client_id_choose(const struct login_wish *wish, const struct account *account,
                                    const struct config *config) {
        if (wish->client_id)
                return wish->client_id;
        if (account && streq(config_origin(config, SETTING_CLIENT_ID), "built in"))
                return account->origin.client_id;

        return config_get(config, SETTING_CLIENT_ID);
}

/* What the profile and the settings have counts only for the environment that they are of. */
static int request_set_urls(struct origin *origin, const struct login_wish *wish, const struct account *account,
                            const struct config *config, struct fault *fault) {
        const char *environment = origin->environment;
        bool of_account = account && streq(environment, account->origin.environment);
        bool of_config = streq(environment, config_get(config, SETTING_ENVIRONMENT));
        const struct url_choice auth = {
                .parameter = "auth_url",
                .wish = wish->auth_url,
                .account = of_account ? account->origin.auth_url : NULL,
                .config = of_config ? config_get(config, SETTING_AUTH_URL) : NULL,
                .environment = origin_auth_url(environment),
        };
        const struct url_choice groups = {
                .parameter = "groups_url",
                .wish = wish->groups_url,
                .account = of_account ? account->origin.groups_url : NULL,
                .config = of_config ? config_get(config, SETTING_GROUPS_URL) : NULL,
                .environment = origin_groups_url(environment),
        };
        int r;

        r = url_choose(&origin->auth_url, &auth, fault);
        return r ? r : url_choose(&origin->groups_url, &groups, fault);
}

static int request_set_origin(struct login_request *request, const struct login_wish *wish,
                              const struct account *account, const struct config *config, struct fault *fault) {
        const char *environment = wish->environment;
        const char *client_id = client_id_choose(wish, account, config);

        if (!environment)
                environment = account ? account->origin.environment : config_get(config, SETTING_ENVIRONMENT);

        if (!client_id_is_valid(client_id))
                return fault_set(fault, AGENT_ERROR_NOT_CONFIGURED,
                                 "client_id is to be the id of a client registered with Globus");

        request->origin.environment = strdup(environment);
        request->origin.client_id = strdup(client_id);
        if (!request->origin.environment || !request->origin.client_id)
                return -ENOMEM;

        return request_set_urls(&request->origin, wish, account, config, fault);
}

static int request_check_site(const struct login_request *request, const struct account *account,
                              struct fault *fault) {
        if (!account || request->force || origin_same_site(&request->origin, &account->origin))
                return 0;

        return fault_set(
                fault, AGENT_ERROR_LOGIN_FAILED,
                "Profile '%s' belongs to environment %s at %s; use another --profile, or --force to replace it",
                account->profile, account->origin.environment, account->origin.auth_url);
}

static int request_add_resource(struct login_request *request, const char *text, struct fault *fault) {
        _cleanup_(resource_deinit) struct resource resource = {};
        int r;

        r = resource_resolve(&resource, text, fault);
        if (r)
                return r;
        if (!resource.scopes)
                return fault_set(fault, AGENT_ERROR_UNKNOWN_RESOURCE,
                                 "It is not known which scope %s wants; name the scope itself",
                                 resource.server);

        return strv_append_new(&request->scopes, resource.scopes);
}

/* A token of fewer scopes would take the place of the one that is there, so what it has is asked for again. */
static int request_add_granted(struct login_request *request, const struct account *account) {
        _cleanup_(strv_freep) char **asked = NULL;
        int r;

        r = strv_copy(&asked, request->scopes);
        for (char **scope = asked; !r && scope && *scope; scope++) {
                _cleanup_(freep) char *server = NULL;
                const struct grant *grant;

                r = resource_of_scope(&server, *scope);
                if (r)
                        return r == -EINVAL ? 0 : r;

                grant = account_find(account, server);
                if (grant)
                        r = strv_append_new(&request->scopes, grant->requested);
        }

        return r;
}

/* Who names nothing wants what there was: what only a login brings back is asked for, too. */
static int request_add_ended(struct login_request *request, const struct account *account) {
        uint64_t now = clock_boottime_usec();
        int r = 0;

        if (!account || !origin_same_site(&request->origin, &account->origin))
                return 0;

        for (const struct list *l = account->grants.next; !r && l != &account->grants; l = l->next) {
                const struct grant *grant = CONTAINER(l, struct grant, link);

                if (grant_needs_login(grant, now))
                        r = strv_append_new(&request->scopes, grant->requested);
        }

        return r;
}

static int request_set_scopes(struct login_request *request, const struct login_wish *wish,
                              const struct account *account, struct fault *fault) {
        int r;

        r = strv_append_new(&request->scopes, resource_identity_scopes());
        if (!r && strv_length(wish->scopes) == 0)
                r = strv_append_new(&request->scopes, resource_default_scopes());
        if (!r && strv_length(wish->scopes) == 0)
                r = request_add_ended(request, account);
        for (size_t i = 0; !r && i < strv_length(wish->scopes); i++)
                r = request_add_resource(request, wish->scopes[i], fault);
        if (!r && account)
                r = request_add_granted(request, account);
        if (r)
                return r;

        strv_sort(request->scopes);
        return 0;
}

static int request_fill(struct login_request *request, const struct login_wish *wish,
                        const struct config *config, struct vault *vault, struct fault *fault) {
        const struct account *account;
        int r;

        if (!account_profile_is_valid(wish->profile))
                return fault_set_invalid(fault, "profile",
                                         "a profile's name is 1 to %d letters, digits, '.', '_', '@' or '-'",
                                         PROFILE_NAME_MAX);

        account = vault_find_account(vault, wish->profile);
        request->force = wish->force;
        request->refresh_tokens = wish->refresh_tokens != TRISTATE_FALSE;
        request->profile = strdup(wish->profile);
        if (!request->profile)
                return -ENOMEM;

        r = session_copy(&request->session, wish->session);
        if (!r)
                r = request_set_origin(request, wish, account, config, fault);
        if (!r)
                r = request_check_site(request, account, fault);
        if (!r)
                r = request_set_scopes(request, wish, account, fault);

        return r;
}

int login_request_init(struct login_request *ret, const struct login_wish *wish, const struct config *config,
                       struct vault *vault, struct fault *fault) {
        _cleanup_(login_request_deinit) struct login_request request = {};
        int r;

        r = request_fill(&request, wish, config, vault, fault);
        if (r)
                return fault->r ? fault->r : fault_set(fault, r, NULL);

        *ret = request;
        request = (struct login_request){};
        return 0;
}

static bool grant_suffices(const struct grant *grant, const struct login_request *request, const char *scope) {
        char *const wanted[] = {(char *)(uintptr_t)scope, NULL};

        if (grant->state != GRANT_ALIVE || !scope_covers(grant->scopes, grant->requested, wanted))
                return false;
        if (grant->refresh_token)
                return true;

        return !request->refresh_tokens && token_remaining_usec(&grant->token, clock_boottime_usec()) > 0;
}

static bool request_has(const struct login_request *request, const struct account *account, const char *scope) {
        _cleanup_(freep) char *server = NULL;
        const struct grant *grant;

        if (resource_of_scope(&server, scope))
                return false;

        grant = account_find(account, server);
        return grant && grant_suffices(grant, request, scope);
}

bool login_request_is_needed(const struct login_request *request, struct vault *vault) {
        const struct account *account = vault_find_account(vault, request->profile);

        if (!account || request->force || !session_is_empty(&request->session))
                return true;

        for (char **scope = request->scopes; *scope; scope++)
                if (!request_has(request, account, *scope))
                        return true;

        return false;
}

bool login_request_equal(const struct login_request *a, const struct login_request *b) {
        return streq(a->profile, b->profile) && origin_equal(&a->origin, &b->origin) &&
               strv_equal(a->scopes, b->scopes) && a->refresh_tokens == b->refresh_tokens &&
               a->force == b->force && session_equal(&a->session, &b->session);
}
