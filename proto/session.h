#pragma once

/*
 * Session: what Globus may demand of a login beyond scopes, under Globus's own names (globus authorization
 * parameters: who must have logged in, how, and how recently). Comes from an error of a Globus service, goes
 * into an authorize URL.
 */

#include <json-c/json.h>

#include "proto/fields.h"
#include "proto/macro.h"

struct session {
        char *session_message;
        char **session_required_identities;
        char **session_required_single_domain;
        char **session_required_policies;
        enum tristate session_required_mfa;
        char *prompt;
};

/* clang-format off */
/* Six rows for a table of fields, for a record in which struct session is the member named. */
#define SESSION_FIELDS(record, member)                                                                         \
        SESSION_FIELD(record, member, session_message, FIELD_STRING),                                          \
        SESSION_FIELD(record, member, session_required_identities, FIELD_STRINGS),                             \
        SESSION_FIELD(record, member, session_required_single_domain, FIELD_STRINGS),                          \
        SESSION_FIELD(record, member, session_required_policies, FIELD_STRINGS),                               \
        SESSION_FIELD(record, member, session_required_mfa, FIELD_TRISTATE),                                   \
        SESSION_FIELD(record, member, prompt, FIELD_STRING)

#define SESSION_FIELD(record, member, part, field_type)                                                        \
        { .name = #part, .type = (field_type), .offset = offsetof(record, member.part), .flags = 0 }
/* clang-format on */

void session_deinit(struct session *session);

/* Deep. *ret is overwritten, not released. */
int session_copy(struct session *ret, const struct session *session);

bool session_is_empty(const struct session *session);
bool session_equal(const struct session *a, const struct session *b);
