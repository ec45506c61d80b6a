#include "daemon/remote/media-type.h"

#include <string.h>

#include "proto/macro.h"

#define APPLICATION "application/"
#define SUFFIX "+json"

bool media_type_is_json(const char *type) {
        size_t n = strlen(type);

        if (strncmp(type, APPLICATION, strlen(APPLICATION)) != 0)
                return false;
        if (streq(type + strlen(APPLICATION), "json"))
                return true;

        return n > strlen(APPLICATION) + strlen(SUFFIX) && streq(type + n - strlen(SUFFIX), SUFFIX);
}
