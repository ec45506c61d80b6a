#include "daemon/flow/login.h"

#include <errno.h>

#include "daemon/base/clock.h"
#include "daemon/base/crypto.h"
#include "daemon/remote/oauth.h"
#include "proto/log.h"

enum { LOGIN_ID_SIZE = 16, CODE_MAX = 4096 };

struct login *login_free(struct login *login) {
        if (!login)
                return NULL;

        if (login->replaced) {
                revocation_spare(login->replaced, login->deps->vault);
                revocation_detach(TAKE(login->replaced));
        }
        oauth_request_free(login->exchange);
        waiter_leave(&login->saving.waiter);
        list_unlink(&login->link);
        login_request_deinit(&login->request);
        authorize_deinit(&login->authorize);
        secret_free(login->code);
        free(login->id);
        free(login);
        return NULL;
}

static void login_set_state(struct login *login, enum login_state state) {
        login->state = state;
        if (state == LOGIN_WAITING || state == LOGIN_CANCELLED)
                login->code = secret_free(login->code);
}

/* The login is over, well or not, and out of the list before anyone is told. */
void login_end(struct login *login, const struct fault *fault) {
        _cleanup_(login_freep) struct login *ended = login;

        list_unlink(&ended->link);
        waiter_tell_all(&ended->waiters, fault);
}

void login_cancel(struct login *login, const struct fault *fault) {
        if (login->state != LOGIN_EXCHANGING) {
                login_end(login, fault);
                return;
        }

        login_set_state(login, LOGIN_CANCELLED);
        waiter_tell_all(&login->waiters, fault);
}

/* The exchange failed; another code may come. */
static void login_wait_again(struct login *login, const struct fault *fault) {
        struct list waiters = LIST_INIT(waiters);

        log_notice("Login to '%s' failed, waiting for another code: %s", login->request.profile,
                   fault_message(fault));
        login_set_state(login, LOGIN_WAITING);

        while (!list_is_empty(&login->waiters)) {
                struct list *first = list_first(&login->waiters);

                list_unlink(first);
                list_append(&waiters, first);
        }
        waiter_tell_all(&waiters, fault); /* may free the login by cancelling it */
}

/* What a restart may have to do with is not revoked. */
static void login_on_saved(struct waiter *waiter, const struct fault *fault) {
        struct login *login = CONTAINER(waiter, struct login, saving.waiter);

        if (fault && login->replaced) {
                log_warning("What '%s' held before is not revoked at Globus, for it is still on disk",
                            login->request.profile);
                login->replaced = revocation_free(login->replaced);
        }
        login_end(login, NULL);
}

/* What a login refused brought is of no use to anyone any more. */
static void login_discard(struct login *login, const struct token_set *tokens) {
        _cleanup_(revocation_freep) struct revocation *revocation = NULL;
        int r;

        r = revocation_new(&revocation, login->deps->revoker);
        if (!r)
                r = revocation_add_tokens(revocation, login->request.profile, &login->request.origin, tokens);
        if (r) {
                log_error("Cannot revoke the tokens of a login that failed: %s", error_sentence(r));
                return;
        }

        revocation_spare(revocation, login->deps->vault);
        revocation_detach(TAKE(revocation));
}

/* The profile is replaced: what it held is forgotten, and revoked in the end. */
static int login_remove_account(struct login *login, struct account *account) {
        _cleanup_(revocation_freep) struct revocation *revocation = NULL;
        int r;

        r = revocation_new(&revocation, login->deps->revoker);
        for (struct list *l = account->grants.next; !r && l != &account->grants; l = l->next)
                r = revocation_add_grant(revocation, CONTAINER(l, struct grant, link));
        if (!r)
                r = vault_remove_account(login->deps->vault, login->request.profile);
        if (!r)
                login->replaced = TAKE(revocation);

        return r;
}

static bool login_is_of(const struct login *login, const struct account *account,
                        const struct identity *identity) {
        return streq(account->identity->sub, identity->sub) &&
               origin_same_site(&account->origin, &login->request.origin);
}

/* The tokens take their place in the profile, if they are of the profile's identity or it is to be replaced. */
static int login_take_tokens(struct login *login, struct token_set *tokens, struct fault *fault) {
        struct vault *vault = login->deps->vault;
        struct account *account = vault_find_account(vault, login->request.profile);
        int r = 0;

        if (!tokens->identity)
                return fault_set(fault, AGENT_ERROR_LOGIN_FAILED,
                                 "Globus sent no id_token, so it is not known who logged in");

        if (account && !login_is_of(login, account, tokens->identity)) {
                if (!login->request.force)
                        return fault_set(
                                fault, AGENT_ERROR_LOGIN_FAILED,
                                "You logged in as %s, but profile '%s' is %s; log in as that, use another "
                                "--profile, or --force to replace it",
                                tokens->identity->username, account->profile, account->identity->username);
                r = login_remove_account(login, account);
        }

        if (!r)
                r = vault_add_login(vault,
                                    &(struct vault_login){
                                            .profile = login->request.profile,
                                            .origin = &login->request.origin,
                                            .requested = login->request.scopes,
                                    },
                                    tokens);
        return r ? fault_set(fault, r, NULL) : 0;
}

