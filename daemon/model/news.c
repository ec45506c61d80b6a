#include "daemon/model/news.h"

#include "daemon/model/uuid.h"
#include "daemon/model/vault-private.h"

struct holding {
        unsigned char uuid[UUID_SIZE];
        uint64_t generation;
};

static void note(struct news *news, const unsigned char uuid[static UUID_SIZE], uint64_t generation) {
        struct holding *holding = &news->held[news->n++];

        memcpy(holding->uuid, uuid, UUID_SIZE);
        holding->generation = generation;
}

void news_init(struct news *ret, const struct vault *vault) {
        size_t n = vault->profiles.n + vault->grants.n;

        *ret = (struct news){.held = calloc(MAX(n, (size_t)1), sizeof(*ret->held))};
        if (!ret->held)
                return;

        for (size_t i = 0; i < vault->profiles.n; i++) {
                const struct account *account = vault->profiles.items[i];

                note(ret, account->uuid, account->generation);
        }
        for (size_t i = 0; i < vault->grants.n; i++) {
                const struct grant *grant = vault->grants.items[i];

                note(ret, grant->uuid, grant->generation);
        }
}

void news_deinit(struct news *news) {
        free(news->held);
        *news = (struct news){};
}

static int compare(const void *a, const void *b) {
        const struct holding *x = a, *y = b;

        return memcmp(x->uuid, y->uuid, UUID_SIZE);
}

static bool is_held(const struct news *news, const struct record *record) {
        const struct holding *holding;
        struct holding key;

        if (news->n == 0)
                return false;

        memcpy(key.uuid, record->uuid, UUID_SIZE);
        holding = bsearch(&key, news->held, news->n, sizeof(*news->held), compare);
        return holding && holding->generation >= record->generation;
}

void news_read(struct news *news, struct store *store) {
        if (!store)
                return;
        if (news->n > 0)
                qsort(news->held, news->n, sizeof(*news->held), compare);

        for (struct list *l = store->records.next; l != &store->records; l = l->next) {
                struct record *record = CONTAINER(l, struct record, link);

                if (!is_held(news, record))
                        (void)record_read(record); /* what fails for want of memory is tried again */
        }
}
