#pragma once

/* Config-value: what each setting may be. Pure but for the look whether a CA bundle is there. */

#include "daemon/base/config.h"

/* -EINVAL: no setting of that name. */
int config_value_find(enum setting *ret, const char *name);

/* True if it is a JSON number, false if a string. */
bool config_value_is_number(enum setting setting);

/* *ret (owned) is the text as it will be used. -EINVAL: not allowed. */
int config_value_check(char **ret, enum setting setting, const char *text);

/* What is allowed, to follow "must be". */
const char *config_value_allowed(enum setting setting);
