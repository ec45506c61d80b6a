#include <errno.h>

#include "daemon/rpc/method.h"

static void method_wait_free(void *userdata) {
        struct method_wait *wait = userdata;

        waiter_leave(&wait->waiter);
        free(wait);
}

static void method_wait_done(struct waiter *waiter, const struct fault *fault) {
        struct method_wait *wait = CONTAINER(waiter, struct method_wait, waiter);
        void (*reply)(struct call *) = wait->reply;
        struct call *call = wait->call;

        method_wait_free(wait);
        if (fault)
                call_fail(call, fault);
        else
                reply(call);
}

void method_wait(struct call *call, int (*begin)(struct method_wait *wait, struct fault *fault),
                 void (*reply)(struct call *call)) {
        _cleanup_(fault_deinit) struct fault fault = {};
        struct method_wait *wait;
        int r;

        wait = calloc(1, sizeof(*wait));
        if (wait) {
                *wait = (struct method_wait){.call = call, .done = method_wait_done, .reply = reply};
                waiter_init(&wait->waiter);
        }

        r = wait ? begin(wait, &fault) : fault_set(&fault, -ENOMEM, NULL);
        if (r == 0) {
                call_hold(call, wait, method_wait_free);
                return;
        }

        free(wait);
        if (r == -EALREADY)
                reply(call);
        else
                call_fail(call, &fault);
}
