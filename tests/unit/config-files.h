#pragma once

/* The two files of a configuration, in a directory of the test's, and what is found in them. Include it in one
 * file of a program. */

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/config.h"
#include "proto/error.h"

static char directory[64], user_file[96], system_file[96], ca_file[96];

static const char *const variables[] = {"GLOBUS_SDK_VERIFY_SSL",
                                        "GLOBUS_SDK_HTTP_TIMEOUT",
                                        "GLOBUS_SDK_ENVIRONMENT",
                                        "GLOBUS_SDK_SERVICE_URL_AUTH",
                                        "https_proxy",
                                        "HTTPS_PROXY",
                                        "all_proxy",
                                        "ALL_PROXY"};

static void put(const char *path, const char *text) {
        FILE *file = fopen(path, "w");

        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(chmod(path, 0644), 0);
}

static int begin(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
                unsetenv(variables[i]);

        snprintf(directory, sizeof(directory), "/tmp/test-config.XXXXXX");
        if (!mkdtemp(directory))
                return -1;

        snprintf(user_file, sizeof(user_file), "%s/user.json", directory);
        snprintf(system_file, sizeof(system_file), "%s/system.json", directory);
        snprintf(ca_file, sizeof(ca_file), "%s/ca.pem", directory);
        put(ca_file, "");
        return 0;
}

static int end(void **state) {
        unlink(user_file);
        unlink(system_file);
        unlink(ca_file);
        return rmdir(directory);
}

static struct config *load(void) {
        struct config *config = NULL;

        assert_int_equal(config_load(&config, &(struct config_paths){system_file, user_file}), 0);
        assert_non_null(config);
        return config;
}

static void assert_setting(const struct config *config, enum setting setting, const char *text,
                           const char *origin) {
        if (text)
                assert_string_equal(config_get(config, setting), text);
        else
                assert_null(config_get(config, setting));
        assert_string_equal(config_origin(config, setting), origin);
}

static void assert_problem(const char *part, const char *other_part) {
        _cleanup_(config_freep) struct config *config = load();
        const struct fault *fault = config_problem(config);

        assert_non_null(fault);
        assert_int_equal(fault->r, AGENT_ERROR_NOT_CONFIGURED);
        if (!strstr(fault_message(fault), part) || !strstr(fault_message(fault), other_part))
                fail_msg("\"%s\" does not say \"%s\" and \"%s\"", fault_message(fault), part, other_part);
        assert_string_equal(config_get(config, SETTING_ENVIRONMENT), "production");
}

static void assert_no_problem(const struct config *config) {
        if (config_problem(config))
                fail_msg("%s", fault_message(config_problem(config)));
}
