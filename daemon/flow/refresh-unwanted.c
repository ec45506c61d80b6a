#include "daemon/flow/refresh-private.h"

#include <errno.h>

#include "proto/log.h"

int unwanted_new(struct unwanted **ret, struct refresh *refresh, const struct grant *grant) {
        _cleanup_(unwanted_freep) struct unwanted *unwanted = NULL;
        int r;

        unwanted = calloc(1, sizeof(*unwanted));
        if (!unwanted)
                return -ENOMEM;

        unwanted->refresh = refresh;
        unwanted->grant_id = grant->id;
        list_init(&unwanted->link);
        unwanted->profile = strdup(grant->account->profile);
        unwanted->sub = strdup(grant->account->identity->sub);
        if (!unwanted->profile || !unwanted->sub)
                return -ENOMEM;

        r = origin_copy(&unwanted->origin, &grant->origin);
        if (r)
                return r;

        *ret = TAKE(unwanted);
        return 0;
}

struct unwanted *unwanted_free(struct unwanted *unwanted) {
        if (!unwanted)
                return NULL;

        list_unlink(&unwanted->link);
        revocation_free(unwanted->revocation);
        origin_deinit(&unwanted->origin);
        free(unwanted->profile);
        free(unwanted->sub);
        free(unwanted);
        return NULL;
}

void unwanted_keep(struct unwanted *unwanted, const struct token_set *tokens) {
        int r;

        r = revocation_new(&unwanted->revocation, unwanted->refresh->deps.revoker);
        if (!r)
                r = revocation_add_tokens(unwanted->revocation, unwanted->profile, &unwanted->origin, tokens);
        if (r)
                log_error("Cannot revoke what comes should a logout be first: %s", error_sentence(r));
}

/* After a login of the same identity, which may have brought the same tokens, they are left alone. */
static void unwanted_revoke(struct unwanted *unwanted) {
        struct vault *vault = unwanted->refresh->deps.vault;
        const struct account *account = vault_find_account(vault, unwanted->profile);

        if (!unwanted->revocation || (account && streq(account->identity->sub, unwanted->sub)))
                return;

        revocation_spare(unwanted->revocation, vault);
        revocation_detach(TAKE(unwanted->revocation));
}

static struct unwanted *refresh_find_unsaved(const struct refresh *refresh, uint64_t grant_id) {
        for (struct list *l = refresh->unsaved.next; l != &refresh->unsaved; l = l->next) {
                struct unwanted *unwanted = CONTAINER(l, struct unwanted, link);

                if (unwanted->grant_id == grant_id)
                        return unwanted;
        }

        return NULL;
}

/* What is not on disk yet, another daemon's logout may still be found before. */
static bool unwanted_is_undecided(const struct unwanted *unwanted) {
        const struct refresh *refresh = unwanted->refresh;
        const struct grant *grant = vault_find_grant(refresh->deps.vault, unwanted->grant_id);

        return grant && !refresh->halted && vault_is_unsaved(refresh->deps.vault, grant->uuid);
}

struct unwanted *unwanted_settle(struct unwanted *unwanted) {
        struct refresh *refresh = unwanted->refresh;

        if (unwanted_is_undecided(unwanted)) {
                unwanted_free(refresh_find_unsaved(refresh, unwanted->grant_id));
                list_append(&refresh->unsaved, &unwanted->link);
                return NULL;
        }

        if (!vault_find_grant(refresh->deps.vault, unwanted->grant_id))
                unwanted_revoke(unwanted);
        return unwanted_free(unwanted);
}

void refresh_on_saved(struct refresh *refresh) {
        struct list *next;

        for (struct list *l = refresh->unsaved.next; l != &refresh->unsaved; l = next) {
                struct unwanted *unwanted = CONTAINER(l, struct unwanted, link);

                next = l->next;
                if (!unwanted_is_undecided(unwanted))
                        unwanted_settle(unwanted);
        }
}

void refresh_on_logout(struct refresh *refresh) {
        struct list *next;

        for (struct list *l = refresh->unsaved.next; l != &refresh->unsaved; l = next) {
                struct unwanted *unwanted = CONTAINER(l, struct unwanted, link);

                next = l->next;
                if (!vault_find_grant(refresh->deps.vault, unwanted->grant_id))
                        unwanted_free(unwanted);
        }
}
