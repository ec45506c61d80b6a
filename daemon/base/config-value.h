#pragma once

/* Config-value: what each setting may be. Pure but for the look whether a CA bundle is there. */

#include <json-c/json.h>

#include "daemon/base/config.h"

/* -EINVAL: no setting of that name. */
int config_value_find(enum setting *ret, const char *name);

/* What it is in JSON; json_type_double takes integers, too. An object is for config_policy_read(). */
enum json_type config_value_type(enum setting setting);

/* *ret (owned) is the text as it will be used. -EINVAL: not allowed. */
int config_value_check(char **ret, enum setting setting, const char *text);

/* What is allowed, to follow "must be". */
const char *config_value_allowed(enum setting setting);
