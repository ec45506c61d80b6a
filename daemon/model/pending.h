#pragma once

/*
 * Pending: the changes to accounts and grants that are not on disk yet, one for each record, the last one.
 *
 * A change counts as unsaved from when it was made until it is known to be on disk, wherever its list is
 * meanwhile.
 */

#include "daemon/model/account.h"
#include "daemon/model/record.h"
#include "daemon/model/uuid.h"

enum { PENDING_BUCKETS = 256 };

struct pending {
        struct list changes; /* change.link: those that no save carries */
        struct list marks[PENDING_BUCKETS]; /* mark.link: what is unsaved, by the first byte of its UUID */
        uint64_t changed, saved; /* numbers: of the last change, of the last one on disk */
};

void pending_init(struct pending *pending);

/* Nothing is unsaved any more, whatever was. */
void pending_forget(struct pending *pending);

/* Records what was done, with the payload as it is now. The latter sets grant->change. */
int pending_add_account(struct pending *pending, enum change_type type, const struct account *account);
int pending_add_grant(struct pending *pending, enum change_type type, struct grant *grant);

bool pending_is_unsaved(const struct pending *pending, const unsigned char uuid[static UUID_SIZE]);

/* As the functions of the vault that these are for. */
uint64_t pending_take(struct pending *pending, struct list *ret);
void pending_saved(struct pending *pending, uint64_t number);
void pending_return(struct pending *pending, struct list *changes);
