/* StartLogin, FinishLogin, CancelLogin: a login that a person makes in a browser, and its code. */

#include <errno.h>

#include "daemon/rpc/method.h"
#include "proto/strv.h"

#define REDIRECT_PASTE "paste"

struct start_login {
        char *profile, **scopes, *client_id, *environment, *auth_url, *groups_url, **redirects;
        enum tristate refresh_tokens;
        bool force;
        struct session session;
};

static const struct field start_login_fields[] = {
        FIELD(struct start_login, profile, FIELD_STRING, 0),
        FIELD(struct start_login, scopes, FIELD_STRINGS, 0),
        FIELD(struct start_login, client_id, FIELD_STRING, 0),
        FIELD(struct start_login, environment, FIELD_STRING, 0),
        FIELD(struct start_login, auth_url, FIELD_STRING, 0),
        FIELD(struct start_login, groups_url, FIELD_STRING, 0),
        FIELD(struct start_login, redirects, FIELD_STRINGS, 0),
        FIELD(struct start_login, refresh_tokens, FIELD_TRISTATE, 0),
        FIELD(struct start_login, force, FIELD_BOOL, 0),
        SESSION_FIELDS(struct start_login, session),
        {},
};

static void start_login_reply(struct call *call, const struct login_info *login) {
        struct writer *writer = call_begin_reply(call);

        write_object_begin(writer);
        if (login)
                write_string_member(writer, "login_id", login->id);
        write_name(writer, "authorize_urls");
        write_array_begin(writer);
        if (login) {
                write_object_begin(writer);
                write_string_member(writer, "redirect", REDIRECT_PASTE);
                write_string_member(writer, "url", login->url);
                write_object_end(writer);
        }
        write_array_end(writer);
        if (login)
                write_int_member(writer, "expires_at", login->expires_at);
        write_bool_member(writer, "joined", login && login->joined);
        write_object_end(writer);
        call_end(call);
}

static int start_login_request(struct login_request *ret, struct call *call, struct fault *fault) {
        const struct start_login *params = call->params;

        if (params->redirects && !strv_contains(params->redirects, REDIRECT_PASTE))
                return fault_set_invalid(fault, "redirects", NULL);

        return login_request_init(ret,
                                  &(struct login_wish){
                                          .profile = method_profile(params->profile),
                                          .scopes = params->scopes,
                                          .environment = params->environment,
                                          .auth_url = params->auth_url,
                                          .groups_url = params->groups_url,
                                          .client_id = params->client_id,
                                          .refresh_tokens = params->refresh_tokens,
                                          .force = params->force,
                                          .session = &params->session,
                                  },
                                  call->context->config, call->context->vault, fault);
}

static void start_login(struct call *call) {
        _cleanup_(login_request_deinit) struct login_request request = {};
        _cleanup_(fault_deinit) struct fault fault = {};
        struct login_info login;
        int r;

        r = start_login_request(&request, call, &fault);
        if (!r && !login_request_is_needed(&request, call->context->vault)) {
                start_login_reply(call, NULL);
                return;
        }

        if (!r)
                r = logins_start(call->context->logins, &request, &login, &fault);
        if (r)
                call_fail(call, &fault);
        else
                start_login_reply(call, &login);
}

const struct method method_start_login = {
        .name = "org.globus.Agent.StartLogin",
        .fields = start_login_fields,
        .size = sizeof(struct start_login),
        .flags = METHOD_NEEDS_SETTINGS | METHOD_NEEDS_STORE | METHOD_NEEDS_SECRETS | METHOD_LOOKS | METHOD_ONCE,
        .handle = start_login,
};

struct finish_login {
        char *login_id;
        struct secret *code;
};

static const struct field finish_login_fields[] = {
        FIELD(struct finish_login, login_id, FIELD_STRING, FIELD_REQUIRED),
        FIELD(struct finish_login, code, FIELD_SECRET, FIELD_REQUIRED),
        {},
};

