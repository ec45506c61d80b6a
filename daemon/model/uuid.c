#include "daemon/model/uuid.h"

#include "daemon/base/crypto.h"

int uuid_new(unsigned char ret[static UUID_SIZE]) {
        int r;

        r = crypto_random(ret, UUID_SIZE);
        if (r)
                return r;

        ret[6] = (unsigned char)((ret[6] & 0x0f) | 0x40);
        ret[8] = (unsigned char)((ret[8] & 0x3f) | 0x80);
        return 0;
}
