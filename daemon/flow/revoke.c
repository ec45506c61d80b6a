#include "daemon/flow/revoke.h"

#include <errno.h>

#include "daemon/base/clock.h"
#include "daemon/flow/alarm.h"
#include "daemon/model/account.h"
#include "daemon/remote/oauth.h"
#include "proto/log.h"

struct revoker {
        sd_event *event; /* borrowed */
        struct http *http; /* borrowed */
        struct list orphans; /* revocation.link: those that nobody waits for */
        size_t n_batches;
};

struct revocation {
        struct revoker *revoker; /* borrowed */
        struct list link; /* revoker.orphans, or itself */
        struct list items; /* revoked.link */
        struct alarm *alarm; /* at first for the start, then for the end of patience */
        bool started;
        revocation_fn done;
        void *userdata; /* borrowed */
};

static struct revoked *revoked_free(struct revoked *item) {
        if (!item)
                return NULL;

        oauth_request_free(item->request);
        list_unlink(&item->link);
        origin_deinit(&item->origin);
        secret_free(item->tokens[0]);
        secret_free(item->tokens[1]);
        free(item->profile);
        free(item->resource_server);
        free(item->error);
        free(item);
        return NULL;
}

DEFINE_CLEANUP(struct revoked, revoked_free);

static bool revoked_is_over(const struct revoked *item) {
        return !item->request && !item->tokens[0] && !item->tokens[1];
}

static void revocation_end(struct revocation *revocation) {
        alarm_set(revocation->alarm, USEC_INFINITY);
        if (revocation->done)
                revocation->done(revocation->userdata, revocation);
        else
                revocation_free(revocation);
}

static void revocation_end_if_over(struct revocation *revocation) {
        for (struct list *l = revocation->items.next; l != &revocation->items; l = l->next)
                if (!revoked_is_over(CONTAINER(l, struct revoked, link)))
                        return;

        revocation_end(revocation);
}

static void revoked_fail(struct revoked *item, const char *why) {
        if (item->error)
                return; /* of the other token, and said */

        item->error = strdup(why);
        log_warning("Not revoked at Globus, %s of '%s': %s", item->resource_server, item->profile, why);
}

static void revoked_on_end(void *userdata, const struct oauth_end *end);

/* Sends the next token, unless there is none. One that cannot even be sent counts as tried. */
static void revoked_go_on(struct revoked *item) {
        struct revocation *revocation = item->revocation;
        const struct oauth_target target = {
                .http = revocation->revoker->http,
                .origin = &item->origin,
                .done = revoked_on_end,
                .userdata = item,
        };

        for (size_t i = 0; i < ARRAY_SIZE(item->tokens) && !item->request; i++) {
                int r;

                if (!item->tokens[i])
                        continue;
                r = oauth_revoke(&item->request, &target, item->tokens[i]);
                if (!r)
                        continue;
                revoked_fail(item, error_sentence(r));
                item->tokens[i] = secret_free(item->tokens[i]);
        }
}

/* A token that was not taken back is no reason to keep the other, which may matter more. */
static void revoked_on_end(void *userdata, const struct oauth_end *end) {
        struct revoked *item = userdata;
        _cleanup_(oauth_request_freep) struct oauth_request *ended = TAKE(item->request);
        struct secret **token = item->tokens[0] ? &item->tokens[0] : &item->tokens[1];

        if (end->verdict != OAUTH_TOKENS)
                revoked_fail(item, fault_message(end->fault));
        *token = secret_free(*token);

        revoked_go_on(item);
        revocation_end_if_over(item->revocation);
}

static void revocation_give_up(struct revocation *revocation) {
        for (struct list *l = revocation->items.next; l != &revocation->items; l = l->next) {
                struct revoked *item = CONTAINER(l, struct revoked, link);

                if (revoked_is_over(item))
                        continue;
                item->request = oauth_request_free(item->request);
                revoked_fail(item, "Globus did not answer in time");
                for (size_t i = 0; i < ARRAY_SIZE(item->tokens); i++)
                        item->tokens[i] = secret_free(item->tokens[i]);
        }

        revocation_end(revocation);
}

/* Starting from the loop keeps the promise that done is called later. */
static void revocation_on_alarm(void *userdata) {
        struct revocation *revocation = userdata;

        if (revocation->started) {
                revocation_give_up(revocation);
                return;
        }

        revocation->started = true;
        alarm_set(revocation->alarm, clock_boottime_usec() + REVOKE_PATIENCE_USEC);
        for (struct list *l = revocation->items.next; l != &revocation->items; l = l->next)
                revoked_go_on(CONTAINER(l, struct revoked, link));

        revocation_end_if_over(revocation);
}

void revocation_start(struct revocation *revocation, revocation_fn done, void *userdata) {
        revocation->done = done;
        revocation->userdata = userdata;
        alarm_set(revocation->alarm, 0);
}

