#pragma once

/*
 * Settings: the configuration in effect, read at the start and again on SIGHUP.
 *
 * A bad file changes nothing but what status says: the agent goes on with the settings it has.
 */

#include "daemon/base/config.h"
#include "daemon/flow/disk.h"
#include "daemon/remote/http.h"

struct settings {
        struct config_paths paths;
        struct config *config;
        struct fault trouble; /* why the last reload changed nothing */
};

/* user_file: of the configuration, NULL for the one of the user's home; borrowed. */
int settings_init(struct settings *settings, const char *user_file);
void settings_deinit(struct settings *settings);

/* What of it is for the network. Borrowed. */
/* What is to protect a new store, and what may. */
struct disk_wish settings_of_disk(const struct config *config);

struct http_settings settings_of_http(const struct config *config);

/* Reads them anew, for the network, too. */
void settings_reload(struct settings *settings, struct http *http);
