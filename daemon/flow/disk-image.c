#include "daemon/flow/disk-private.h"

#include <errno.h>

#include "proto/log.h"

static int decode_image(struct store **ret, struct bytes bytes) {
        _cleanup_(store_freep) struct store *image = NULL;
        _cleanup_(fault_deinit) struct fault why = {};
        int r;

        r = store_decode_header(&image, bytes, &why);
        if (!r)
                r = protector_unwrap(image, NULL, geteuid());
        if (!r)
                r = store_decode_body(image, bytes, &why);
        if (r)
                return r;

        *ret = TAKE(image);
        return 0;
}

int disk_open_image(struct store **store, struct disk_look *look, struct fault *fault) {
        _cleanup_(store_freep) struct store *image = NULL;
        int r;

        if (protector_of(*store) != PROTECTOR_MEMORY || !look->keys.image)
                return 0;

        r = decode_image(&image, (struct bytes){secret_bytes(look->keys.image), secret_size(look->keys.image)});
        if (r == -ENOMEM)
                return fault_set(fault, r, NULL);
        if (r)
                log_error("What was kept in memory is damaged, so its logins are lost: log in again");
        if (r || memcmp(image->id, (*store)->id, sizeof(image->id)) != 0)
                return 0;

        image->version = (*store)->version;
        store_free(*store);
        *store = TAKE(image);
        return 0;
}
