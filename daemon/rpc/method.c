#include "daemon/rpc/method.h"

#include "daemon/model/resource.h"

const char *method_profile(const char *profile) {
        return profile ? profile : "default";
}

static int need_login(const char *profile, struct fault *fault) {
        return fault_set_login_needed(fault,
                                      &(struct login_need){
                                              .reason = "never",
                                              .profile = profile,
                                              .scopes = resource_default_scopes(),
                                      },
                                      "Nobody is logged in to profile '%s'", profile);
}

static int need_other_profile(const struct account *account, const char *environment, struct fault *fault) {
        return fault_set_login_needed(
                fault,
                &(struct login_need){
                        .reason = "never",
                        .profile = account->profile,
                        .scopes = resource_default_scopes(),
                },
                "Profile '%s' belongs to environment %s, not %s; use another one: globus-agentctl "
                "--profile NAME login --environment %s",
                account->profile, account->origin.environment, environment, environment);
}

int method_find_account(struct account **ret, const struct context *context, const char *profile,
                        const char *environment, struct fault *fault) {
        struct account *account;

        profile = method_profile(profile);
        account = vault_find_account(context->vault, profile);
        if (!account && !account_profile_is_valid(profile))
                return fault_set_invalid(fault, "profile", NULL);
        if (environment && !origin_auth_url(environment))
                return fault_set_invalid(fault, "environment", NULL);
        if (!account && open_trouble(context->open)) {
                (void)fault_copy(fault, open_trouble(context->open));
                return fault->r;
        }
        if (!account)
                return need_login(profile, fault);
        if (environment && !streq(environment, account->origin.environment))
                return need_other_profile(account, environment, fault);

        *ret = account;
        return 0;
}

int method_need_consent(const struct account *account, const char *server, char *const *scopes,
                        struct fault *fault) {
        return fault_set_login_needed(fault,
                                      &(struct login_need){
                                              .reason = "consent",
                                              .profile = account->profile,
                                              .resource_server = server,
                                              .scopes = scopes,
                                      },
                                      "You have not yet allowed %s use of %s",
                                      account_find(account, server) ? "this" : "the", server);
}

bool method_passphrase_is_valid(const struct secret *passphrase) {
        size_t n = secret_size(passphrase);

        return n > 0 && n <= PROTECTOR_PASSPHRASE_MAX && !memchr(secret_bytes(passphrase), 0, n);
}
