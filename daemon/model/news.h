#pragma once

/*
 * News: what of a store a vault does not hold yet, read ahead of vault_merge(), since thousands of records take
 * long: the loop notes what is held, and a worker reads the rest.
 */

#include "daemon/model/store.h"
#include "daemon/model/vault.h"

struct news {
        struct holding *held; /* owned */
        size_t n;
};

/* Without memory for it, everything is news; as it is to one that is all zero. */
void news_init(struct news *ret, const struct vault *vault);
void news_deinit(struct news *news);

/* On any thread. store may be NULL. */
void news_read(struct news *news, struct store *store);
