#pragma once

/* The vault's inside, for its own files: what is held, and how it gets in and out without becoming a change. */

#include "daemon/model/pending.h"
#include "daemon/model/vault.h"

/* Borrowed pointers in the order of a key: what is held, to be found. */
struct index {
        void **items;
        size_t n, allocated;
};

struct vault {
        enum vault_state state;
        struct store_version version;
        struct store_key key;
        struct secret *image;
        enum protector protector;
        bool is_locked; /* with a password */
        char *protection;
        struct list accounts; /* account.link, in the order of profiles */
        struct index profiles; /* of accounts, by profile */
        struct index grants; /* by id */
        struct pending pending;
        uint64_t redated_usec; /* when the wall clock was set, CLOCK_BOOTTIME; 0: it was not */
};

/* Takes it over on success. None of that profile may be there. Its grants, if any, are not indexed. */
int vault_insert_account(struct vault *vault, struct account *account);

/* Takes it over on success, and gives it its id. None of that resource server may be in the account. */
int vault_insert_grant(struct vault *vault, struct account *account, struct grant *grant);

/* Without a change: wiped here, as it is on disk. */
void vault_drop_account(struct vault *vault, struct account *account);
void vault_drop_grant(struct vault *vault, struct grant *grant);
