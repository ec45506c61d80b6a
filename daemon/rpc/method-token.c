/* GetToken: a valid access token, at once from memory, or after one refresh. */

#include <errno.h>

#include "daemon/base/clock.h"
#include "daemon/model/resource.h"
#include "daemon/model/scope.h"
#include "daemon/rpc/method.h"
#include "proto/strv.h"

enum { TIMEOUT_MAX = 24 * 3600 };

struct get_token {
        char *resource, **scopes, *profile, *environment;
        int64_t min_valid, timeout;
        bool refresh;
        struct secret *rejected_token;
};

static const struct field get_token_fields[] = {
        FIELD(struct get_token, resource, FIELD_STRING, 0),
        FIELD(struct get_token, scopes, FIELD_STRINGS, 0),
        FIELD(struct get_token, profile, FIELD_STRING, 0),
        FIELD(struct get_token, environment, FIELD_STRING, 0),
        FIELD(struct get_token, min_valid, FIELD_INT, 0),
        FIELD(struct get_token, refresh, FIELD_BOOL, 0),
        FIELD(struct get_token, rejected_token, FIELD_SECRET, 0),
        FIELD(struct get_token, timeout, FIELD_INT, 0),
        {},
};

/* A call whose token is being refreshed. */
struct get_token_work {
        struct call *call; /* borrowed */
        struct provision provision;
};

static void get_token_work_free(void *userdata) {
        struct get_token_work *work = userdata;

        provision_deinit(&work->provision);
        free(work);
}

static void get_token_reply(struct call *call, struct grant *grant) {
        uint64_t now = clock_boottime_usec();
        struct writer *writer = call_begin_reply(call);

        write_object_begin(writer);
        write_name(writer, "access_token");
        write_string_n(writer, secret_string(grant->token.secret), secret_size(grant->token.secret));
        write_string_member(writer, "token_type", grant->token.type);
        write_string_member(writer, "resource_server", grant->resource_server);
        write_name(writer, "scopes");
        write_strings(writer, grant->scopes);
        write_int_member(writer, "expires_at", clock_to_unix(grant->token.expires_usec));
        write_int_member(writer, "expires_in",
                         (int64_t)(token_remaining_usec(&grant->token, now) / USEC_PER_SEC));
        write_string_member(writer, "profile", grant->account->profile);
        write_object_end(writer);
        call_end(call);
}

static void get_token(struct call *call);

static void get_token_on_provided(struct provision *provision, const struct fault *refused) {
        struct get_token_work *work = CONTAINER(provision, struct get_token_work, provision);
        struct call *call = work->call;
        struct grant *grant = vault_find_grant(call->context->vault, provision->grant_id);

        call_hold(call, NULL, NULL);
        get_token_work_free(work);

        if (!grant) {
                get_token(call); /* a login or logout came between: what a caller would hear now */
        } else if (refused) {
                /* the refresh has looked at the disk; handled once more, the call would make another one */
                call_fail(call, refused);
        } else {
                get_token_reply(call, grant);
        }
}

static int add_missing(char ***missing, const struct grant *grant, char *const *scopes) {
        int r = 0;

        for (; !r && scopes && *scopes; scopes++) {
                char *const wanted[] = {*scopes, NULL};

                if (!scope_covers(grant->scopes, grant->requested, wanted))
                        r = strv_append_new(missing, wanted);
        }

        return r;
}

/* What the resource names, and what the caller names besides, is to be covered by the one grant. */
static int check_scopes(const struct grant *grant, const struct resource *resource, char *const *scopes,
                        struct fault *fault) {
        _cleanup_(strv_freep) char **missing = NULL;
        int r = 0;

        if (resource->by_scope)
                r = add_missing(&missing, grant, resource->scopes);
        if (!r)
                r = add_missing(&missing, grant, scopes);
        if (r)
                return fault_set(fault, r, NULL);

        return missing ? method_need_consent(grant->account, grant->resource_server, missing, fault) : 0;
}

/* Without a resource, the scopes name it; without those, it is Groups. */
static int resolve(struct resource *ret, const struct get_token *params, struct fault *fault) {
        _cleanup_(freep) char *text = NULL;

        if (params->resource)
                return resource_resolve(ret, params->resource, fault);
        if (strv_length(params->scopes) == 0)
                return resource_resolve(ret, "groups", fault);
        if (strv_join(&text, params->scopes, " "))
                return fault_set(fault, -ENOMEM, NULL);

        return resource_resolve(ret, text, fault);
}

static int find_grant(struct grant **ret, struct call *call, struct fault *fault) {
        struct get_token *params = call->params;
        _cleanup_(resource_deinit) struct resource resource = {};
        struct account *account;
        struct grant *grant;
        int r;

        r = resolve(&resource, params, fault);
        if (!r)
                r = method_find_account(&account, call->context, params->profile, params->environment, fault);
        if (r)
                return r;

        grant = account_find(account, resource.server);
        if (!grant)
                return method_need_consent(account, resource.server,
                                           params->scopes ? params->scopes : resource.scopes, fault);

        r = check_scopes(grant, &resource, params->scopes, fault);
        if (r)
                return r;

        *ret = grant;
        return 0;
}

/* Beyond a year nothing is valid, so a greater demand asks for no more. */
static uint64_t seconds_to_usec(int64_t seconds) {
        return (uint64_t)MIN(seconds, 2 * (int64_t)TOKEN_LIFETIME_MAX) * USEC_PER_SEC;
}

static struct provide_terms get_token_terms(const struct get_token *params) {
        return (struct provide_terms){
                .demanded = params->min_valid > 0,
                .valid_usec = params->min_valid > 0 ? seconds_to_usec(params->min_valid) : PROVIDE_WISH_USEC,
                .renew = params->refresh,
                .urgent = params->refresh,
                .rejected = params->rejected_token,
                .timeout_usec = (uint64_t)MIN(params->timeout, TIMEOUT_MAX) * USEC_PER_SEC,
        };
}

static int get_token_provide(struct call *call, struct grant *grant, struct fault *fault) {
        struct get_token_work *work;
        int r;

        work = calloc(1, sizeof(*work));
        if (!work)
                return fault_set(fault, -ENOMEM, NULL);

        work->call = call;
        work->provision = PROVISION_INIT(work->provision);
        work->provision.terms = get_token_terms(call->params);
        work->provision.done = get_token_on_provided;

        r = provision_begin(&work->provision, &call->context->provide, grant, fault);
        if (r == -EINPROGRESS)
                call_hold(call, work, get_token_work_free);
        else
                get_token_work_free(work);

        return r;
}

static void get_token(struct call *call) {
        _cleanup_(fault_deinit) struct fault fault = {};
        struct grant *grant = NULL;
        int r;

        r = find_grant(&grant, call, &fault);
        if (!r) {
                schedule_use(call->context->schedule, grant);
                r = get_token_provide(call, grant, &fault);
        }

        if (r == 0)
                get_token_reply(call, grant);
        else if (r != -EINPROGRESS)
                dispatch_refuse(call, &fault);
}

const struct method method_get_token = {
        .name = "org.globus.Agent.GetToken",
        .fields = get_token_fields,
        .size = sizeof(struct get_token),
        .flags = METHOD_NEEDS_SETTINGS | METHOD_NEEDS_STORE | METHOD_NEEDS_SECRETS,
        .handle = get_token,
};