/* A call that waits for the exchange. */
struct finish_login_work {
        struct call *call; /* borrowed */
        struct login_finish finish;
        char *profile;
};

static void finish_login_work_free(void *userdata) {
        struct finish_login_work *work = userdata;

        waiter_leave(&work->finish.waiter);
        free(work->profile);
        free(work);
}

static const char *why_not_saved(const struct context *context) {
        const struct fault *trouble = save_trouble(context->save) ?: open_trouble(context->open);

        return trouble && vault_changed(context->vault) > vault_saved(context->vault) ? fault_message(trouble)
                                                                                      : NULL;
}

static void finish_login_reply(struct call *call, const struct account *account) {
        struct writer *writer = call_begin_reply(call);

        write_object_begin(writer);
        write_string_member(writer, "profile", account->profile);
        write_string_member(writer, "username", account->identity->username);
        write_name(writer, "resource_servers");
        write_array_begin(writer);
        for (const struct list *l = account->grants.next; l != &account->grants; l = l->next)
                write_string(writer, CONTAINER(l, struct grant, link)->resource_server);
        write_array_end(writer);
        write_string_member(writer, "not_saved", why_not_saved(call->context));
        write_object_end(writer);
        call_end(call);
}

static void finish_login_on_done(struct waiter *waiter, const struct fault *refused) {
        struct finish_login_work *work = CONTAINER(waiter, struct finish_login_work, finish.waiter);
        struct call *call = work->call;
        struct account *account = vault_find_account(call->context->vault, work->profile);
        _cleanup_(fault_deinit) struct fault fault = {};

        finish_login_work_free(work);
        if (refused) {
                call_fail(call, refused);
        } else if (!account) {
                (void)fault_set(&fault, AGENT_ERROR_LOGIN_FAILED, "The login was ended by a logout");
                call_fail(call, &fault);
        } else {
                finish_login_reply(call, account);
        }
}

static int finish_login_begin(struct finish_login_work *work, struct fault *fault) {
        struct call *call = work->call;
        const struct finish_login *params = call->params;
        const char *profile = logins_profile(call->context->logins, params->login_id);

        waiter_init(&work->finish.waiter);
        work->finish.id = params->login_id;
        work->finish.code = params->code;
        work->profile = strdup(profile ? profile : "");
        if (!work->profile)
                return fault_set(fault, -ENOMEM, NULL);

        return logins_finish(call->context->logins, &work->finish, finish_login_on_done, fault);
}

static void finish_login(struct call *call) {
        _cleanup_(fault_deinit) struct fault fault = {};
        struct finish_login_work *work;

        work = calloc(1, sizeof(*work));
        if (!work) {
                (void)fault_set(&fault, -ENOMEM, NULL);
                call_fail(call, &fault);
                return;
        }

        work->call = call;
        if (finish_login_begin(work, &fault)) {
                finish_login_work_free(work);
                call_fail(call, &fault);
                return;
        }

        call_hold(call, work, finish_login_work_free);
}

const struct method method_finish_login = {
        .name = "org.globus.Agent.FinishLogin",
        .fields = finish_login_fields,
        .size = sizeof(struct finish_login),
        .flags = METHOD_NEEDS_SETTINGS | METHOD_NEEDS_STORE | METHOD_NEEDS_SECRETS | METHOD_ONCE,
        .handle = finish_login,
};

struct cancel_login {
        char *login_id;
};

static const struct field cancel_login_fields[] = {
        FIELD(struct cancel_login, login_id, FIELD_STRING, FIELD_REQUIRED),
        {},
};

static void cancel_login(struct call *call) {
        const struct cancel_login *params = call->params;
        _cleanup_(fault_deinit) struct fault fault = {};

        if (logins_cancel(call->context->logins, params->login_id, &fault))
                call_fail(call, &fault);
        else
                call_reply_empty(call);
}

const struct method method_cancel_login = {
        .name = "org.globus.Agent.CancelLogin",
        .fields = cancel_login_fields,
        .size = sizeof(struct cancel_login),
        .handle = cancel_login,
};
