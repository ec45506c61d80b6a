#pragma once

/* Config-file: one file of settings, read with distrust. */

#include <sys/types.h>

#include "daemon/base/config.h"
#include "proto/fault.h"

struct config_file {
        char *text[_SETTING_MAX]; /* NULL: not there */
};

void config_file_deinit(struct config_file *file);

/* file is zeroed by the caller, and stays so where there is no file. forbidden are mode bits.
 * AGENT_ERROR_NOT_CONFIGURED with a fault; -ENOMEM. */
int config_file_read(struct config_file *file, const char *path, mode_t forbidden, struct fault *fault);
