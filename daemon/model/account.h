#pragma once

/* Account: a profile: one identity in one environment, with one grant per resource server. */

#include "daemon/model/grant.h"
#include "daemon/model/identity.h"
#include "proto/list.h"
#include "proto/macro.h"

struct account {
        struct list link; /* vault.accounts */
        unsigned char uuid[16];
        uint64_t generation;
        char *profile;
        struct identity *identity;
        struct origin origin; /* of the first login; the grants' have its environment and URLs */
        struct list grants; /* grant.link */
};

enum { PROFILE_NAME_MAX = 64 };

/* [A-Za-z0-9._@-]{1,64} */
bool account_profile_is_valid(const char *profile);

int account_new(struct account **ret, const char *profile);

/* With its grants. Unlinks itself. */
struct account *account_free(struct account *account);

/* NULL: none. Borrowed. */
struct grant *account_find(const struct account *account, const char *resource_server);

void account_write(const struct account *account, struct writer *writer);
int account_parse(struct account **ret, const char *payload, size_t n); /* -EBADMSG; without grants */

DEFINE_CLEANUP(struct account, account_free);
