#include "daemon/flow/outage.h"

#include "daemon/base/clock.h"
#include "daemon/flow/backoff.h"

struct outage {
        struct list link;
        char *profile;
        uint64_t grant_id; /* which the service was asked with */
        unsigned failures; /* in a row */
        uint64_t retry_usec;
        struct fault fault; /* of the last one */
};

static struct outage *outage_free(struct outage *outage) {
        if (!outage)
                return NULL;

        list_unlink(&outage->link);
        fault_deinit(&outage->fault);
        free(outage->profile);
        free(outage);
        return NULL;
}

static struct outage *outage_of(const struct list *outages, const char *profile) {
        for (struct list *l = outages->next; l != outages; l = l->next) {
                struct outage *outage = CONTAINER(l, struct outage, link);

                if (streq(outage->profile, profile))
                        return outage;
        }

        return NULL;
}

static struct outage *outage_new(struct list *outages, const char *profile) {
        struct outage *outage = calloc(1, sizeof(*outage));

        if (!outage)
                return NULL;

        list_init(&outage->link);
        outage->profile = strdup(profile);
        if (!outage->profile)
                return outage_free(outage);

        list_append(outages, &outage->link);
        return outage;
}

const struct fault *outage_find(const struct list *outages, const char *profile, uint64_t grant_id) {
        const struct outage *outage = outage_of(outages, profile);

        if (!outage || outage->grant_id != grant_id || clock_boottime_usec() >= outage->retry_usec)
                return NULL;

        return &outage->fault;
}

void outage_note(struct list *outages, const char *profile, uint64_t grant_id, struct fault *fault) {
        struct outage *outage = outage_of(outages, profile);
        uint64_t now = clock_boottime_usec();

        if (outage && outage->grant_id != grant_id)
                outage = outage_free(outage);
        if (!outage)
                outage = outage_new(outages, profile);
        if (!outage)
                return;

        outage->grant_id = grant_id;

        /* several may be asked for at once, and fail together */
        if (outage->retry_usec <= now)
                outage->failures++;
        outage->retry_usec = MAX(outage->retry_usec, now + backoff_usec(outage->failures - 1, fault));

        if (fault->r == AGENT_ERROR_UNAVAILABLE)
                fault->retry_at = clock_to_unix_up(outage->retry_usec);
        (void)fault_copy(&outage->fault, fault);
}

void outage_end(struct list *outages, const char *profile) {
        struct list *next;

        for (struct list *l = outages->next; l != outages; l = next) {
                struct outage *outage = CONTAINER(l, struct outage, link);

                next = l->next;
                if (!profile || streq(outage->profile, profile))
                        outage_free(outage);
        }
}
