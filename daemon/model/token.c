#include "daemon/model/token.h"

#include <errno.h>

#define LEAD_MIN_USEC (120 * USEC_PER_SEC)
#define LEAD_MAX_USEC (3600 * USEC_PER_SEC)

void token_deinit(struct token *token) {
        secret_free(token->secret);
        free(token->type);
        *token = (struct token){0};
}

/* A share of span, from nothing to all of it. */
static uint64_t jitter(uint64_t span, uint32_t random) {
        return span * random >> 32;
}

/* How long before its expiry a token is refreshed. No product overflows: what is multiplied is at most an
 * hour. */
static uint64_t lead_usec(uint64_t lifetime_usec, uint32_t random) {
        uint64_t half = lifetime_usec / 2;
        uint64_t lead = MIN(MAX(lifetime_usec / 10, LEAD_MIN_USEC), LEAD_MAX_USEC);

        lead += jitter(lead / 4, random);
        if (lead > half)
                lead = half - jitter(half / 5, random);

        return lead;
}

void token_set_life(struct token *token, const struct token_life *life) {
        token->obtained_usec = life->obtained_usec;
        token->expires_usec = usec_add(life->obtained_usec, life->lifetime_usec);
        token->refresh_usec =
                token->expires_usec - lead_usec(token->expires_usec - life->obtained_usec, life->random);
}

int token_replace(struct token *token, struct secret *secret, const char *type, const struct token_life *life) {
        _cleanup_(secret_freep) struct secret *taken = secret;
        char *copy;

        copy = strdup(type);
        if (!copy)
                return -ENOMEM;

        token_deinit(token);
        *token = (struct token){
                .secret = TAKE(taken),
                .type = copy,
        };
        token_set_life(token, life);
        return 0;
}

static uint64_t usec_subtract(uint64_t a, uint64_t b) {
        return a > b ? a - b : 0;
}

void token_age(struct token *token, uint64_t usec) {
        token->obtained_usec = usec_subtract(token->obtained_usec, usec);
        token->expires_usec = usec_subtract(token->expires_usec, usec);
        token->refresh_usec = usec_subtract(token->refresh_usec, usec);
}

uint64_t token_remaining_usec(const struct token *token, uint64_t now_usec) {
        return token->secret ? usec_subtract(token->expires_usec, now_usec) : 0;
}
