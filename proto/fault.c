#include "proto/fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "proto/error.h"
#include "proto/strv.h"

#define MESSAGE FIELD(struct fault, message, FIELD_STRING, FIELD_REQUIRED)
#define PARAMETER(wire_name)                                                                                   \
        {                                                                                                      \
                .name = (wire_name), .type = FIELD_STRING, .offset = offsetof(struct fault, parameter),        \
                .flags = FIELD_REQUIRED                                                                        \
        }
#define END                                                                                                    \
        { .name = NULL }

static const struct field just_message[] = {MESSAGE, END};

static const struct field login_needed[] = {
        MESSAGE,
        FIELD(struct fault, reason, FIELD_STRING, FIELD_REQUIRED),
        FIELD(struct fault, profile, FIELD_STRING, 0),
        FIELD(struct fault, resource_server, FIELD_STRING, 0),
        FIELD(struct fault, required_scopes, FIELD_STRINGS, FIELD_REQUIRED),
        SESSION_FIELDS(struct fault, session),
        END,
};

static const struct field to_be_tried_again[] = {MESSAGE, FIELD(struct fault, retry_at, FIELD_INT, 0), END};

static const struct field short_validity[] = {
        MESSAGE,
        FIELD(struct fault, expires_in, FIELD_INT, FIELD_REQUIRED),
        END,
};

static const struct field login_failed[] = {
        MESSAGE,
        FIELD(struct fault, error, FIELD_STRING, 0),
        FIELD(struct fault, error_description, FIELD_STRING, 0),
        END,
};

static const struct field interface_not_found[] = {PARAMETER("interface"), END};
static const struct field method_named[] = {PARAMETER("method"), END};
static const struct field invalid_parameter[] = {PARAMETER("parameter"), END};
static const struct field nothing[] = {END};

/* For copying and releasing. */
static const struct field everything[] = {
        MESSAGE,
        FIELD(struct fault, reason, FIELD_STRING, 0),
        FIELD(struct fault, profile, FIELD_STRING, 0),
        FIELD(struct fault, resource_server, FIELD_STRING, 0),
        FIELD(struct fault, required_scopes, FIELD_STRINGS, 0),
        SESSION_FIELDS(struct fault, session),
        FIELD(struct fault, error, FIELD_STRING, 0),
        FIELD(struct fault, error_description, FIELD_STRING, 0),
        FIELD(struct fault, parameter, FIELD_STRING, 0),
        FIELD(struct fault, retry_at, FIELD_INT, 0),
        FIELD(struct fault, expires_in, FIELD_INT, 0),
        END,
};

#define RESTART "restart it with: systemctl --user restart globus-agent.service"
#define UNKNOWN(noun) "The running agent does not know the " noun " "
#define OTHER_VERSION ": it is of another version than this program; " RESTART
#define REFUSED ": its value is not allowed, or the running agent is of another version; if so, " RESTART

/* What the interfaces declare, and for errors that carry no message what to make of their parameter. */
static const struct declaration {
        const struct field *fields;
        const char *before, *behind; /* the message around the parameter */
} declarations[_AGENT_ERROR_MAX] = {
        [AGENT_ERROR_LOGIN_NEEDED] = {.fields = login_needed},
        [AGENT_ERROR_LOCKED] = {.fields = just_message},
        [AGENT_ERROR_WRONG_PASSPHRASE] = {.fields = to_be_tried_again},
        [AGENT_ERROR_UNAVAILABLE] = {.fields = to_be_tried_again},
        [AGENT_ERROR_REFUSED] = {.fields = just_message},
        [AGENT_ERROR_SHORT_VALIDITY] = {.fields = short_validity},
        [AGENT_ERROR_UNKNOWN_RESOURCE] = {.fields = just_message},
        [AGENT_ERROR_UNKNOWN_LOGIN] = {.fields = just_message},
        [AGENT_ERROR_LOGIN_FAILED] = {.fields = login_failed},
        [AGENT_ERROR_NOT_CONFIGURED] = {.fields = just_message},
        [AGENT_ERROR_STORAGE_FAILED] = {.fields = just_message},
        [AGENT_ERROR_BUSY] = {.fields = just_message},
        [AGENT_ERROR_STOPPING] = {.fields = just_message},
        [AGENT_ERROR_INTERFACE_NOT_FOUND] = {interface_not_found, UNKNOWN("interface"), OTHER_VERSION},
        [AGENT_ERROR_METHOD_NOT_FOUND] = {method_named, UNKNOWN("call"), OTHER_VERSION},
        [AGENT_ERROR_METHOD_NOT_IMPLEMENTED] = {method_named, UNKNOWN("call"), OTHER_VERSION},
        [AGENT_ERROR_INVALID_PARAMETER] = {invalid_parameter, "The agent refused the parameter ", REFUSED},
        [AGENT_ERROR_PERMISSION_DENIED] = {.fields = nothing},
        [AGENT_ERROR_EXPECTED_MORE] = {.fields = nothing},
};

