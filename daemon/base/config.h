#pragma once

/*
 * Config: the daemon's settings, each with where it came from.
 *
 * /etc/globus-agent/config.json, then $XDG_CONFIG_HOME/globus-agent/config.json (default ~/.config), each
 * optional, JSON with comments. What only the daemon needs may come from its environment
 * (GLOBUS_SDK_VERIFY_SSL, GLOBUS_SDK_HTTP_TIMEOUT, proxies as curl has them) when no file names it. A bad value
 * never ends the daemon: config_problem() says what is wrong, and what is allowed.
 */

#include "proto/fault.h"
#include "proto/macro.h"

enum setting {
        SETTING_ENVIRONMENT, /* "environment": production, preview, sandbox, integration, test, staging */
        SETTING_AUTH_URL, /* "auth_url": https */
        SETTING_GROUPS_URL, /* "groups_url": https */
        SETTING_CLIENT_ID, /* "client_id": UUID of a native app registered with Globus */
        SETTING_CA_FILE, /* "ca_file": PEM bundle, absolute path; unset: the system's */
        SETTING_PROXY, /* "proxy": as curl has it, "" for none; unset: none or the environment's */
        SETTING_HTTP_TIMEOUT, /* "http_timeout": seconds, > 0, fractions allowed; default 60 */
        SETTING_PROTECTOR, /* "protector": of a new store: auto (default), systemd-creds, keyfile, memory */
        SETTING_KEEP_UNLOCKED, /* "keep_unlocked": true (default) or false */
        SETTING_POLICY, /* "policy": {"protectors": [..]}; here as "keyfile, memory"; unset: any */
        _SETTING_MAX,
};

struct config;

/* Where the files are; NULL members take the defaults of the environment. For tests and --config. */
struct config_paths {
        const char *system_file, *user_file;
};

/* Fails only with -ENOMEM. A bad file contributes nothing and becomes the problem. paths may be NULL. */
int config_load(struct config **ret, const struct config_paths *paths);
struct config *config_free(struct config *config);

/* NULL: unset. origin: "built in", "environment: NAME", or the file's path. Borrowed. */
const char *config_get(const struct config *config, enum setting setting);
const char *config_origin(const struct config *config, enum setting setting);
const char *config_name(enum setting setting);

/* As config_get(), but without the name and password that a proxy's URL may hold: for people and logs. */
const char *config_display(const struct config *config, enum setting setting);

uint64_t config_http_timeout_usec(const struct config *config);

/* Does an unlocked store stay so over a restart? */
bool config_keep_unlocked(const struct config *config);

/* Both files have to permit it, so that the user's can narrow and never widen what the system's does. */
bool config_permits_protector(const struct config *config, const char *protector);

/* The file that does not permit it; NULL: both do. Borrowed. */
const char *config_policy_origin(const struct config *config, const char *protector);

/* NULL: none. Else a fault AGENT_ERROR_NOT_CONFIGURED that names file (or variable), key, and what is allowed;
 * the first one in the order user's file, system's file, environment. */
const struct fault *config_problem(const struct config *config);

/* Checks a base URL: https, a host, no query, fragment, user or control characters; *ret (owned) ends in
 * exactly one '/'. AGENT_ERROR_NOT_CONFIGURED is the caller's to say: here -EINVAL. */
int config_check_url(char **ret, const char *url);

DEFINE_CLEANUP(struct config, config_free);
