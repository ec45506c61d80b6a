#include "daemon/base/config-policy.h"

#include <errno.h>

#include "proto/json.h"
#include "proto/strv.h"

/* Those of CONFIG_POLICY_PROTECTORS that are in both lists. */
static int select_from(char **ret, char *const *names, char *const *others) {
        _cleanup_(strv_freep) char **known = NULL, **selected = NULL;
        int r;

        r = strv_split(&known, CONFIG_POLICY_PROTECTORS, ", ");
        if (r)
                return r;
        if (!strv_includes(known, names))
                return -EINVAL;

        for (char **name = known; *name; name++)
                if (strv_contains(names, *name) && strv_contains(others, *name)) {
                        r = strv_append(&selected, *name);
                        if (r)
                                return r;
                }

        return selected ? strv_join(ret, selected, ", ") : -EINVAL;
}

int config_policy_check(char **ret, const char *text) {
        return config_policy_narrow(ret, text, text);
}

int config_policy_narrow(char **ret, const char *list, const char *other) {
        _cleanup_(strv_freep) char **names = NULL, **others = NULL;
        int r;

        r = strv_split(&names, list, ", ");
        if (r)
                return r;

        r = strv_split(&others, other, ", ");
        return r ? r : select_from(ret, names, others);
}

int config_policy_read(char **ret, struct json_object *policy) {
        _cleanup_(strv_freep) char **names = NULL;
        struct json_object *protectors = NULL;
        int r;

        json_object_object_foreach(policy, name, value) {
                if (!streq(name, "protectors"))
                        return -EINVAL;
                protectors = value;
        }
        if (!protectors)
                return 0;

        r = json_get_strings(&names, protectors);
        if (r)
                return r == -EBADMSG ? -EINVAL : r;

        return select_from(ret, names, names);
}

bool config_policy_permits(const char *list, const char *protector) {
        size_t n = strlen(protector);

        for (const char *found = list; n > 0 && (found = strstr(found, protector)); found += n)
                if ((found == list || found[-1] == ' ') && (!found[n] || found[n] == ','))
                        return true;

        return false;
}