/* A negative errno is told as Busy is. */
static const struct declaration *declaration_of(int r) {
        return &declarations[r > 0 && r < _AGENT_ERROR_MAX ? r : AGENT_ERROR_BUSY];
}

void fault_deinit(struct fault *fault) {
        fields_release(everything, fault);
        *fault = (struct fault){};
}

int fault_copy(struct fault *ret, const struct fault *fault) {
        struct fault copy = {.r = fault->r};
        int r;

        r = fields_copy(everything, &copy, fault);
        fault_deinit(ret);
        *ret = r ? (struct fault){.r = copy.r} : copy;
        return r;
}

/* NULL where format is NULL or memory is short: fault_message() has a sentence for both. */
_printf_(1, 0) static char *format_message(const char *format, va_list ap) {
        char *message;

        if (!format || vasprintf(&message, format, ap) < 0)
                return NULL;

        return message;
}

/* What was there is released last: the arguments may point into it. */
int fault_set(struct fault *fault, int r, const char *format, ...) {
        struct fault set = {.r = r};
        va_list ap;

        va_start(ap, format);
        set.message = format_message(format, ap);
        va_end(ap);

        fault_deinit(fault);
        *fault = set;
        return r;
}

static char *copy_or_null(const char *string) {
        return string ? strdup(string) : NULL;
}

int fault_set_login_needed(struct fault *fault, const struct login_need *need, const char *format, ...) {
        struct fault set = {
                .r = AGENT_ERROR_LOGIN_NEEDED,
                .reason = copy_or_null(need->reason),
                .profile = copy_or_null(need->profile),
                .resource_server = copy_or_null(need->resource_server),
        };
        va_list ap;

        (void)strv_copy(&set.required_scopes, need->scopes);

        va_start(ap, format);
        set.message = format_message(format, ap);
        va_end(ap);

        fault_deinit(fault);
        *fault = set;
        return set.r;
}

int fault_set_invalid(struct fault *fault, const char *parameter, const char *format, ...) {
        struct fault set = {.r = AGENT_ERROR_INVALID_PARAMETER, .parameter = copy_or_null(parameter)};
        va_list ap;

        va_start(ap, format);
        set.message = format_message(format, ap);
        va_end(ap);

        fault_deinit(fault);
        *fault = set;
        return set.r;
}

const char *fault_message(const struct fault *fault) {
        return fault->message ? fault->message : error_sentence(fault->r);
}

void fault_write(const struct fault *fault, struct writer *writer) {
        struct fault told = *fault; /* borrows everything */

        told.message = (char *)fault_message(fault);

        write_object_begin(writer);
        fields_write(declaration_of(fault->r)->fields, &told, writer);
        write_object_end(writer);
}

/* *fault has its code and parameters. */
static int fault_explain(struct fault *fault, const char *wire_name) {
        const struct declaration *declaration = declaration_of(fault->r);
        int n = 0;

        if (!error_from_wire_name(wire_name))
                n = asprintf(&fault->message, "The agent answered with an unknown error: %s", wire_name);
        else if (!fault->message && declaration->before && fault->parameter)
                n = asprintf(&fault->message, "%s%s%s", declaration->before, fault->parameter,
                             declaration->behind);

        return n < 0 ? -ENOMEM : 0;
}

int fault_parse(struct fault *ret, const char *wire_name, struct json_object *parameters) {
        int code = (int)error_from_wire_name(wire_name);
        struct fault parsed = {.r = code ? code : AGENT_ERROR_BUSY};
        const char *bad;
        int r = 0;

        if (code)
                r = fields_parse(declaration_of(code)->fields, &parsed, parameters, FIELDS_OPEN, &bad);
        if (r != -ENOMEM)
                r = fault_explain(&parsed, wire_name);
        if (r) {
                fields_release(everything, &parsed);
                parsed = (struct fault){.r = parsed.r};
        }

        fault_deinit(ret);
        *ret = parsed;
        return r;
}
