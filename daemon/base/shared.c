#include "daemon/base/shared.h"

#include <assert.h>
#include <errno.h>

int shared_new(struct shared **ret, struct buffer *bytes) {
        struct shared *shared;

        shared = calloc(1, sizeof(*shared));
        if (!shared)
                return -ENOMEM;

        buffer_swap(&shared->bytes, bytes);
        shared->holders = 1;
        *ret = shared;
        return 0;
}

struct shared *shared_hold(struct shared *shared) {
        shared->holders++;
        return shared;
}

struct shared *shared_free(struct shared *shared) {
        if (!shared || --shared->holders > 0)
                return NULL;

        assert(shared->readers == 0);
        buffer_deinit(&shared->bytes);
        free(shared);
        return NULL;
}

size_t shared_size(const struct shared *shared) {
        return shared ? buffer_size(&shared->bytes) : 0;
}
