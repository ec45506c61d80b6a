#pragma once

/* Passphrases over stores as the protector puts them there, but at a cost of scrypt that takes no time. */

#include "daemon/model/pack.h"
#include "daemon/model/protector.h"

struct cheap_cost {
        unsigned char log_n, r, p;
};

static const struct cheap_cost cheap_cost = {.log_n = 4, .r = 1, .p = 1};

static inline struct secret *secret_of(const char *text) {
        struct secret *secret;

        assert_int_equal(secret_new(&secret, text, strlen(text)), 0);
        return secret;
}

static inline void cheap_rename(struct store *store, const char *name, struct cheap_cost cost) {
        struct protection *protection = &store->protection;

        protection_deinit(protection);
        protection->name = strdup(name);
        assert_int_equal(buffer_append(&protection->parameters, &cost, sizeof(cost)), 0);
        assert_int_equal(buffer_append(&protection->parameters, "sixteen of salt.", 16), 0);
}

static inline void cheap_seal(struct store *store, const char *passphrase, struct cheap_cost cost,
                              struct bytes plain) {
        _cleanup_(secret_freep) struct secret *secret = secret_of(passphrase), *key = NULL;
        _cleanup_(buffer_deinit) struct buffer context = {}, wrapped = {};
        struct crypto_scrypt scrypt = {
                .n = UINT64_C(1) << cost.log_n, .r = cost.r, .p = cost.p, .salt = {"sixteen of salt.", 16}};

        assert_int_equal(crypto_scrypt(&key, CRYPTO_KEY_SIZE, secret, &scrypt), 0);
        assert_int_equal(store_key_context(&context, store), 0);
        assert_int_equal(crypto_seal(&wrapped, key, buffer_contents(&context), plain), 0);
        buffer_swap(&store->protection.wrapped_key, &wrapped);
}

/* The data key, with a passphrase. */
static inline void cheap_wrap(struct store *store, const char *passphrase, struct cheap_cost cost) {
        cheap_rename(store, "passphrase", cost);
        cheap_seal(store, passphrase, cost,
                   (struct bytes){secret_bytes(store->data_key), secret_size(store->data_key)});
}

/* What protects the store now, with the password of a lock. */
static inline void cheap_lock(struct store *store, const char *password, struct cheap_cost cost) {
        _cleanup_(protection_deinit) struct protection inner = {};
        struct buffer *parameters = &store->protection.parameters;

        protection_swap(&inner, &store->protection);
        cheap_rename(store, "locked", cost);
        assert_int_equal(pack_string(parameters, 1, inner.name), 0);
        assert_int_equal(pack_bytes(parameters, 2, buffer_contents(&inner.parameters)), 0);
        cheap_seal(store, password, cost, buffer_contents(&inner.wrapped_key));
}
