/* Message: envelopes, and what the table of each method and error makes of their parameters. What was
 * understood is written such that it is understood the same. */

#include "tests/fuzz/fuzz.h"

#include "daemon/rpc/dispatch.h"
#include "proto/error.h"
#include "proto/fault.h"
#include "proto/json.h"
#include "proto/message.h"

static const struct method *const methods[] = {
        &method_get_token,    &method_list_groups,
        &method_get_identity, &method_start_login,
        &method_finish_login, &method_cancel_login,
        &method_logout,       &method_get_info,
        &method_get_status,   &method_get_interface_description,
        &method_lock,         &method_unlock,
        &method_set_key,
};

static void write_record(struct buffer *out, const struct field *table, const void *record) {
        struct writer writer = WRITER_INIT(out);

        write_object_begin(&writer);
        fields_write(table, record, &writer);
        write_object_end(&writer);
        CLAIM(writer_end(&writer) == 0);
        CLAIM(fuzz_is_json(out));
}

static void check_copy(const struct method *method, const void *record, const struct buffer *text) {
        _cleanup_(buffer_deinit) struct buffer again = {};
        _cleanup_(freep) void *copy = calloc(1, method->size + 1);

        CLAIM(fields_copy(method->fields, copy, record) == 0);
        write_record(&again, method->fields, copy);
        CLAIM(fuzz_equal(&again, text));
        fields_release(method->fields, copy);
}

/* False: the parameters are not of this method. */
static bool rewrite(struct buffer *out, const struct method *method, struct bytes parameters,
                    enum fields_mode mode) {
        _cleanup_(freep) void *record = calloc(1, method->size + 1);
        _cleanup_(freep) char *bad = NULL;
        int r;

        r = fields_parse_text(method->fields, record, parameters, mode, &bad);
        CLAIM(r == 0 || (r == AGENT_ERROR_INVALID_PARAMETER && fuzz_is_text(bad)));
        if (r == 0) {
                write_record(out, method->fields, record);
                check_copy(method, record, out);
        }

        fields_release(method->fields, record);
        return r == 0;
}

static void begin_call(struct writer *writer, const struct message_call *call) {
        unsigned int flags = (call->oneway ? MESSAGE_ONEWAY : 0) | (call->more ? MESSAGE_MORE : 0);

        message_begin_call(writer, call->method, (enum message_flags)flags);
}

static void check_rewritten(const struct message_call *call, const struct method *method,
                            const struct buffer *parameters) {
        _cleanup_(message_call_deinit) struct message_call again = {};
        _cleanup_(buffer_deinit) struct buffer text = {}, rewritten = {};
        struct writer writer = WRITER_INIT(&text);

        begin_call(&writer, call);
        write_raw(&writer, buffer_bytes(parameters), buffer_size(parameters));
        message_end(&writer);
        CLAIM(writer_end(&writer) == 0);
        CLAIM(memchr(buffer_bytes(&text), '\0', buffer_size(&text)) == buffer_bytes(&text) + text.end - 1);

        CLAIM(message_parse_call(&again, buffer_bytes(&text), buffer_size(&text) - 1) == 0);
        CLAIM(streq(again.method, call->method));
        CLAIM(again.oneway == call->oneway && again.more == call->more);
        CLAIM(rewrite(&rewritten, method, again.parameters, FIELDS_EXACT));
        CLAIM(fuzz_equal(&rewritten, parameters));
}

static void check_call(const struct method *method, struct bytes text) {
        _cleanup_(message_call_deinit) struct message_call call = {};
        _cleanup_(buffer_deinit) struct buffer open = {}, exact = {};

        if (message_parse_call(&call, text.data, text.n))
                return;

        CLAIM(fuzz_is_text(call.method));
        if (rewrite(&open, method, call.parameters, FIELDS_OPEN))
                check_rewritten(&call, method, &open);
        if (rewrite(&exact, method, call.parameters, FIELDS_EXACT))
                CLAIM(fuzz_equal(&exact, &open));
}

static void write_fault(struct buffer *out, const struct fault *fault) {
        struct writer writer = WRITER_INIT(out);

        message_begin_error(&writer, error_wire_name(fault->r));
        fault_write(fault, &writer);
        message_end(&writer);
        CLAIM(writer_end(&writer) == 0);
}

static void check_fault(const struct message_reply *reply) {
        _cleanup_(fault_deinit) struct fault fault = {}, copy = {}, again = {};
        _cleanup_(buffer_deinit) struct buffer text = {}, copied = {}, rewritten = {};
        _cleanup_(message_reply_deinit) struct message_reply told = {};

        CLAIM(fault_parse(&fault, reply->error, reply->parameters) == 0);
        CLAIM(fault.r > 0 && fuzz_is_text(fault_message(&fault)) && error_exit_status(fault.r) > 0);

        write_fault(&text, &fault);
        CLAIM(fault_copy(&copy, &fault) == 0);
        CLAIM(session_equal(&copy.session, &fault.session));
        write_fault(&copied, &copy);
        CLAIM(fuzz_equal(&copied, &text));

        CLAIM(message_parse_reply(&told, buffer_bytes(&text), buffer_size(&text) - 1) == 0);
        CLAIM(fault_parse(&again, told.error, told.parameters) == 0);
        CLAIM(again.r == fault.r);
        write_fault(&rewritten, &again);
        CLAIM(fuzz_equal(&rewritten, &text));
}

static void check_reply(struct bytes text) {
        _cleanup_(message_reply_deinit) struct message_reply reply = {};

        if (message_parse_reply(&reply, text.data, text.n) || !reply.error)
                return;

        check_fault(&reply);
}

/* which: a method, or a reply · the message */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        struct bytes input = {data, n};
        unsigned char which = fuzz_byte(&input);

        if (which < 0x80)
                check_call(methods[which % ARRAY_SIZE(methods)], input);
        else
                check_reply(input);
        return 0;
}
