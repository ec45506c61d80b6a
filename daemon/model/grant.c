#include "daemon/model/grant.h"

#include <errno.h>

#include "daemon/base/clock.h"
#include "daemon/base/crypto.h"
#include "daemon/model/uuid.h"
#include "proto/error.h"
#include "proto/fields.h"
#include "proto/json.h"
#include "proto/strv.h"

#define SECONDS_PER_DAY INT64_C(86400)
#define TRY_INTERVAL_USEC (60 * USEC_PER_SEC)

static const char *const state_names[] = {
        [GRANT_ALIVE] = "alive",
        [GRANT_DEAD] = "dead",
        [GRANT_CLIENT_AT_FAULT] = "client_at_fault",
};

/* The members of the payload that are members of the grant as they are. */
static const struct field grant_fields[] = {
        FIELD(struct grant, resource_server, FIELD_STRING, FIELD_REQUIRED),
        FIELD(struct grant, scopes, FIELD_STRINGS, 0),
        FIELD(struct grant, requested, FIELD_STRINGS, 0),
        {"environment", FIELD_STRING, offsetof(struct grant, origin.environment), FIELD_REQUIRED},
        {"auth_url", FIELD_STRING, offsetof(struct grant, origin.auth_url), FIELD_REQUIRED},
        {"groups_url", FIELD_STRING, offsetof(struct grant, origin.groups_url), FIELD_REQUIRED},
        {"client_id", FIELD_STRING, offsetof(struct grant, origin.client_id), FIELD_REQUIRED},
        FIELD(struct grant, refresh_token, FIELD_SECRET, 0),
        FIELD(struct grant, refreshed_at, FIELD_INT, 0),
        FIELD(struct grant, used_at, FIELD_INT, 0),
        {0},
};

/* Those that are not. */
struct rest {
        char *state;
        struct secret *access_token;
        char *token_type;
        int64_t obtained_at, expires_at;
};

static const struct field rest_fields[] = {
        FIELD(struct rest, state, FIELD_STRING, FIELD_REQUIRED),
        FIELD(struct rest, access_token, FIELD_SECRET, 0),
        FIELD(struct rest, token_type, FIELD_STRING, 0),
        FIELD(struct rest, obtained_at, FIELD_INT, 0),
        FIELD(struct rest, expires_at, FIELD_INT, 0),
        {0},
};

static void rest_release(struct rest *rest) {
        fields_release(rest_fields, rest);
}

static int grant_alloc(struct grant **ret) {
        struct grant *grant;

        grant = calloc(1, sizeof(*grant));
        if (!grant)
                return -ENOMEM;

        list_init(&grant->link);
        *ret = grant;
        return 0;
}

int grant_new(struct grant **ret, const char *resource_server) {
        _cleanup_(grant_freep) struct grant *grant = NULL;
        int r;

        r = grant_alloc(&grant);
        if (r)
                return r;

        r = uuid_new(grant->uuid);
        if (r)
                return r;

        grant->generation = 1;
        grant->resource_server = strdup(resource_server);
        if (!grant->resource_server)
                return -ENOMEM;

        *ret = TAKE(grant);
        return 0;
}

struct grant *grant_free(struct grant *grant) {
        if (!grant)
                return NULL;

        list_unlink(&grant->link);
        fields_release(grant_fields, grant);
        token_deinit(&grant->token);
        free(grant->tries.error);
        free(grant);
        return NULL;
}

static int set_token(struct grant *grant, struct secret *secret, const char *type, struct token_life life) {
        int r;

        r = crypto_random(&life.random, sizeof(life.random));
        if (r) {
                secret_free(secret);
                return r;
        }

        grant->restored = (struct grant_restored){};
        return token_replace(&grant->token, secret, type ? type : "Bearer", &life);
}

int grant_take_tokens(struct grant *grant, struct token_set_entry *entry, uint64_t received_usec) {
        struct token_life life = {
                .obtained_usec = received_usec,
                .lifetime_usec = (uint64_t)MAX(entry->expires_in, (int64_t)0) * USEC_PER_SEC,
        };

        /* first what a failure further down must not lose: the old one may be void already */
        if (entry->refresh_token) {
                secret_free(grant->refresh_token);
                grant->refresh_token = TAKE(entry->refresh_token);
        }
        if (entry->scopes) {
                strv_free(grant->scopes);
                grant->scopes = TAKE(entry->scopes);
                strv_sort(grant->scopes);
        }

        return set_token(grant, TAKE(entry->access_token), entry->token_type, life);
}

static bool is_idle(const struct grant *grant, int64_t now) {
        return now - grant->used_at > GRANT_IDLE_DAYS * SECONDS_PER_DAY;
}

bool grant_use(struct grant *grant) {
        int64_t now = clock_to_unix(clock_boottime_usec());
        bool idle = is_idle(grant, now);

        grant->used_at = now;
        return idle;
}

/* Bounded from now on, lest a wall clock that was once wrong let the refresh token die. */
static uint64_t idle_due_usec(const struct grant *grant) {
        int64_t wait = GRANT_IDLE_REFRESH_DAYS * SECONDS_PER_DAY;
        uint64_t latest = usec_add(clock_boottime_usec(), (uint64_t)wait * USEC_PER_SEC);

        if (grant->refreshed_at > INT64_MAX - wait)
                return latest;

        return MIN(clock_from_unix(grant->refreshed_at + wait), latest);
}

