/* Configuration: two files as they may be found, and each setting's text as a variable may have it. */

#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/config-policy.h"
#include "daemon/base/config-value.h"
#include "daemon/base/config.h"
#include "proto/error.h"

enum { SYSTEM_FILE, USER_FILE, FILES };

/* In memory alone. */
static struct {
        int fd;
        char path[64];
} files[FILES];

static void make_files(void) {
        static const char *const variables[] = {"GLOBUS_SDK_VERIFY_SSL",
                                                "GLOBUS_SDK_HTTP_TIMEOUT",
                                                "https_proxy",
                                                "HTTPS_PROXY",
                                                "all_proxy",
                                                "ALL_PROXY"};

        for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
                unsetenv(variables[i]);

        for (size_t i = 0; i < FILES; i++) {
                files[i].fd = memfd_create("config", MFD_CLOEXEC);
                CLAIM(files[i].fd >= 0 && fchmod(files[i].fd, 0600) == 0);
                snprintf(files[i].path, sizeof(files[i].path), "/proc/self/fd/%d", files[i].fd);
        }
}

static void fill(int fd, struct bytes text) {
        CLAIM(ftruncate(fd, 0) == 0);
        CLAIM(pwrite(fd, text.data, text.n, 0) == (ssize_t)text.n);
}

/* What was allowed once is allowed again, and stays what it is. */
static void check_value(enum setting setting, const char *text) {
        _cleanup_(freep) char *checked = NULL, *again = NULL;
        int r;

        r = config_value_check(&checked, setting, text);
        CLAIM(r == 0 || (r == -EINVAL && !checked));
        if (r)
                return;

        CLAIM(config_value_check(&again, setting, checked) == 0);
        CLAIM(streq(again, checked));
}

/* One '/' at its end, and behind the host nothing that starts a query, a fragment or another host. */
static void check_url(const char *url) {
        size_t n = strlen(url);

        CLAIM(strncmp(url, "https://", 8) == 0 && n > strlen("https:///"));
        CLAIM(url[n - 1] == '/' && url[n - 2] != '/');
        CLAIM(!strpbrk(url, " \t\r\n?#\\") && !memchr(url, '@', 8 + strcspn(url + 8, "/")));
}

static void check_setting(const struct config *config, enum setting setting) {
        const char *text = config_get(config, setting), *display = config_display(config, setting);

        CLAIM(config_origin(config, setting));
        CLAIM(!text == !display);
        if (!text)
                return;

        CLAIM(fuzz_is_text(text) && fuzz_is_text(display));
        check_value(setting, text);
        if (setting == SETTING_PROXY)
                CLAIM(!strchr(display, '@'));
        if (setting == SETTING_AUTH_URL || setting == SETTING_GROUPS_URL)
                check_url(text);
}

/* Where somebody permits less than all, what is permitted is what is shown. */
static void check_policy(const struct config *config) {
        static const char *const protectors[] = {"systemd-creds", "keyfile", "passphrase", "memory",
                                                 "plaintext"};
        const char *shown = config_get(config, SETTING_POLICY);

        for (size_t i = 0; i < ARRAY_SIZE(protectors); i++) {
                const char *origin = config_policy_origin(config, protectors[i]);

                CLAIM(config_permits_protector(config, protectors[i]) == !origin);
                CLAIM(!origin || streq(origin, files[SYSTEM_FILE].path) ||
                      streq(origin, files[USER_FILE].path));
                CLAIM(shown || !origin || config_problem(config));
                CLAIM(!shown || config_policy_permits(shown, protectors[i]) == !origin);
        }
}

static void check_config(void) {
        const struct config_paths paths = {files[SYSTEM_FILE].path, files[USER_FILE].path};
        _cleanup_(config_freep) struct config *config = NULL;
        const struct fault *problem;

        CLAIM(config_load(&config, &paths) == 0);
        for (enum setting setting = 0; setting < _SETTING_MAX; setting++)
                check_setting(config, setting);

        check_policy(config);
        CLAIM(config_get(config, SETTING_PROTECTOR) && config_get(config, SETTING_KEEP_UNLOCKED));
        CLAIM(config_get(config, SETTING_ENVIRONMENT) && config_get(config, SETTING_CLIENT_ID));
        CLAIM(config_http_timeout_usec(config) >= 1000);
        CLAIM(config_http_timeout_usec(config) <= 24 * 3600 * USEC_PER_SEC);

        problem = config_problem(config);
        if (problem)
                CLAIM(problem->r == AGENT_ERROR_NOT_CONFIGURED && fuzz_is_text(problem->message));
}

/* The system's file and, behind 0xff, the user's. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        struct bytes input = {data, n}, first;
        _cleanup_(freep) char *text = fuzz_copy(input);

        if (!files[0].fd)
                make_files();

        first = fuzz_part(&input);
        fill(files[SYSTEM_FILE].fd, first);
        fill(files[USER_FILE].fd, input);
        check_config();

        for (enum setting setting = 0; setting < _SETTING_MAX; setting++)
                check_value(setting, text);
        return 0;
}
