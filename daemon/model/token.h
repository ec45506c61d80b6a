#pragma once

/*
 * Token: one access token and its clock.
 *
 * All instants are CLOCK_BOOTTIME microseconds. Refreshing is due a tenth of the lifetime before expiry, but
 * at least 2 minutes, at most an hour, and never more than half the lifetime; jitter spreads it.
 */

#include "proto/macro.h"
#include "proto/secret.h"

struct token {
        struct secret *secret; /* NULL: there is none */
        char *type; /* token_type: Bearer */
        uint64_t obtained_usec, expires_usec;
        uint64_t refresh_usec; /* when refreshing is due */
};

/* A sum of instants and spans that stops at USEC_INFINITY. */
static inline uint64_t usec_add(uint64_t a, uint64_t b) {
        return a > USEC_INFINITY - b ? USEC_INFINITY : a + b;
}

void token_deinit(struct token *token);

/* Takes over secret, also on failure. random: any 32 bits, for the jitter. */
struct token_life {
        uint64_t obtained_usec, lifetime_usec;
        uint32_t random;
};
int token_replace(struct token *token, struct secret *secret, const char *type, const struct token_life *life);

/* The same token, of another life. */
void token_set_life(struct token *token, const struct token_life *life);

/* Moves its clock back, as if it had been obtained that much earlier; not before boot. */
void token_age(struct token *token, uint64_t usec);

/* How long it is still valid; 0 for none. */
uint64_t token_remaining_usec(const struct token *token, uint64_t now_usec);
