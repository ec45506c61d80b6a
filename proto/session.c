#include "proto/session.h"

#include "proto/strv.h"

/* A record whose only member is the session, since SESSION_FIELDS() names one. */
struct record {
        struct session session;
};

static const struct field session_fields[] = {
        SESSION_FIELDS(struct record, session),
        {.name = NULL},
};

void session_deinit(struct session *session) {
        fields_release(session_fields, session);
        session->session_required_mfa = TRISTATE_UNSET;
}

int session_copy(struct session *ret, const struct session *session) {
        struct session copy = {};
        int r;

        r = fields_copy(session_fields, &copy, session);
        if (!r)
                *ret = copy;

        return r;
}

bool session_is_empty(const struct session *session) {
        return session_equal(session, &(const struct session){});
}

static bool string_equal(const char *a, const char *b) {
        return a && b ? streq(a, b) : a == b;
}

bool session_equal(const struct session *a, const struct session *b) {
        return string_equal(a->session_message, b->session_message) &&
               strv_equal(a->session_required_identities, b->session_required_identities) &&
               strv_equal(a->session_required_single_domain, b->session_required_single_domain) &&
               strv_equal(a->session_required_policies, b->session_required_policies) &&
               a->session_required_mfa == b->session_required_mfa && string_equal(a->prompt, b->prompt);
}
