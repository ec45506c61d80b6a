#include "daemon/model/origin.h"

#include "proto/fields.h"

static const struct {
        const char *name, *auth_url, *groups_url;
} environments[] = {
        {"production", "https://auth.globus.org/", "https://groups.api.globus.org/"},
        {"preview", "https://auth.preview.globus.org/", "https://groups.api.preview.globus.org/"},
        {"sandbox", "https://auth.sandbox.globuscs.info/", "https://groups.api.sandbox.globuscs.info/"},
        {"integration", "https://auth.integration.globuscs.info/",
         "https://groups.api.integration.globuscs.info/"},
        {"test", "https://auth.test.globuscs.info/", "https://groups.api.test.globuscs.info/"},
        {"staging", "https://auth.staging.globuscs.info/", "https://groups.api.staging.globuscs.info/"},
};

const char *origin_auth_url(const char *environment) {
        for (size_t i = 0; i < ARRAY_SIZE(environments); i++)
                if (streq(environments[i].name, environment))
                        return environments[i].auth_url;

        return NULL;
}

const char *origin_groups_url(const char *environment) {
        for (size_t i = 0; i < ARRAY_SIZE(environments); i++)
                if (streq(environments[i].name, environment))
                        return environments[i].groups_url;

        return NULL;
}

static const struct field fields[] = {
        FIELD(struct origin, environment, FIELD_STRING, 0),
        FIELD(struct origin, auth_url, FIELD_STRING, 0),
        FIELD(struct origin, groups_url, FIELD_STRING, 0),
        FIELD(struct origin, client_id, FIELD_STRING, 0),
        {0},
};

void origin_deinit(struct origin *origin) {
        fields_release(fields, origin);
}

int origin_copy(struct origin *ret, const struct origin *origin) {
        struct origin copy = {0};
        int r;

        r = fields_copy(fields, &copy, origin);
        if (r)
                return r;

        *ret = copy;
        return 0;
}

static bool string_equal(const char *a, const char *b) {
        return a && b ? streq(a, b) : a == b;
}

bool origin_same_site(const struct origin *a, const struct origin *b) {
        return streq(a->environment, b->environment) && streq(a->auth_url, b->auth_url) &&
               streq(a->groups_url, b->groups_url);
}

bool origin_equal(const struct origin *a, const struct origin *b) {
        return string_equal(a->environment, b->environment) && string_equal(a->auth_url, b->auth_url) &&
               string_equal(a->groups_url, b->groups_url) && string_equal(a->client_id, b->client_id);
}
