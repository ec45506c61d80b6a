#include "proto/message.h"

#include <errno.h>

#include "proto/fields.h"
#include "proto/json-text.h"
#include "proto/json.h"

static const struct field call_fields[] = {
        FIELD(struct message_call, method, FIELD_STRING, FIELD_REQUIRED),
        FIELD(struct message_call, parameters, FIELD_OBJECT, 0),
        FIELD(struct message_call, oneway, FIELD_BOOL, 0),
        FIELD(struct message_call, more, FIELD_BOOL, 0),
        FIELD(struct message_call, upgrade, FIELD_BOOL, 0),
        {.name = NULL},
};

static const struct field reply_fields[] = {
        FIELD(struct message_reply, error, FIELD_STRING, 0),
        FIELD(struct message_reply, continues, FIELD_BOOL, 0),
        {.name = NULL},
};

void message_call_deinit(struct message_call *call) {
        fields_release(call_fields, call);
        *call = (struct message_call){};
}

void message_reply_deinit(struct message_reply *reply) {
        fields_release(reply_fields, reply);
        json_wipe(reply->parameters);
        *reply = (struct message_reply){};
}

/* Takes the parameters out of the envelope. */
static int take_parameters(struct json_object **ret, struct json_object *envelope) {
        struct json_object *parameters = NULL;

        if (!json_object_object_get_ex(envelope, "parameters", &parameters))
                return 0;
        if (parameters && !json_object_is_type(parameters, json_type_object))
                return -EBADMSG;

        if (parameters && json_object_object_length(parameters) > 0)
                *ret = json_object_get(parameters);

        json_object_object_del(envelope, "parameters");
        return 0;
}

static int parse_envelope(struct json_object **ret, const char *text, size_t n) {
        _cleanup_(json_wipep) struct json_object *envelope = NULL;
        int r;

        r = json_parse(&envelope, text, n, JSON_MANY_VALUES);
        if (r)
                return r;
        if (!json_object_is_type(envelope, json_type_object))
                return -EBADMSG;

        *ret = TAKE(envelope);
        return 0;
}

int message_parse_call(struct message_call *ret, const char *text, size_t n) {
        _cleanup_(message_call_deinit) struct message_call call = {};
        _cleanup_(freep) char *bad = NULL;
        struct bytes envelope;
        int r;

        r = json_text_parse(&envelope, text, n);
        if (r)
                return r;
        if (json_text_kind(envelope) != JSON_TEXT_OBJECT)
                return -EBADMSG;

        r = fields_parse_text(call_fields, &call, envelope, FIELDS_EXACT, &bad);
        if (r)
                return r > 0 ? -EBADMSG : r;
        if (call.oneway + call.more + call.upgrade > 1)
                return -EBADMSG;

        *ret = call;
        call = (struct message_call){};
        return 0;
}

/* The agent's own. */
int message_parse_reply(struct message_reply *ret, const char *text, size_t n) {
        _cleanup_(message_reply_deinit) struct message_reply reply = {};
        _cleanup_(json_wipep) struct json_object *envelope = NULL;
        const char *bad;
        int r;

        r = parse_envelope(&envelope, text, n);
        r = r ?: take_parameters(&reply.parameters, envelope);
        r = r ?: fields_parse(reply_fields, &reply, envelope, FIELDS_OPEN, &bad);
        if (r)
                return r > 0 ? -EBADMSG : r;

        *ret = reply;
        reply = (struct message_reply){};
        return 0;
}

void message_begin_call(struct writer *writer, const char *method, enum message_flags flags) {
        write_object_begin(writer);
        write_string_member(writer, "method", method);
        if (flags & MESSAGE_ONEWAY)
                write_bool_member(writer, "oneway", true);
        if (flags & MESSAGE_MORE)
                write_bool_member(writer, "more", true);

        write_name(writer, "parameters");
}

void message_begin_reply(struct writer *writer, bool continues) {
        write_object_begin(writer);
        if (continues)
                write_bool_member(writer, "continues", true);

        write_name(writer, "parameters");
}

void message_begin_error(struct writer *writer, const char *wire_name) {
        write_object_begin(writer);
        write_string_member(writer, "error", wire_name);
        write_name(writer, "parameters");
}

void message_end(struct writer *writer) {
        write_object_end(writer);
        write_bytes(writer, "", 1);
}
