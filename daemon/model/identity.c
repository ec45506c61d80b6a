#include "daemon/model/identity.h"

#include <errno.h>

#include "proto/error.h"
#include "proto/fields.h"
#include "proto/json.h"

/* All but the linked ones. */
static const struct field fields[] = {
        FIELD(struct identity, sub, FIELD_STRING, 0),
        FIELD(struct identity, username, FIELD_STRING, 0),
        FIELD(struct identity, name, FIELD_STRING, 0),
        FIELD(struct identity, email, FIELD_STRING, 0),
        FIELD(struct identity, organization, FIELD_STRING, 0),
        {0},
};

static struct identity **list_free(struct identity **list) {
        for (struct identity **i = list; i && *i; i++)
                identity_free(*i);

        free(list);
        return NULL;
}

DEFINE_CLEANUP(struct identity *, list_free);

struct identity *identity_free(struct identity *identity) {
        if (!identity)
                return NULL;

        fields_release(fields, identity);
        list_free(identity->linked);
        free(identity);
        return NULL;
}

static size_t list_length(struct identity *const *list) {
        size_t n = 0;

        while (list && list[n])
                n++;

        return n;
}

static int list_copy(struct identity ***ret, struct identity *const *list) {
        _cleanup_(list_freep) struct identity **copy = NULL;
        int r;

        copy = calloc(list_length(list) + 1, sizeof(*copy));
        if (!copy)
                return -ENOMEM;

        for (size_t i = 0; list[i]; i++) {
                r = identity_copy(&copy[i], list[i]);
                if (r)
                        return r;
        }

        *ret = TAKE(copy);
        return 0;
}

int identity_copy(struct identity **ret, const struct identity *identity) {
        _cleanup_(identity_freep) struct identity *copy = NULL;
        int r;

        copy = calloc(1, sizeof(*copy));
        if (!copy)
                return -ENOMEM;

        r = fields_copy(fields, copy, identity);
        if (r)
                return r;

        if (identity->linked) {
                r = list_copy(&copy->linked, identity->linked);
                if (r)
                        return r;
        }

        *ret = TAKE(copy);
        return 0;
}

static bool string_equal(const char *a, const char *b) {
        return a && b ? streq(a, b) : a == b;
}

bool identity_equal(const struct identity *a, const struct identity *b) {
        size_t n = list_length(a->linked);

        if (!string_equal(a->sub, b->sub) || !string_equal(a->username, b->username) ||
            !string_equal(a->name, b->name) || !string_equal(a->email, b->email) ||
            !string_equal(a->organization, b->organization))
                return false;
        if (!a->linked != !b->linked || n != list_length(b->linked))
                return false;

        for (size_t i = 0; i < n; i++)
                if (!identity_equal(a->linked[i], b->linked[i]))
                        return false;

        return true;
}

/* Without the linked ones. */
static int parse_one(struct identity **ret, struct json_object *claims) {
        _cleanup_(identity_freep) struct identity *identity = NULL;
        const char *bad, *username = json_get_string(claims, "preferred_username");
        int r;

        identity = calloc(1, sizeof(*identity));
        if (!identity)
                return -ENOMEM;

        r = fields_parse(fields, identity, claims, FIELDS_OPEN, &bad);
        if (r)
                return r == AGENT_ERROR_INVALID_PARAMETER ? -EBADMSG : r;

        if (!identity->username && username) {
                identity->username = strdup(username);
                if (!identity->username)
                        return -ENOMEM;
        }
        if (!identity->sub || !*identity->sub || !identity->username || !*identity->username)
                return -EBADMSG;

        *ret = TAKE(identity);
        return 0;
}

/* Whom one cannot name is passed over: the login does not rest on them. */
static int parse_list(struct identity ***ret, struct json_object *array) {
        _cleanup_(list_freep) struct identity **list = NULL;
        size_t length = json_object_array_length(array), n = 0;
        int r;

        list = calloc(length + 1, sizeof(*list));
        if (!list)
                return -ENOMEM;

        for (size_t i = 0; i < length; i++) {
                struct json_object *element = json_object_array_get_idx(array, i);

                r = json_object_is_type(element, json_type_object) ? parse_one(&list[n], element) : -EBADMSG;
                if (r == -ENOMEM)
                        return r;
                if (r == 0)
                        n++;
        }

        *ret = TAKE(list);
        return 0;
}

int identity_parse(struct identity **ret, struct json_object *claims) {
        _cleanup_(identity_freep) struct identity *identity = NULL;
        struct json_object *linked;
        int r;

        r = parse_one(&identity, claims);
        if (r)
                return r;

        linked = json_get_array(claims, "identity_set");
        if (!linked)
                linked = json_get_array(claims, "identities");
        if (linked) {
                r = parse_list(&identity->linked, linked);
                if (r)
                        return r;
        }

        *ret = TAKE(identity);
        return 0;
}

void identity_write(const struct identity *identity, struct writer *writer) {
        fields_write(fields, identity, writer);
        if (!identity->linked)
                return;

        write_name(writer, "identities");
        write_array_begin(writer);
        for (struct identity **i = identity->linked; *i; i++) {
                write_object_begin(writer);
                identity_write(*i, writer);
                write_object_end(writer);
        }

        write_array_end(writer);
}
