#pragma once

/* Uuid: names for records: 16 random bytes marked as RFC 9562, version 4. */

#include "proto/macro.h"

enum { UUID_SIZE = 16 };

int uuid_new(unsigned char ret[static UUID_SIZE]);

static inline bool uuid_equal(const unsigned char a[static UUID_SIZE],
                              const unsigned char b[static UUID_SIZE]) {
        return memcmp(a, b, UUID_SIZE) == 0;
}
