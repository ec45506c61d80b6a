#include "daemon/rpc/call.h"

#include <errno.h>

#include "daemon/rpc/dispatch.h"
#include "daemon/rpc/peer.h"

int call_new(struct call **ret, struct peer *peer, const char *text, size_t n) {
        struct call *call;
        int r;

        call = calloc(1, sizeof(*call));
        if (!call)
                return -ENOMEM;

        call->peer = peer;
        waiter_init(&call->gate);

        r = message_parse_call(&call->message, text, n);
        if (r) {
                free(call);
                return r;
        }

        *ret = call;
        return 0;
}

static void call_release(struct call *call) {
        waiter_leave(&call->gate);
        if (call->params) {
                fields_release(call->method->fields, call->params);
                free(call->params);
        }
        message_call_deinit(&call->message);
        free(call);
}

struct call *call_free(struct call *call) {
        if (!call)
                return NULL;

        if (call->cancel)
                call->cancel(call->work);
        call_release(call);
        return NULL;
}

void call_hold(struct call *call, void *work, void (*cancel)(void *work)) {
        call->work = work;
        call->cancel = cancel;
}

static void call_begin(struct call *call) {
        call->cancel = NULL;
        call->peer->has_secrets = false;
        call->writer = (struct writer)WRITER_INIT(peer_out(call->peer));
}

struct writer *call_begin_reply(struct call *call) {
        call_begin(call);
        call->peer->has_secrets = call->method->flags & METHOD_NEEDS_SECRETS;
        message_begin_reply(&call->writer, false);
        return &call->writer;
}

/* The reply is there, or not (r). */
static void call_answered(struct call *call, int r) {
        struct peer *peer = call->peer;
        bool oneway = call->message.oneway;

        call_release(call);
        peer_answered(peer, oneway, r);
}

void call_end(struct call *call) {
        message_end(&call->writer);
        call_answered(call, writer_end(&call->writer));
}

void call_reply_empty(struct call *call) {
        struct writer *writer = call_begin_reply(call);

        write_object_begin(writer);
        write_object_end(writer);
        call_end(call);
}

void call_reply_shared(struct call *call, struct shared *message) {
        peer_share(call->peer, message);
        call_answered(call, 0);
}

void call_fail(struct call *call, const struct fault *fault) {
        call_begin(call);
        message_begin_error(&call->writer, error_wire_name(fault->r));
        fault_write(fault, &call->writer);
        call_end(call);
}