void revocation_detach(struct revocation *revocation) {
        revocation->done = NULL;
        list_append(&revocation->revoker->orphans, &revocation->link);
        if (!revocation->started)
                alarm_set(revocation->alarm, 0);
}

struct list *revocation_items(struct revocation *revocation) {
        return &revocation->items;
}

struct revoked_source {
        const char *profile, *resource_server;
        const struct origin *origin;
        const struct secret *access_token, *refresh_token;
};

static int revocation_add(struct revocation *revocation, const struct revoked_source *source) {
        _cleanup_(revoked_freep) struct revoked *item = NULL;
        int r;

        item = calloc(1, sizeof(*item));
        if (!item)
                return -ENOMEM;

        item->revocation = revocation;
        list_init(&item->link);
        item->profile = strdup(source->profile);
        item->resource_server = strdup(source->resource_server);
        if (!item->profile || !item->resource_server)
                return -ENOMEM;

        r = origin_copy(&item->origin, source->origin);
        if (!r && source->access_token)
                r = secret_copy(&item->tokens[0], source->access_token);
        if (!r && source->refresh_token)
                r = secret_copy(&item->tokens[1], source->refresh_token);
        if (r)
                return r;

        list_append(&revocation->items, &item->link);
        (void)TAKE(item);
        return 0;
}

int revocation_add_grant(struct revocation *revocation, const struct grant *grant) {
        return revocation_add(revocation, &(struct revoked_source){
                                                  .profile = grant->account->profile,
                                                  .resource_server = grant->resource_server,
                                                  .origin = &grant->origin,
                                                  .access_token = grant->token.secret,
                                                  .refresh_token = grant->refresh_token,
                                          });
}

int revocation_add_tokens(struct revocation *revocation, const char *profile, const struct origin *origin,
                          const struct token_set *tokens) {
        int r = 0;

        for (size_t i = 0; !r && i < tokens->n_entries; i++)
                r = revocation_add(revocation, &(struct revoked_source){
                                                       .profile = profile,
                                                       .resource_server = tokens->entries[i].resource_server,
                                                       .origin = origin,
                                                       .access_token = tokens->entries[i].access_token,
                                                       .refresh_token = tokens->entries[i].refresh_token,
                                               });

        return r;
}

int revocation_new(struct revocation **ret, struct revoker *revoker) {
        _cleanup_(revocation_freep) struct revocation *revocation = NULL;
        int r;

        revocation = calloc(1, sizeof(*revocation));
        if (!revocation)
                return -ENOMEM;

        revocation->revoker = revoker;
        revoker->n_batches++;
        list_init(&revocation->link);
        list_init(&revocation->items);

        r = alarm_new(&revocation->alarm, revoker->event, 10 * USEC_PER_MSEC, revocation_on_alarm, revocation);
        if (r)
                return r;

        *ret = TAKE(revocation);
        return 0;
}

static void revocation_spare_grant(struct revocation *revocation, const struct grant *grant) {
        for (struct list *l = revocation->items.next; l != &revocation->items; l = l->next) {
                struct revoked *item = CONTAINER(l, struct revoked, link);

                if (item->tokens[0] && secret_equal(item->tokens[0], grant->token.secret))
                        item->tokens[0] = secret_free(item->tokens[0]);
                if (item->tokens[1] && secret_equal(item->tokens[1], grant->refresh_token))
                        item->tokens[1] = secret_free(item->tokens[1]);
        }
}

void revocation_spare(struct revocation *revocation, struct vault *vault) {
        struct list *accounts = vault_accounts(vault);

        for (struct list *l = accounts->next; l != accounts; l = l->next) {
                struct account *account = CONTAINER(l, struct account, link);

                for (struct list *g = account->grants.next; g != &account->grants; g = g->next)
                        revocation_spare_grant(revocation, CONTAINER(g, struct grant, link));
        }
}

size_t revoker_count(const struct revoker *revoker) {
        return revoker->n_batches;
}

struct revocation *revocation_free(struct revocation *revocation) {
        struct list *first;

        if (!revocation)
                return NULL;

        while ((first = list_first(&revocation->items)))
                revoked_free(CONTAINER(first, struct revoked, link));
        list_unlink(&revocation->link);
        alarm_free(revocation->alarm);
        revocation->revoker->n_batches--;
        free(revocation);
        return NULL;
}

int revoker_new(struct revoker **ret, sd_event *event, struct http *http) {
        struct revoker *revoker;

        revoker = calloc(1, sizeof(*revoker));
        if (!revoker)
                return -ENOMEM;

        revoker->event = event;
        revoker->http = http;
        list_init(&revoker->orphans);
        *ret = revoker;
        return 0;
}

void revoker_cancel(struct revoker *revoker) {
        struct list *first;

        while ((first = list_first(&revoker->orphans)))
                revocation_free(CONTAINER(first, struct revocation, link));
}

struct revoker *revoker_free(struct revoker *revoker) {
        if (!revoker)
                return NULL;

        revoker_cancel(revoker);
        free(revoker);
        return NULL;
}