uint64_t grant_refresh_due_usec(const struct grant *grant) {
        int64_t now = (int64_t)(clock_realtime_usec() / USEC_PER_SEC);
        uint64_t due;

        if (grant->state == GRANT_DEAD || !grant->refresh_token)
                return USEC_INFINITY;

        if (grant->state == GRANT_CLIENT_AT_FAULT)
                due = 0;
        else if (is_idle(grant, now))
                due = idle_due_usec(grant);
        else
                due = grant->token.refresh_usec;

        due = MAX(due, grant->tries.retry_usec);
        if (grant->tries.failures == 0 && grant->tries.tried_usec > 0)
                due = MAX(due, usec_add(grant->tries.tried_usec, TRY_INTERVAL_USEC));

        return due;
}

int grant_set_error(struct grant *grant, const char *error) {
        free(grant->tries.error);
        grant->tries.error = strdup(error);
        grant->tries.error_usec = clock_boottime_usec();
        return grant->tries.error ? 0 : -ENOMEM;
}

bool grant_needs_login(const struct grant *grant, uint64_t now_usec) {
        if (grant->state == GRANT_DEAD)
                return true;

        return token_remaining_usec(&grant->token, now_usec) == 0 &&
               (!grant->refresh_token || grant->state == GRANT_CLIENT_AT_FAULT);
}

bool grant_expires_soon(const struct grant *grant) {
        int64_t unused = (int64_t)(clock_realtime_usec() / USEC_PER_SEC) - grant->refreshed_at;

        return grant->refresh_token && grant->state != GRANT_DEAD &&
               unused >= (GRANT_UNUSED_DAYS_MAX - GRANT_WARNING_DAYS) * SECONDS_PER_DAY;
}

void grant_reset_tries(struct grant *grant) {
        free(grant->tries.error);
        grant->tries = (struct grant_tries){.tried_usec = grant->tries.tried_usec};
}

/* The times of one from the disk stay as they were there: by a wall clock that is wrong for now, they would be
 * others. */
static void write_token(const struct grant *grant, struct writer *writer) {
        const struct grant_restored *restored = &grant->restored;
        const struct token *token = &grant->token;

        write_name(writer, "access_token");
        write_string_n(writer, secret_string(token->secret), secret_size(token->secret));
        write_string_member(writer, "token_type", token->type);
        write_int_member(writer, "obtained_at",
                         restored->loaded_usec ? restored->obtained_at : clock_to_unix(token->obtained_usec));
        write_int_member(writer, "expires_at",
                         restored->loaded_usec ? restored->expires_at : clock_to_unix(token->expires_usec));
}

void grant_write(const struct grant *grant, struct writer *writer) {
        write_object_begin(writer);
        fields_write(grant_fields, grant, writer);
        write_string_member(writer, "state", state_names[grant->state]);
        if (grant->token.secret)
                write_token(grant, writer);
        write_object_end(writer);
}

static int state_parse(enum grant_state *ret, const char *name) {
        for (size_t i = 0; i < ARRAY_SIZE(state_names); i++)
                if (streq(state_names[i], name)) {
                        *ret = (enum grant_state)i;
                        return 0;
                }

        return -EBADMSG;
}

/* The wall clock may have been wrong when the token was saved, or be so now: what remained of its life when it
 * was loaded was never more than all of it. */
void grant_redate(struct grant *grant) {
        const struct grant_restored *restored = &grant->restored;
        int64_t lifetime = MIN(restored->expires_at - restored->obtained_at, (int64_t)TOKEN_LIFETIME_MAX);
        struct token_life life = {.obtained_usec = restored->loaded_usec};
        uint64_t expires_usec, latest_usec;

        if (restored->loaded_usec == 0)
                return;

        life.lifetime_usec = (uint64_t)MAX(lifetime, (int64_t)0) * USEC_PER_SEC;
        latest_usec = usec_add(life.obtained_usec, life.lifetime_usec);
        expires_usec = MIN(clock_from_unix(restored->expires_at), latest_usec);

        (void)crypto_random(&life.random, sizeof(life.random)); /* without it there is just no jitter */
        token_set_life(&grant->token, &life);
        token_age(&grant->token, latest_usec - expires_usec);
}

static int restore_token(struct grant *grant, struct rest *rest) {
        int r;

        if (!rest->access_token)
                return 0;

        r = set_token(grant, TAKE(rest->access_token), rest->token_type, (struct token_life){});
        if (r)
                return r;

        grant->restored = (struct grant_restored){
                .loaded_usec = clock_boottime_usec(),
                .obtained_at = rest->obtained_at,
                .expires_at = rest->expires_at,
        };
        grant_redate(grant);
        return 0;
}

static int restore(struct grant *grant, struct json_object *object) {
        _cleanup_(rest_release) struct rest rest = {0};
        const char *bad;
        int r;

        r = fields_parse(grant_fields, grant, object, FIELDS_OPEN, &bad);
        if (!r)
                r = fields_parse(rest_fields, &rest, object, FIELDS_OPEN, &bad);
        if (r)
                return r == AGENT_ERROR_INVALID_PARAMETER ? -EBADMSG : r;

        r = state_parse(&grant->state, rest.state);
        if (r)
                return r;

        strv_sort(grant->scopes);
        strv_sort(grant->requested);
        return restore_token(grant, &rest);
}

int grant_parse(struct grant **ret, const char *payload, size_t n) {
        _cleanup_(json_wipep) struct json_object *object = NULL;
        _cleanup_(grant_freep) struct grant *grant = NULL;
        int r;

        r = json_parse(&object, payload, n, 0);
        if (r)
                return r;
        if (!json_object_is_type(object, json_type_object))
                return -EBADMSG;

        r = grant_alloc(&grant);
        if (r)
                return r;

        r = restore(grant, object);
        if (r)
                return r;

        *ret = TAKE(grant);
        return 0;
}
