#include "daemon/rpc/dispatch.h"

#include <errno.h>

static const struct method *const methods[] = {
        &method_get_token,
        &method_list_groups,
        &method_get_identity,
        &method_start_login,
        &method_finish_login,
        &method_cancel_login,
        &method_logout,
        &method_get_status,
        &method_lock,
        &method_unlock,
        &method_set_key,
        &method_get_info,
        &method_get_interface_description,
};

static const char *const interfaces[] = {MESSAGE_INTERFACE, "org.varlink.service"};

static const struct method *dispatch_find(const char *name) {
        for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
                if (streq(methods[i]->name, name))
                        return methods[i];

        return NULL;
}

static bool interface_is_known(const char *name, size_t n) {
        for (size_t i = 0; i < ARRAY_SIZE(interfaces); i++)
                if (strlen(interfaces[i]) == n && memcmp(interfaces[i], name, n) == 0)
                        return true;

        return false;
}

/* The part before the last dot names the interface, the whole the method. */
static int fault_set_not_found(struct fault *fault, const char *name) {
        const char *dot = strrchr(name, '.');
        size_t n = dot ? (size_t)(dot - name) : strlen(name);

        if (dot && interface_is_known(name, n)) {
                (void)fault_set(fault, AGENT_ERROR_METHOD_NOT_FOUND, NULL);
                n = strlen(name);
        } else {
                (void)fault_set(fault, AGENT_ERROR_INTERFACE_NOT_FOUND, NULL);
        }

        fault->parameter = strndup(name, n);
        return fault->r;
}

static int call_parse(struct call *call, struct fault *fault) {
        _cleanup_(freep) char *bad = NULL;
        int r;

        call->method = dispatch_find(call->message.method);
        if (!call->method)
                return fault_set_not_found(fault, call->message.method);
        if (call->message.upgrade) {
                (void)fault_set(fault, AGENT_ERROR_METHOD_NOT_IMPLEMENTED, NULL);
                fault->parameter = strdup(call->message.method);
                return fault->r;
        }

        call->params = calloc(1, MAX(call->method->size, 1U));
        if (!call->params)
                return fault_set(fault, -ENOMEM, NULL);

        if (call->method->defaults)
                memcpy(call->params, call->method->defaults, call->method->size);

        r = fields_parse_text(call->method->fields, call->params, call->message.parameters, FIELDS_EXACT, &bad);
        call->message.parameters = (struct bytes){}; /* its text does not stay */
        if (r == AGENT_ERROR_INVALID_PARAMETER)
                return fault_set_invalid(fault, bad, NULL);

        return r ? fault_set(fault, r, NULL) : 0;
}

/* Whoever hears Stopping may call again: nothing was done. */
static void call_run(struct call *call) {
        _cleanup_(fault_deinit) struct fault stopping = {};

        if (!call->context->stopping || !(call->method->flags & METHOD_ONCE)) {
                call->method->handle(call);
                return;
        }

        (void)fault_set(&stopping, AGENT_ERROR_STOPPING, NULL);
        call_fail(call, &stopping);
}

static void call_on_looked(struct waiter *waiter, const struct fault *none) {
        call_run(CONTAINER(waiter, struct call, gate));
}

/* True: the method handles the call later. */
static bool call_look(struct call *call) {
        if (call->looked)
                return false;

        call->looked = true;
        call_hold(call, NULL, NULL);
        return follow_join(call->context->follow, &call->gate, call_on_looked);
}

static void call_handle(struct call *call) {
        _cleanup_(fault_deinit) struct fault locked = {};

        if ((call->method->flags & METHOD_NEEDS_SECRETS) && lock_is_closed(call->context->lock)) {
                (void)fault_set(&locked, AGENT_ERROR_LOCKED, NULL);
                call_fail(call, &locked);
                return;
        }

        if (!(call->method->flags & METHOD_LOOKS) || !call_look(call))
                call_run(call);
}

static void call_on_store(struct waiter *waiter, const struct fault *fault);

/* Whoever was told before may have begun to read the store anew. */
static void call_wait_for_store(struct call *call) {
        if (!(call->method->flags & METHOD_NEEDS_STORE) ||
            !open_join(call->context->open, &call->gate, call_on_store))
                call_handle(call);
}

static void call_on_store(struct waiter *waiter, const struct fault *fault) {
        struct call *call = CONTAINER(waiter, struct call, gate);

        if (fault)
                call_fail(call, fault);
        else
                call_wait_for_store(call);
}

void dispatch(struct call *call, const struct context *context) {
        _cleanup_(fault_deinit) struct fault fault = {};
        const struct fault *problem = config_problem(context->config);
        int r;

        call->context = context;
        r = call_parse(call, &fault);
        if (r) {
                call_fail(call, &fault);
                return;
        }

        if ((call->method->flags & METHOD_NEEDS_SETTINGS) && problem) {
                call_fail(call, problem);
                return;
        }

        call_wait_for_store(call);
}

void dispatch_refuse(struct call *call, const struct fault *fault) {
        if (fault->r != AGENT_ERROR_LOGIN_NEEDED || !call_look(call))
                call_fail(call, fault);
}
