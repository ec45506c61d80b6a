#include "daemon/model/account.h"

#include <errno.h>

#include "daemon/model/uuid.h"
#include "proto/error.h"
#include "proto/fields.h"
#include "proto/json.h"

static const struct field fields[] = {
        FIELD(struct account, profile, FIELD_STRING, FIELD_REQUIRED),
        {"environment", FIELD_STRING, offsetof(struct account, origin.environment), FIELD_REQUIRED},
        {"auth_url", FIELD_STRING, offsetof(struct account, origin.auth_url), FIELD_REQUIRED},
        {"groups_url", FIELD_STRING, offsetof(struct account, origin.groups_url), FIELD_REQUIRED},
        {"client_id", FIELD_STRING, offsetof(struct account, origin.client_id), FIELD_REQUIRED},
        {0},
};

bool account_profile_is_valid(const char *profile) {
        size_t n = strnlen(profile, PROFILE_NAME_MAX + 1);

        return n > 0 && n <= PROFILE_NAME_MAX &&
               n == strspn(profile, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-");
}

static int account_alloc(struct account **ret) {
        struct account *account;

        account = calloc(1, sizeof(*account));
        if (!account)
                return -ENOMEM;

        list_init(&account->link);
        list_init(&account->grants);
        *ret = account;
        return 0;
}

int account_new(struct account **ret, const char *profile) {
        _cleanup_(account_freep) struct account *account = NULL;
        int r;

        r = account_alloc(&account);
        if (r)
                return r;

        r = uuid_new(account->uuid);
        if (r)
                return r;

        account->generation = 1;
        account->profile = strdup(profile);
        if (!account->profile)
                return -ENOMEM;

        *ret = TAKE(account);
        return 0;
}

struct account *account_free(struct account *account) {
        struct list *first;

        if (!account)
                return NULL;

        list_unlink(&account->link);
        while ((first = list_first(&account->grants)))
                grant_free(CONTAINER(first, struct grant, link));

        fields_release(fields, account);
        identity_free(account->identity);
        free(account);
        return NULL;
}

struct grant *account_find(const struct account *account, const char *resource_server) {
        for (struct list *l = account->grants.next; l != &account->grants; l = l->next) {
                struct grant *grant = CONTAINER(l, struct grant, link);

                if (streq(grant->resource_server, resource_server))
                        return grant;
        }

        return NULL;
}

void account_write(const struct account *account, struct writer *writer) {
        write_object_begin(writer);
        fields_write(fields, account, writer);
        if (account->identity) {
                write_name(writer, "identity");
                write_object_begin(writer);
                identity_write(account->identity, writer);
                write_object_end(writer);
        }

        write_object_end(writer);
}

static int restore(struct account *account, struct json_object *object) {
        struct json_object *identity = json_get_object(object, "identity");
        const char *bad;
        int r;

        r = fields_parse(fields, account, object, FIELDS_OPEN, &bad);
        if (r)
                return r == AGENT_ERROR_INVALID_PARAMETER ? -EBADMSG : r;
        if (!identity || !account_profile_is_valid(account->profile))
                return -EBADMSG;

        return identity_parse(&account->identity, identity);
}

int account_parse(struct account **ret, const char *payload, size_t n) {
        _cleanup_(account_freep) struct account *account = NULL;
        _cleanup_(json_freep) struct json_object *object = NULL;
        int r;

        r = json_parse(&object, payload, n, 0);
        if (r)
                return r;
        if (!json_object_is_type(object, json_type_object))
                return -EBADMSG;

        r = account_alloc(&account);
        if (r)
                return r;

        r = restore(account, object);
        if (r)
                return r;

        *ret = TAKE(account);
        return 0;
}
