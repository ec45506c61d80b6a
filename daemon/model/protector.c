#include "daemon/model/protector.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/base/crypto.h"

static int wrapping_key(struct secret **ret, const struct store *store, const struct secret *keyfile,
                        uid_t uid) {
        char info[64];
        int n;

        n = snprintf(info, sizeof(info), "globus-agent keyfile uid=%lu", (unsigned long)uid);

        return crypto_hkdf_sha256(ret, CRYPTO_KEY_SIZE, keyfile, (struct bytes){store->id, sizeof(store->id)},
                                  (struct bytes){info, (size_t)n});
}

int protector_wrap_keyfile(struct store *store, const struct secret *keyfile, uid_t uid) {
        _cleanup_(secret_freep) struct secret *key = NULL;
        _cleanup_(buffer_deinit) struct buffer context = {0}, wrapped = {0};
        char *name;
        int r;

        if (secret_size(keyfile) != PROTECTOR_KEYFILE_SIZE)
                return -EINVAL;

        name = strdup(PROTECTOR_KEYFILE);
        if (!name)
                return -ENOMEM;
        free(store->protector);
        store->protector = name;
        buffer_clear(&store->parameters);

        r = store_key_context(&context, store);
        if (r)
                return r;
        r = wrapping_key(&key, store, keyfile, uid);
        if (r)
                return r;
        r = crypto_seal(&wrapped, key, (struct bytes){buffer_bytes(&context), buffer_size(&context)},
                        (struct bytes){secret_bytes(store->data_key), secret_size(store->data_key)});
        if (r)
                return r;

        buffer_swap(&store->wrapped_key, &wrapped);
        return 0;
}

int protector_unwrap_keyfile(struct store *store, const struct secret *keyfile, uid_t uid) {
        _cleanup_(secret_freep) struct secret *key = NULL, *data_key = NULL;
        _cleanup_(buffer_deinit) struct buffer context = {0};
        int r;

        if (!store->protector || !streq(store->protector, PROTECTOR_KEYFILE) ||
            buffer_size(&store->parameters) > 0 || secret_size(keyfile) != PROTECTOR_KEYFILE_SIZE)
                return -EBADMSG;

        r = store_key_context(&context, store);
        if (r)
                return r;
        r = wrapping_key(&key, store, keyfile, uid);
        if (r)
                return r;
        r = crypto_open(&data_key, key, (struct bytes){buffer_bytes(&context), buffer_size(&context)},
                        (struct bytes){buffer_bytes(&store->wrapped_key), buffer_size(&store->wrapped_key)});
        if (r)
                return r;
        if (secret_size(data_key) != CRYPTO_KEY_SIZE)
                return -EBADMSG;

        secret_free(store->data_key);
        store->data_key = TAKE(data_key);
        return 0;
}
