/* GetIdentity: who is logged in, as the id_token of the login said. */

#include "daemon/rpc/method.h"

struct get_identity {
        char *profile, *environment;
};

static const struct field get_identity_fields[] = {
        FIELD(struct get_identity, profile, FIELD_STRING, 0),
        FIELD(struct get_identity, environment, FIELD_STRING, 0),
        {},
};

static void get_identity(struct call *call) {
        const struct get_identity *params = call->params;
        _cleanup_(fault_deinit) struct fault fault = {};
        struct account *account;
        struct writer *writer;

        if (method_find_account(&account, call->context, params->profile, params->environment, &fault)) {
                dispatch_refuse(call, &fault);
                return;
        }

        writer = call_begin_reply(call);
        write_object_begin(writer);
        identity_write(account->identity, writer);
        write_object_end(writer);
        call_end(call);
}

const struct method method_get_identity = {
        .name = "org.globus.Agent.GetIdentity",
        .fields = get_identity_fields,
        .size = sizeof(struct get_identity),
        .flags = METHOD_NEEDS_SETTINGS | METHOD_NEEDS_STORE | METHOD_NEEDS_SECRETS,
        .handle = get_identity,
};
