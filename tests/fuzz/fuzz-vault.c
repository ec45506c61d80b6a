/* Vault: what the records of a store say of accounts and grants. What was understood is written such that it is
 * understood the same. */

#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <time.h>

#include "daemon/base/clock.h"
#include "daemon/model/vault.h"
#include "proto/json.h"

int __wrap_clock_gettime(clockid_t id, struct timespec *ts);

/* Time stands still, ten years after boot. */
int __wrap_clock_gettime(clockid_t id, struct timespec *ts) {
        *ts = (struct timespec){.tv_sec = id == CLOCK_REALTIME ? 1700000000 : 315360000};
        return 0;
}

static void check_sorted(char *const *list) {
        for (; list && list[0] && list[1]; list++)
                CLAIM(strcmp(list[0], list[1]) < 0);
}

static void check_grant(const struct grant *grant) {
        const struct token *token = &grant->token;
        uint64_t latest = clock_boottime_usec() + TOKEN_LIFETIME_MAX * USEC_PER_SEC;

        CLAIM(grant->origin.auth_url && grant->origin.groups_url && grant->origin.client_id);
        CLAIM(token->obtained_usec <= token->expires_usec && token->expires_usec <= latest);
        CLAIM(token->refresh_usec <= token->expires_usec);
        check_sorted(grant->scopes);
        check_sorted(grant->requested);
        (void)grant_refresh_due_usec(grant);
}

static int rewrite_account(struct buffer *out, const char *payload, size_t n) {
        _cleanup_(account_freep) struct account *account = NULL;
        struct writer writer = WRITER_INIT(out);
        int r;

        r = account_parse(&account, payload, n);
        CLAIM(r == 0 || r == -EBADMSG);
        if (r)
                return r;

        CLAIM(account_profile_is_valid(account->profile));
        CLAIM(account->identity && account->identity->sub && account->identity->username);
        account_write(account, &writer);
        CLAIM(writer_end(&writer) == 0);
        return 0;
}

static int rewrite_grant(struct buffer *out, const char *payload, size_t n) {
        _cleanup_(grant_freep) struct grant *grant = NULL;
        struct writer writer = WRITER_INIT(out);
        int r;

        r = grant_parse(&grant, payload, n);
        CLAIM(r == 0 || r == -EBADMSG);
        if (r)
                return r;

        check_grant(grant);
        grant_redate(grant);
        check_grant(grant);
        grant_write(grant, &writer);
        CLAIM(writer_end(&writer) == 0);
        return 0;
}

/* The payload as the agent would write it; empty if it is none. */
static void normalise(struct buffer *out, struct bytes payload,
                      int (*rewrite)(struct buffer *out, const char *payload, size_t n)) {
        _cleanup_(buffer_deinit) struct buffer again = {};

        if (rewrite(out, payload.data, payload.n))
                return;

        CLAIM(fuzz_is_json(out));
        CLAIM(rewrite(&again, buffer_bytes(out), buffer_size(out)) == 0);
        CLAIM(fuzz_equal(&again, out));
}

/* Named as the payload says, so that the vault takes it. */
static void add_record(struct store *store, enum record_kind kind, const struct buffer *payload,
                       const char *profile) {
        _cleanup_(json_freep) struct json_object *object = NULL;
        struct record *record = calloc(1, sizeof(*record));
        const char *server;

        CLAIM(record);
        CLAIM(json_parse(&object, buffer_bytes(payload), buffer_size(payload), 0) == 0);
        server = json_get_string(object, "resource_server");

        list_init(&record->link);
        record->kind = kind;
        record->uuid[0] = (unsigned char)kind;
        record->generation = 1;
        record->profile = strdup(profile);
        record->resource_server = kind == RECORD_GRANT ? strdup(server) : NULL;
        CLAIM(secret_new(&record->payload, buffer_bytes(payload), buffer_size(payload)) == 0);
        list_append(&store->records, &record->link);
}

static void check_merged(struct store *store, const char *profile, bool has_grant) {
        _cleanup_(vault_freep) struct vault *vault = NULL;
        struct account *account;

        CLAIM(vault_new(&vault) == 0);
        CLAIM(vault_merge(vault, store) == 0);
        vault_set_state(vault, VAULT_OPEN);

        account = vault_find_account(vault, profile);
        CLAIM(account && streq(account->profile, profile));
        CLAIM(list_is_empty(&account->grants) == !has_grant);

        while (!list_is_empty(&store->records))
                record_free(CONTAINER(list_first(&store->records), struct record, link));
        CLAIM(vault_merge(vault, store) == 0);
        CLAIM(list_is_empty(vault_accounts(vault)));
}

/* An account and, behind 0xff, a grant. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        _cleanup_(buffer_deinit) struct buffer account = {}, grant = {};
        _cleanup_(json_freep) struct json_object *object = NULL;
        _cleanup_(store_freep) struct store *store = NULL;
        struct bytes input = {data, n}, first = fuzz_part(&input);
        const char *profile;

        normalise(&account, first, rewrite_account);
        normalise(&grant, input, rewrite_grant);
        if (buffer_size(&account) == 0)
                return 0;

        CLAIM(json_parse(&object, buffer_bytes(&account), buffer_size(&account), 0) == 0);
        profile = json_get_string(object, "profile");

        CLAIM(store_new(&store) == 0);
        add_record(store, RECORD_ACCOUNT, &account, profile);
        if (buffer_size(&grant) > 0)
                add_record(store, RECORD_GRANT, &grant, profile);

        check_merged(store, profile, buffer_size(&grant) > 0);
        return 0;
}
