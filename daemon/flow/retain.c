#include "daemon/flow/retain.h"

#include <errno.h>

#include "proto/log.h"

#define DATA_KEY "data-key"
#define IMAGE "image"

enum { KEY_SIZE = STORE_ID_SIZE + CRYPTO_KEY_SIZE };

static void restore_key(struct fd_store *store, struct vault *vault) {
        _cleanup_(secret_freep) struct secret *kept = NULL;
        struct store_key key = {};
        const unsigned char *bytes;

        if (fd_store_get(store, DATA_KEY, &kept) || secret_size(kept) != KEY_SIZE)
                return;

        bytes = secret_bytes(kept);
        memcpy(key.id, bytes, STORE_ID_SIZE);
        if (!secret_new(&key.data_key, bytes + STORE_ID_SIZE, CRYPTO_KEY_SIZE))
                vault_set_key(vault, &key);
}

void retain_restore(struct fd_store *store, struct vault *vault, bool keep_unlocked) {
        struct secret *image = NULL;

        if (keep_unlocked)
                restore_key(store, vault);
        else
                fd_store_forget(store, DATA_KEY);
        if (!fd_store_get(store, IMAGE, &image))
                vault_set_image(vault, image);
}

/* A new one is put only if it is: each is a message to the manager. */
static void keep(struct fd_store *store, const char *name, const struct secret *wanted) {
        _cleanup_(secret_freep) struct secret *kept = NULL;
        int r;

        if (!wanted) {
                fd_store_forget(store, name);
                return;
        }
        if (!fd_store_get(store, name, &kept) && secret_equal(kept, wanted))
                return;

        r = fd_store_put(store, name, (struct bytes){secret_bytes(wanted), secret_size(wanted)});
        if (r && r != -ENOENT)
                log_warning("A restart will lose what is kept in memory: %s", error_sentence(r));
}

void retain_image(struct fd_store *store, const struct secret *image) {
        keep(store, IMAGE, image);
}

static int key_of(struct secret **ret, const struct vault *vault) {
        const struct store_key *key = vault_key(vault);
        unsigned char *bytes;
        int r;

        r = secret_new_empty(ret, KEY_SIZE);
        if (r)
                return r;

        bytes = secret_data(*ret);
        memcpy(bytes, key->id, STORE_ID_SIZE);
        memcpy(bytes + STORE_ID_SIZE, secret_bytes(key->data_key), CRYPTO_KEY_SIZE);
        return 0;
}

void retain_update(struct fd_store *store, const struct vault *vault, bool keep_unlocked) {
        _cleanup_(secret_freep) struct secret *key = NULL;

        if (vault_get_state(vault) == VAULT_OPENING)
                return;

        if (keep_unlocked && vault_protector(vault) == PROTECTOR_PASSPHRASE && vault_key(vault)->data_key &&
            key_of(&key, vault))
                log_warning("A restart will ask for the passphrase: %s", error_sentence(-ENOMEM));
        keep(store, DATA_KEY, key);
        keep(store, IMAGE, vault_image(vault));
}