static void login_on_tokens(struct login *login, struct token_set *tokens) {
        const struct login_deps *deps = login->deps;
        _cleanup_(fault_deinit) struct fault fault = {};
        int r;

        r = login_take_tokens(login, tokens, &fault);
        if (r) {
                login_discard(login, tokens);
                login_wait_again(login, &fault);
                return;
        }

        log_notice("Logged in to '%s'", login->request.profile);
        login_set_state(login, LOGIN_SAVING);
        deps->changed(deps->userdata, login->request.profile);
        if (!save_join(deps->save, &login->saving, login_on_saved))
                login_end(login, NULL);
}

static void login_on_exchanged(void *userdata, const struct oauth_end *end) {
        struct login *login = userdata;
        _cleanup_(oauth_request_freep) struct oauth_request *exchange = TAKE(login->exchange);
        _cleanup_(fault_deinit) struct fault fault = {};

        if (end->tokens && (end->verdict != OAUTH_TOKENS || login->state == LOGIN_CANCELLED))
                login_discard(login, end->tokens);
        if (login->state == LOGIN_CANCELLED) {
                login_end(login, NULL); /* nobody waits */
                return;
        }

        switch (end->verdict) {
        case OAUTH_TOKENS:
                login_on_tokens(login, end->tokens);
                return;
        case OAUTH_INVALID_GRANT:
        case OAUTH_CLIENT_AT_FAULT:
        case OAUTH_REFUSED:
                (void)fault_copy(&fault, end->fault);
                fault.r = AGENT_ERROR_LOGIN_FAILED;
                break;
        case OAUTH_TROUBLE:
                (void)fault_copy(&fault, end->fault);
                fault.r = AGENT_ERROR_UNAVAILABLE;
                break;
        }

        login_wait_again(login, &fault);
}

int login_new(struct login **ret, const struct login_deps *deps, struct login_request *request) {
        _cleanup_(login_freep) struct login *login = NULL;
        unsigned char id[LOGIN_ID_SIZE];
        int r;

        login = calloc(1, sizeof(*login));
        if (!login)
                return -ENOMEM;

        login->deps = deps;
        list_init(&login->link);
        list_init(&login->waiters);
        waiter_init(&login->saving.waiter);
        login->expires_usec = clock_boottime_usec() + LOGIN_LIFE_USEC;

        r = crypto_random(id, sizeof(id));
        if (!r)
                r = crypto_base64url_encode(&login->id, id, sizeof(id));
        if (!r)
                r = authorize_init(&login->authorize, &(struct authorize_params){
                                                              .origin = &request->origin,
                                                              .scopes = request->scopes,
                                                              .refresh_tokens = request->refresh_tokens,
                                                              .session = &request->session,
                                                      });
        if (r)
                return r;

        login->request = *request;
        *request = (struct login_request){};
        *ret = TAKE(login);
        return 0;
}

/* A pasted code, without what pasting adds. */
static int code_clean(struct secret **ret, const struct secret *code, struct fault *fault) {
        _cleanup_(secret_freep) struct secret *clean = NULL;
        const char *p = secret_string(code);
        size_t n = 0;
        char *to;
        int r;

        r = secret_new_empty(&clean, secret_size(code));
        if (r)
                return fault_set(fault, r, NULL);

        to = secret_data(clean);
        for (; *p; p++) {
                if (strchr(" \t\r\n\v\f", *p))
                        continue;
                if (*p < ' ' || *p > '~')
                        return fault_set_invalid(fault, "code", "a code is of printable ASCII characters");
                to[n++] = *p;
        }

        if (n == 0 || n > CODE_MAX)
                return fault_set_invalid(fault, "code", "a code is 1 to %d characters", CODE_MAX);

        r = secret_new(ret, to, n);
        return r ? fault_set(fault, r, NULL) : 0;
}

static int login_exchange(struct login *login, struct secret *code, struct fault *fault) {
        const struct oauth_target target = {
                .http = login->deps->http,
                .origin = &login->request.origin,
                .done = login_on_exchanged,
                .userdata = login,
        };
        int r;

        r = oauth_exchange(&login->exchange, &target,
                           &(struct oauth_code){
                                   .code = code,
                                   .verifier = login->authorize.verifier,
                                   .redirect_uri = login->authorize.redirect_uri,
                           });
        if (r) {
                secret_free(code);
                return fault_set(fault, r, NULL);
        }

        login->code = code;
        login_set_state(login, LOGIN_EXCHANGING);
        return 0;
}

int login_offer_code(struct login *login, const struct secret *code, struct waiter *waiter, waiter_fn done,
                     struct fault *fault) {
        _cleanup_(secret_freep) struct secret *clean = NULL;
        int r;

        r = code_clean(&clean, code, fault);
        if (r)
                return r;

        switch (login->state) {
        case LOGIN_WAITING:
                r = login_exchange(login, TAKE(clean), fault);
                if (r)
                        return r;
                break;
        case LOGIN_EXCHANGING:
        case LOGIN_SAVING:
                if (!secret_equal(login->code, clean))
                        return fault_set(fault, AGENT_ERROR_BUSY,
                                         "Another code for this login is being exchanged");
                break;
        case LOGIN_CANCELLED:
                return fault_set(fault, AGENT_ERROR_UNKNOWN_LOGIN, NULL);
        }

        waiter_join(waiter, &login->waiters, done);
        return 0;
}
