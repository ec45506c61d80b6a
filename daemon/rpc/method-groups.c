/* ListGroups: the groups of the user, as Globus Groups tells them. */

#include <errno.h>

#include "daemon/model/resource.h"
#include "daemon/rpc/method.h"
#include "proto/strv.h"

enum { MAX_AGE_DEFAULT = 60, MAX_AGE_MAX = 3600 };

struct list_groups {
        char *profile, *environment, **statuses;
        int64_t max_age;
};

static const struct field list_groups_fields[] = {
        FIELD(struct list_groups, profile, FIELD_STRING, 0),
        FIELD(struct list_groups, environment, FIELD_STRING, 0),
        FIELD(struct list_groups, statuses, FIELD_STRINGS, 0),
        FIELD(struct list_groups, max_age, FIELD_INT, 0),
        {},
};

static const struct list_groups list_groups_defaults = {.max_age = MAX_AGE_DEFAULT};

static const char *const known_statuses[] = {"active",  "invited", "pending", "rejected",
                                             "removed", "left",    "declined"};

/* A call that waits for Globus. */
struct list_groups_work {
        struct call *call; /* borrowed */
        struct listing_waiter waiter;
};

static void list_groups_work_free(void *userdata) {
        struct list_groups_work *work = userdata;

        waiter_leave(&work->waiter.waiter);
        free(work);
}

static void list_groups_on_done(struct waiter *waiter, const struct fault *fault) {
        struct list_groups_work *work = CONTAINER(waiter, struct list_groups_work, waiter.waiter);
        struct call *call = work->call;
        struct shared *reply = work->waiter.reply;

        list_groups_work_free(work);
        if (fault)
                call_fail(call, fault);
        else
                call_reply_shared(call, reply);
}

static bool status_is_known(const char *status) {
        for (size_t i = 0; i < ARRAY_SIZE(known_statuses); i++)
                if (streq(known_statuses[i], status))
                        return true;

        return false;
}

/* In one order, so that equal questions have one answer. Only active is what Globus means by none. */
static int normalize_statuses(struct list_groups *params, struct fault *fault) {
        char *const *statuses = params->statuses;

        for (size_t i = 0; i < strv_length(statuses); i++)
                if (!status_is_known(statuses[i]))
                        return fault_set_invalid(fault, "statuses", NULL);

        strv_sort(params->statuses);
        if (strv_length(params->statuses) == 1 && streq(params->statuses[0], "active"))
                params->statuses = strv_free(params->statuses);

        return 0;
}

/* The grant that lists the groups of the profile, marked as used. */
static int find_grant(struct grant **ret, struct call *call, struct fault *fault) {
        const struct list_groups *params = call->params;
        _cleanup_(resource_deinit) struct resource resource = {};
        struct account *account;
        int r;

        r = resource_resolve(&resource, RESOURCE_SERVER_GROUPS, fault);
        if (!r)
                r = method_find_account(&account, call->context, params->profile, params->environment, fault);
        if (r)
                return r;

        *ret = account_find(account, RESOURCE_SERVER_GROUPS);
        if (!*ret)
                return method_need_consent(account, RESOURCE_SERVER_GROUPS, resource.scopes, fault);

        schedule_use(call->context->schedule, *ret);
        return 0;
}

static int list_groups_get(struct call *call, struct list_groups_work *work, struct fault *fault) {
        struct list_groups *params = call->params;
        struct grant *grant;
        int r;

        r = normalize_statuses(params, fault);
        if (!r)
                r = find_grant(&grant, call, fault);
        if (r)
                return r;

        return membership_get(
                call->context->membership,
                &(struct membership_query){
                        .grant = grant,
                        .statuses = params->statuses,
                        .max_age_usec = (uint64_t)MIN(params->max_age, MAX_AGE_MAX) * USEC_PER_SEC,
                },
                &work->waiter, list_groups_on_done, fault);
}

static void list_groups(struct call *call) {
        _cleanup_(fault_deinit) struct fault fault = {};
        struct list_groups_work *work;
        struct shared *reply;
        int r;

        work = calloc(1, sizeof(*work));
        if (!work) {
                (void)fault_set(&fault, -ENOMEM, NULL);
                call_fail(call, &fault);
                return;
        }

        work->call = call;
        waiter_init(&work->waiter.waiter);

        r = list_groups_get(call, work, &fault);
        if (r == -EINPROGRESS) {
                call_hold(call, work, list_groups_work_free);
                return;
        }

        reply = work->waiter.reply;
        list_groups_work_free(work);
        if (r)
                dispatch_refuse(call, &fault);
        else
                call_reply_shared(call, reply);
}

const struct method method_list_groups = {
        .name = "org.globus.Agent.ListGroups",
        .fields = list_groups_fields,
        .size = sizeof(struct list_groups),
        .flags = METHOD_NEEDS_SETTINGS | METHOD_NEEDS_STORE | METHOD_NEEDS_SECRETS,
        .handle = list_groups,
        .defaults = &list_groups_defaults,
};
