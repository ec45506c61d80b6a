/* SetKey: changes what protects the store. */

#include "daemon/rpc/method.h"

#define AUTOMATIC "auto"

struct set_key_params {
        char *protector;
        struct secret *passphrase;
        bool force;
};

static const struct field set_key_fields[] = {
        FIELD(struct set_key_params, protector, FIELD_STRING, FIELD_REQUIRED),
        FIELD(struct set_key_params, passphrase, FIELD_SECRET, 0),
        FIELD(struct set_key_params, force, FIELD_BOOL, 0),
        {},
};

static void set_key_reply(struct call *call) {
        const struct vault *vault = call->context->vault;
        struct writer *writer = call_begin_reply(call);

        write_object_begin(writer);
        write_string_member(writer, "protector", protector_name(vault_protector(vault)));
        write_string_member(writer, "protection", vault_protection(vault));
        write_object_end(writer);
        call_end(call);
}

static int set_key_check(const struct set_key_params *params, const struct disk_wish *wish,
                         struct fault *fault) {
        if (!wish->automatic && wish->protector == PROTECTOR_UNKNOWN)
                return fault_set_invalid(fault, "protector", NULL);
        if (!wish->automatic && wish->protector == PROTECTOR_PASSPHRASE
                    ? !params->passphrase || !method_passphrase_is_valid(params->passphrase)
                    : params->passphrase != NULL)
                return fault_set_invalid(fault, "passphrase", NULL);
        if (!wish->automatic && wish->protector == PROTECTOR_PLAINTEXT && !params->force)
                return fault_set_invalid(fault, "force", NULL);

        return 0;
}

/* What is automatic keeps to the policy itself. */
static int set_key_permit(const struct config *config, const struct disk_wish *wish, struct fault *fault) {
        const char *origin =
                wish->automatic ? NULL : config_policy_origin(config, protector_name(wish->protector));

        return origin ? fault_set(fault, AGENT_ERROR_REFUSED,
                                  "The policy of %s does not permit the protector %s: run 'globus-agentctl key "
                                  "%s'",
                                  origin, protector_name(wish->protector),
                                  disk_advise(wish->permitted) ?: AUTOMATIC)
                      : 0;
}

static int set_key_start(struct method_wait *wait, struct fault *fault) {
        const struct context *context = wait->call->context;
        struct set_key_params *params = wait->call->params;
        struct protection_change change = {.action = DISK_PROTECT, .wish = *context->wish};
        int r;

        change.wish.automatic = streq(params->protector, AUTOMATIC);
        change.wish.protector = protector_find(params->protector);
        r = set_key_check(params, &change.wish, fault);
        if (!r)
                r = set_key_permit(context->config, &change.wish, fault);
        if (r)
                return r;
        if (vault_get_state(context->vault) != VAULT_OPEN)
                return fault_set(fault, AGENT_ERROR_STORAGE_FAILED, "The store is not open: %s",
                                 open_trouble(context->open) ? fault_message(open_trouble(context->open))
                                                             : "it is being read");

        change.passphrase = TAKE(params->passphrase);
        return save_protect(context->save, &change, &wait->waiter, wait->done, fault);
}

static void set_key(struct call *call) {
        method_wait(call, set_key_start, set_key_reply);
}

const struct method method_set_key = {
        .name = "org.globus.Agent.SetKey",
        .fields = set_key_fields,
        .size = sizeof(struct set_key_params),
        .flags = METHOD_NEEDS_SETTINGS | METHOD_NEEDS_STORE | METHOD_NEEDS_SECRETS | METHOD_ONCE,
        .handle = set_key,
};
