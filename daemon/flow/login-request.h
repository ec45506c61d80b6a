#pragma once

/*
 * Login request: what a login is asked to bring, worked out from the caller's words, the profile and the
 * settings.
 *
 * A login adds to a profile: per resource server it asks for the union of old and new scopes. The profile's own
 * origin goes before the settings, so that it stays one identity in one environment.
 */

#include "daemon/base/config.h"
#include "daemon/model/origin.h"
#include "daemon/model/vault.h"
#include "proto/fault.h"
#include "proto/session.h"

/* What the caller says; what is NULL or unset takes a default. Borrowed. */
struct login_wish {
        const char *profile;
        char *const *scopes; /* each an alias, a resource server, or scopes */
        const char *environment, *auth_url, *groups_url, *client_id;
        enum tristate refresh_tokens;
        bool force;
        const struct session *session;
};

struct login_request {
        char *profile;
        struct origin origin;
        char **scopes; /* sorted, each once */
        bool refresh_tokens, force;
        struct session session;
};

void login_request_deinit(struct login_request *request);

/* InvalidParameter, UnknownResource, or LoginFailed for a profile that belongs to another environment. */
int login_request_init(struct login_request *ret, const struct login_wish *wish, const struct config *config,
                       struct vault *vault, struct fault *fault);

/* False: all that is asked for is granted already. */
bool login_request_is_needed(const struct login_request *request, struct vault *vault);

bool login_request_equal(const struct login_request *a, const struct login_request *b);
