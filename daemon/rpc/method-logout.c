/* Logout: revoke, forget, and say what could not be revoked. */

#include <errno.h>
#include <stdio.h>

#include "daemon/rpc/method.h"

struct logout_params {
        char *profile;
        bool all;
};

static const struct field logout_fields[] = {
        FIELD(struct logout_params, profile, FIELD_STRING, 0),
        FIELD(struct logout_params, all, FIELD_BOOL, 0),
        {},
};

/* A call that waits for Globus and the disk. */
struct logout_work {
        struct call *call; /* borrowed */
        struct waiter moved; /* a store that could not be read was put aside */
        struct logout *logout;
        bool moving;
};

static void logout_work_free(void *userdata) {
        struct logout_work *work = userdata;

        waiter_leave(&work->moved);
        logout_free(work->logout);
        free(work);
}

static void write_revoked(struct writer *writer, const char *name, const struct list *items, bool failed) {
        write_name(writer, name);
        write_array_begin(writer);
        for (const struct list *l = items->next; l != items; l = l->next) {
                const struct revoked *item = CONTAINER(l, struct revoked, link);

                if (failed != (item->error != NULL))
                        continue;
                write_object_begin(writer);
                write_string_member(writer, "profile", item->profile);
                write_string_member(writer, "resource_server", item->resource_server);
                write_string_member(writer, "error", item->error);
                write_object_end(writer);
        }
        write_array_end(writer);
}

/* The page of the first one's Globus: profiles of several environments at once are rare, and the names say
 * which. */
static void write_consents_url(struct writer *writer, const struct list *items) {
        for (const struct list *l = items->next; l != items; l = l->next) {
                const struct revoked *item = CONTAINER(l, struct revoked, link);
                _cleanup_(freep) char *url = NULL;

                if (!item->error)
                        continue;
                if (asprintf(&url, "%sv2/web/consents", item->origin.auth_url) < 0)
                        url = NULL;
                write_string_member(writer, "consents_url", url);
                return;
        }
}

static void logout_on_done(void *userdata, const struct fault *fault, struct list *items) {
        struct logout_work *work = userdata;
        struct call *call = work->call;
        struct writer *writer;

        writer = call_begin_reply(call);
        write_object_begin(writer);
        write_revoked(writer, "revoked", items, false);
        write_revoked(writer, "not_revoked", items, true);
        write_consents_url(writer, items);
        write_string_member(writer, "not_saved", fault ? fault_message(fault) : NULL);
        if (work->moving)
                write_string_member(writer, "moved_to", aside_moved_to(call->context->aside));
        write_object_end(writer);
        call_end(call);
        logout_work_free(work);
}

static int logout_begin(struct logout_work *work, struct fault *fault) {
        const struct context *context = work->call->context;
        const struct logout_params *params = work->call->params;
        const char *profile = params->all ? NULL : method_profile(params->profile);
        int r;

        logins_cancel_profile(context->logins, profile);
        r = logout_new(&work->logout,
                       &(struct logout_deps){
                               .vault = context->vault,
                               .save = context->save,
                               .revoker = context->revoker,
                       },
                       profile, logout_on_done, work);
        membership_drop(context->membership, profile);
        refresh_on_logout(context->provide.refresh);
        schedule_update(context->schedule);
        return r ? fault_set(fault, r, NULL) : 0;
}

static void logout_on_moved(struct waiter *waiter, const struct fault *refused) {
        struct logout_work *work = CONTAINER(waiter, struct logout_work, moved);
        struct call *call = work->call;
        _cleanup_(fault_deinit) struct fault fault = {};

        if (refused)
                (void)fault_copy(&fault, refused);
        if (fault.r || logout_begin(work, &fault)) {
                logout_work_free(work);
                call_fail(call, &fault);
        }
}

static int logout_check(const struct call *call, struct fault *fault) {
        const struct logout_params *params = call->params;
        const struct fault *trouble = open_trouble(call->context->open);
        const struct vault *vault = call->context->vault;

        if (params->all && params->profile)
                return fault_set_invalid(fault, "profile", NULL);
        if (params->profile && !account_profile_is_valid(params->profile))
                return fault_set_invalid(fault, "profile", NULL);
        if (lock_is_closed(call->context->lock) && !(params->all && vault_needs_passphrase(vault)))
                return fault_set(fault, AGENT_ERROR_LOCKED, NULL);
        if (params->all && trouble && vault_get_state(vault) == VAULT_OPENING &&
            !aside_is_possible(call->context->aside)) {
                (void)fault_copy(fault, trouble); /* what is on disk would come back */
                return fault->r;
        }
        if (params->all || !trouble ||
            vault_find_account(call->context->vault, method_profile(params->profile)))
                return 0;

        (void)fault_copy(fault, trouble);
        return fault->r;
}

static int logout_start(struct logout_work *work, struct fault *fault) {
        const struct logout_params *params = work->call->params;
        const struct context *context = work->call->context;
        int r;

        r = logout_check(work->call, fault);
        if (r)
                return r;

        if (!params->all || !aside_is_possible(context->aside))
                return logout_begin(work, fault);

        r = aside_move(context->aside, &work->moved, logout_on_moved);
        if (r)
                return fault_set(fault, AGENT_ERROR_BUSY, "The store is being moved aside already");

        work->moving = true;
        return 0;
}

static void logout(struct call *call) {
        _cleanup_(fault_deinit) struct fault fault = {};
        struct logout_work *work;

        work = calloc(1, sizeof(*work));
        if (!work) {
                (void)fault_set(&fault, -ENOMEM, NULL);
                call_fail(call, &fault);
                return;
        }

        work->call = call;
        waiter_init(&work->moved);
        if (logout_start(work, &fault)) {
                logout_work_free(work);
                call_fail(call, &fault);
                return;
        }

        call_hold(call, work, logout_work_free);
}

const struct method method_logout = {
        .name = "org.globus.Agent.Logout",
        .fields = logout_fields,
        .size = sizeof(struct logout_params),
        .flags = METHOD_NEEDS_STORE | METHOD_LOOKS | METHOD_KEEPS_SECRETS | METHOD_ONCE,
        .handle = logout,
};
