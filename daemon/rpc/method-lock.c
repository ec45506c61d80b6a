/* Lock and Unlock: secrets wiped from memory, and brought back. */

#include <errno.h>

#include "daemon/rpc/method.h"

struct lock_params {
        struct secret *passphrase;
        bool force;
};

static const struct field lock_fields[] = {
        FIELD(struct lock_params, passphrase, FIELD_SECRET, 0),
        FIELD(struct lock_params, force, FIELD_BOOL, 0),
        {},
};

static const struct field unlock_fields[] = {
        FIELD(struct lock_params, passphrase, FIELD_SECRET, 0),
        {},
};

static int lock_start(struct method_wait *wait, struct fault *fault) {
        struct lock_params *params = wait->call->params;
        struct lock_request request = {.password = params->passphrase, .force = params->force};

        if (params->passphrase && !method_passphrase_is_valid(params->passphrase))
                return fault_set_invalid(fault, "passphrase", NULL);

        params->passphrase = NULL;
        return lock_begin(wait->call->context->lock, &request, &wait->waiter, wait->done, fault);
}

static void lock(struct call *call) {
        method_wait(call, lock_start, call_reply_empty);
}

/* What is not saved for want of a passphrase that another agent has put on the store, that passphrase saves. */
static bool unlock_saves(const struct context *context) {
        const struct fault *trouble = save_trouble(context->save);

        return trouble && trouble->r == AGENT_ERROR_LOCKED;
}

/* -EALREADY: it is open. */
static int unlock_check(const struct context *context, const struct secret *passphrase, struct fault *fault) {
        switch (vault_get_state(context->vault)) {
        case VAULT_LOCKED:
                if (lock_is_busy(context->lock))
                        return fault_set(fault, AGENT_ERROR_BUSY, "The agent is being locked: wait");
                return 0;
        case VAULT_OPEN:
                if (lock_is_busy(context->lock))
                        return fault_set(fault, AGENT_ERROR_BUSY, "The agent is being locked: wait");
                return passphrase && unlock_saves(context) ? 0 : -EALREADY;
        case VAULT_OPENING:
                return 0; /* what was in trouble may be mended */
        case VAULT_UNREADABLE:
                break;
        }

        (void)fault_copy(fault, open_trouble(context->open));
        return fault->r;
}

static int unlock_start(struct method_wait *wait, struct fault *fault) {
        const struct context *context = wait->call->context;
        struct lock_params *params = wait->call->params;
        int r;

        if (params->passphrase && !method_passphrase_is_valid(params->passphrase))
                return fault_set_invalid(fault, "passphrase", NULL);
        r = unlock_check(context, params->passphrase, fault);
        if (r)
                return r;

        return open_unlock(context->open, TAKE(params->passphrase), &wait->waiter, wait->done, fault);
}

static void unlock(struct call *call) {
        method_wait(call, unlock_start, call_reply_empty);
}

const struct method method_lock = {
        .name = "org.globus.Agent.Lock",
        .fields = lock_fields,
        .size = sizeof(struct lock_params),
        .flags = METHOD_ONCE,
        .handle = lock,
};

const struct method method_unlock = {
        .name = "org.globus.Agent.Unlock",
        .fields = unlock_fields,
        .size = sizeof(struct lock_params),
        .flags = METHOD_NEEDS_STORE,
        .handle = unlock,
};
