#pragma once

/*
 * Config-policy: a list of the protectors that may be used, as text ("keyfile, memory") that names each once,
 * in one order. Pure.
 */

#include <json-c/json.h>

#include "proto/macro.h"

#define CONFIG_POLICY_PROTECTORS "systemd-creds, keyfile, passphrase, memory, plaintext"

/* All three: *ret is owned; -EINVAL: a protector is not known, or there is none. From text; from the value of
 * "policy" in a file, where *ret stays NULL if it says nothing of protectors; from what two lists share. */
int config_policy_check(char **ret, const char *text);
int config_policy_read(char **ret, struct json_object *policy);
int config_policy_narrow(char **ret, const char *list, const char *other);

bool config_policy_permits(const char *list, const char *protector);
