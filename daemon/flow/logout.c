#include "daemon/flow/logout.h"

#include <errno.h>

#include "proto/log.h"

struct logout {
        struct vault *vault; /* borrowed */
        struct revocation *revocation;
        bool revoked, saved;
        struct saving saving;
        struct fault fault; /* of the disk */
        logout_fn done;
        void *userdata; /* borrowed */
};

static void logout_end_if_over(struct logout *logout) {
        if (!logout->revoked || !logout->saved)
                return;

        if (logout->saving.number <= vault_saved(logout->vault))
                fault_deinit(&logout->fault); /* the disk has come round while Globus was asked */
        logout->done(logout->userdata, logout->fault.r ? &logout->fault : NULL,
                     revocation_items(logout->revocation));
}

static void logout_on_revoked(void *userdata, struct revocation *revocation) {
        struct logout *logout = userdata;

        logout->revoked = true;
        logout_end_if_over(logout);
}

static void logout_on_saved(struct waiter *waiter, const struct fault *fault) {
        struct logout *logout = CONTAINER(waiter, struct logout, saving.waiter);

        if (fault)
                (void)fault_copy(&logout->fault, fault);
        logout->saved = true;
        logout_end_if_over(logout);
}

static int logout_account(struct logout *logout, struct vault *vault, struct account *account) {
        _cleanup_(freep) char *profile = strdup(account->profile);
        int r = profile ? 0 : -ENOMEM;

        for (struct list *l = account->grants.next; !r && l != &account->grants; l = l->next)
                r = revocation_add_grant(logout->revocation, CONTAINER(l, struct grant, link));
        if (!r)
                r = vault_remove_account(vault, profile);
        if (!r)
                log_notice("Logged out of '%s'", profile);

        return r;
}

static int logout_accounts(struct logout *logout, struct vault *vault, const char *profile) {
        struct account *account;
        struct list *first;
        int r = 0;

        if (profile) {
                account = vault_find_account(vault, profile);
                return account ? logout_account(logout, vault, account) : 0;
        }

        while (!r && (first = list_first(vault_accounts(vault))))
                r = logout_account(logout, vault, CONTAINER(first, struct account, link));

        return r;
}

int logout_new(struct logout **ret, const struct logout_deps *deps, const char *profile, logout_fn done,
               void *userdata) {
        _cleanup_(logout_freep) struct logout *logout = NULL;
        int r;

        logout = calloc(1, sizeof(*logout));
        if (!logout)
                return -ENOMEM;

        logout->vault = deps->vault;
        logout->done = done;
        logout->userdata = userdata;
        waiter_init(&logout->saving.waiter);

        r = revocation_new(&logout->revocation, deps->revoker);
        if (r)
                return r;

        r = logout_accounts(logout, deps->vault, profile);
        if (r)
                return r;

        revocation_spare(logout->revocation, deps->vault);
        logout->saving.number = vault_changed(deps->vault);
        logout->saved = !save_join(deps->save, &logout->saving, logout_on_saved);
        if (logout->saved && save_trouble(deps->save))
                (void)fault_copy(&logout->fault, save_trouble(deps->save));
        revocation_start(logout->revocation, logout_on_revoked, logout);
        *ret = TAKE(logout);
        return 0;
}

struct logout *logout_free(struct logout *logout) {
        if (!logout)
                return NULL;

        waiter_leave(&logout->saving.waiter);
        if (logout->revocation && !logout->revoked)
                revocation_detach(TAKE(logout->revocation));
        revocation_free(logout->revocation);
        fault_deinit(&logout->fault);
        free(logout);
        return NULL;
}
