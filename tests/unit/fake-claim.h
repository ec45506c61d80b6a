#pragma once

/* Claims that are granted when told to: it takes the place of daemon/flow/claim. */

#include "tests/unit/unit.h"

#include "daemon/flow/claim.h"
#include "proto/list.h"

struct claim {
        struct list link; /* claims_wanted, or itself once granted */
        claim_fn done;
        void *userdata;
};

static struct list claims_wanted = {&claims_wanted, &claims_wanted};
static bool disk_hangs;
static unsigned claims_held; /* wanted or granted, and not released */

int claim_new(struct claim **ret, struct claims *claims, const unsigned char uuid[static UUID_SIZE],
              claim_fn done, void *userdata) {
        struct claim *claim = calloc(1, sizeof(*claim));

        claim->done = done;
        claim->userdata = userdata;
        list_append(&claims_wanted, &claim->link);
        claims_held++;
        *ret = claim;
        return 0;
}

bool claim_is_settled(const struct claim *claim) {
        return !disk_hangs;
}

struct claim *claim_release(struct claim *claim) {
        if (!claim)
                return NULL;

        list_unlink(&claim->link);
        free(claim);
        claims_held--;
        return NULL;
}

/* fault NULL: all that are wanted are granted. */
static inline void claims_answer(const struct fault *fault) {
        struct list *first;

        while ((first = list_first(&claims_wanted))) {
                struct claim *claim = CONTAINER(first, struct claim, link);

                list_unlink(first);
                claim->done(claim->userdata, fault);
        }
}
