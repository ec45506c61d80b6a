#include "daemon/flow/disk.h"

int disk_keys_of(struct disk_keys *ret, const struct vault *vault) {
        struct disk_keys keys = {};
        int r;

        r = store_key_copy(&keys.store, vault_key(vault));
        if (!r && vault_image(vault))
                r = secret_copy(&keys.image, vault_image(vault));
        if (r) {
                disk_keys_deinit(&keys);
                return r;
        }

        *ret = keys;
        return 0;
}
