#include "daemon/remote/authorize.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/base/crypto.h"
#include "daemon/remote/form.h"
#include "proto/strv.h"

enum { RANDOM_SIZE = 32 };

void authorize_deinit(struct authorize *authorize) {
        secret_free(authorize->verifier);
        free(authorize->state);
        free(authorize->redirect_uri);
        free(authorize->url);
        *authorize = (struct authorize){};
}

static int make_verifier(struct secret **ret) {
        _cleanup_(secret_freep) struct secret *random = NULL;
        int r;

        r = crypto_random_secret(&random, RANDOM_SIZE);
        if (r)
                return r;

        return crypto_base64url_encode_secret(ret, secret_bytes(random), RANDOM_SIZE);
}

static int make_state(char **ret) {
        unsigned char random[RANDOM_SIZE];
        int r;

        r = crypto_random(random, sizeof(random));
        if (r)
                return r;

        return crypto_base64url_encode(ret, random, sizeof(random));
}

/* RFC 7636, section 4.2 */
static int make_challenge(char **ret, const struct secret *verifier) {
        unsigned char hash[32];
        int r;

        r = crypto_sha256(hash, secret_bytes(verifier), secret_size(verifier));
        if (r)
                return r;

        return crypto_base64url_encode(ret, hash, sizeof(hash));
}

static int make_redirect_uri(char **ret, const struct authorize_params *params) {
        char *uri;

        if (params->redirect_uri)
                uri = strdup(params->redirect_uri);
        else if (asprintf(&uri, "%sv2/web/auth-code", params->origin->auth_url) < 0)
                uri = NULL;

        *ret = uri;
        return uri ? 0 : -ENOMEM;
}

static int add_scopes(struct buffer *url, char *const *scopes) {
        _cleanup_(strv_freep) char **sorted = NULL;
        _cleanup_(freep) char *joined = NULL;
        int r;

        r = strv_copy(&sorted, scopes);
        if (r)
                return r;

        strv_sort(sorted);
        r = strv_join(&joined, sorted, " ");
        return r ? r : form_add(url, "scope", joined);
}

/* Nothing for the empty list. */
static int add_list(struct buffer *url, const char *name, char *const *list) {
        _cleanup_(freep) char *joined = NULL;
        int r;

        if (strv_length(list) == 0)
                return 0;

        r = strv_join(&joined, list, ",");
        return r ? r : form_add(url, name, joined);
}

static const char *mfa_text(enum tristate mfa) {
        switch (mfa) {
        case TRISTATE_UNSET:
                return NULL;
        case TRISTATE_FALSE:
                return "False";
        case TRISTATE_TRUE:
                return "True";
        }

        return NULL;
}

static int add_session(struct buffer *url, const struct session *session) {
        int r;

        r = add_list(url, "session_required_identities", session->session_required_identities);
        if (!r)
                r = add_list(url, "session_required_single_domain", session->session_required_single_domain);
        if (!r)
                r = add_list(url, "session_required_policies", session->session_required_policies);
        if (!r)
                r = form_add(url, "session_required_mfa", mfa_text(session->session_required_mfa));
        if (!r)
                r = form_add(url, "session_message", session->session_message);
        if (!r)
                r = form_add(url, "prompt", session->prompt);

        return r;
}

/* In the order of Globus's own clients. */
static int write_url(struct buffer *url, const struct authorize *authorize,
                     const struct authorize_params *params) {
        _cleanup_(freep) char *challenge = NULL;
        int r;

        r = make_challenge(&challenge, authorize->verifier);
        if (!r)
                r = buffer_append_string(url, params->origin->auth_url);
        if (!r)
                r = buffer_append_string(url, "v2/oauth2/authorize?");
        if (!r)
                r = form_add(url, "client_id", params->origin->client_id);
        if (!r)
                r = form_add(url, "redirect_uri", authorize->redirect_uri);
        if (!r)
                r = add_scopes(url, params->scopes);
        if (!r)
                r = form_add(url, "state", authorize->state);
        if (!r)
                r = form_add(url, "response_type", "code");
        if (!r)
                r = form_add(url, "code_challenge", challenge);
        if (!r)
                r = form_add(url, "code_challenge_method", "S256");
        if (!r)
                r = form_add(url, "access_type", params->refresh_tokens ? "offline" : "online");
        if (!r && params->session)
                r = add_session(url, params->session);

        return r;
}

int authorize_init(struct authorize *ret, const struct authorize_params *params) {
        _cleanup_(authorize_deinit) struct authorize authorize = {};
        _cleanup_(buffer_deinit) struct buffer url = {};
        int r;

        r = make_verifier(&authorize.verifier);
        if (!r)
                r = make_state(&authorize.state);
        if (!r)
                r = make_redirect_uri(&authorize.redirect_uri, params);
        if (!r)
                r = write_url(&url, &authorize, params);
        if (r)
                return r;

        authorize.url = strndup(buffer_bytes(&url), buffer_size(&url));
        if (!authorize.url)
                return -ENOMEM;

        *ret = authorize;
        authorize = (struct authorize){};
        return 0;
}
