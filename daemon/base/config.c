#include "daemon/base/config.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/config-file.h"
#include "daemon/base/config-policy.h"
#include "daemon/base/config-value.h"
#include "proto/error.h"

#define DEFAULT_SYSTEM_FILE "/etc/globus-agent/config.json"
#define DEFAULT_CLIENT_ID "61338d24-54d5-408f-a10d-66c06b59f6d2" /* of the Globus SDK's tutorial */

struct value {
        char *text; /* NULL: unset */
        const char *origin; /* borrowed: static, or a path of the config */
};

struct config {
        char *system_file, *user_file; /* user_file: NULL where there is no home */
        char *system_policy, *user_policy; /* of each file; NULL: it permits all */
        struct value values[_SETTING_MAX];
        char *proxy_display;
        struct fault problem;
};

/* Takes what no earlier source has set. */
static void config_set(struct config *config, enum setting setting, char **text, const char *origin) {
        if (*text && !config->values[setting].text)
                config->values[setting] = (struct value){.text = TAKE(*text), .origin = origin};
}

struct source {
        const char *path;
        mode_t forbidden;
        char **policy;
};

static int load_file(struct config *config, const struct source *source, struct fault *fault) {
        _cleanup_(config_file_deinit) struct config_file file = {0};
        int r;

        r = config_file_read(&file, source->path, source->forbidden, fault);
        if (r)
                return r;

        *source->policy = TAKE(file.text[SETTING_POLICY]);

        for (enum setting setting = 0; setting < _SETTING_MAX; setting++)
                config_set(config, setting, &file.text[setting], source->path);
        return 0;
}

/* The other settings are the first one's; of this one all that both files say counts. */
static int load_policy(struct config *config, struct fault *fault) {
        const char *system = config->system_policy, *user = config->user_policy;
        _cleanup_(freep) char *policy = NULL;
        bool narrowed;
        int r;

        if (!system && !user)
                return 0;

        r = config_policy_narrow(&policy, system ? system : user, user ? user : system);
        if (r == -EINVAL)
                return fault_set(fault, AGENT_ERROR_NOT_CONFIGURED,
                                 "%s: \"policy\" must permit one or more of %s, which %s permits",
                                 config->user_file, system, config->system_file);
        if (r)
                return r;

        narrowed = !system || !streq(policy, system);
        config_set(config, SETTING_POLICY, &policy, narrowed ? config->user_file : config->system_file);
        return 0;
}

static bool is_word(const char *text, const char *const *words) {
        for (; *words; words++)
                if (strcasecmp(text, *words) == 0)
                        return true;

        return false;
}

/* The SDK's words. No word for "false" turns the check of certificates off. */
static int load_verify_ssl(struct config *config, struct fault *fault) {
        static const char *const yes[] = {"1", "y", "yes", "t", "true", "on", NULL};
        static const char *const no[] = {"0", "n", "no", "f", "false", "off", NULL};
        const char *text = getenv("GLOBUS_SDK_VERIFY_SSL");
        _cleanup_(freep) char *checked = NULL;
        int r;

        if (!text || config->values[SETTING_CA_FILE].text || is_word(text, yes))
                return 0;
        if (is_word(text, no))
                return fault_set(
                        fault, AGENT_ERROR_NOT_CONFIGURED,
                        "GLOBUS_SDK_VERIFY_SSL is \"%s\", but TLS is never unverified: unset it, or let "
                        "it be %s",
                        text, config_value_allowed(SETTING_CA_FILE));

        r = config_value_check(&checked, SETTING_CA_FILE, text);
        if (r == -EINVAL)
                return fault_set(fault, AGENT_ERROR_NOT_CONFIGURED, "GLOBUS_SDK_VERIFY_SSL must be true, or %s",
                                 config_value_allowed(SETTING_CA_FILE));
        if (r)
                return r;

        config_set(config, SETTING_CA_FILE, &checked, "environment: GLOBUS_SDK_VERIFY_SSL");
        return 0;
}

static int load_http_timeout(struct config *config, struct fault *fault) {
        const char *text = getenv("GLOBUS_SDK_HTTP_TIMEOUT");
        _cleanup_(freep) char *checked = NULL;
        int r;

        if (!text || !*text || config->values[SETTING_HTTP_TIMEOUT].text)
                return 0;

        r = config_value_check(&checked, SETTING_HTTP_TIMEOUT, text);
        if (r == -EINVAL)
                return fault_set(fault, AGENT_ERROR_NOT_CONFIGURED, "GLOBUS_SDK_HTTP_TIMEOUT must be %s",
                                 config_value_allowed(SETTING_HTTP_TIMEOUT));
        if (r)
                return r;

        config_set(config, SETTING_HTTP_TIMEOUT, &checked, "environment: GLOBUS_SDK_HTTP_TIMEOUT");
        return 0;
}

/* In libcurl's order, and unchecked: it reads the variables itself. */
static int load_proxy(struct config *config, struct fault *fault) {
        static const struct {
                const char *name, *origin;
        } variables[] = {
                {"https_proxy", "environment: https_proxy"},
                {"HTTPS_PROXY", "environment: HTTPS_PROXY"},
                {"all_proxy", "environment: all_proxy"},
                {"ALL_PROXY", "environment: ALL_PROXY"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
                const char *text = getenv(variables[i].name);
                _cleanup_(freep) char *copied = NULL;

                if (!text || !*text)
                        continue;

                copied = strdup(text);
                if (!copied)
                        return -ENOMEM;

                config_set(config, SETTING_PROXY, &copied, variables[i].origin);
                return 0;
        }

        return 0;
}

static int load_built_in(struct config *config) {
        static const char *const built_in[_SETTING_MAX] = {
                [SETTING_ENVIRONMENT] = "production", [SETTING_CLIENT_ID] = DEFAULT_CLIENT_ID,
                [SETTING_HTTP_TIMEOUT] = "60",        [SETTING_PROTECTOR] = "auto",
                [SETTING_KEEP_UNLOCKED] = "true",
        };

        for (enum setting setting = 0; setting < _SETTING_MAX; setting++) {
                _cleanup_(freep) char *text = NULL;

                if (!built_in[setting])
                        continue;

                text = strdup(built_in[setting]);
                if (!text)
                        return -ENOMEM;
                config_set(config, setting, &text, "built in");
        }

        return 0;
}

/* What a proxy's URL has between scheme and host is left out. */
static int make_display(char **ret, const char *proxy) {
        const char *scheme_end = strstr(proxy, "://");
        const char *user = scheme_end ? scheme_end + 3 : proxy;
        const char *at = strrchr(user, '@');

        return asprintf(ret, "%.*s%s", (int)(user - proxy), proxy, at ? at + 1 : user) < 0 ? -ENOMEM : 0;
}

static int find_user_file(char **ret) {
        const char *config_home = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

        /* a path that is not absolute is to be ignored, says the XDG Base Directory Specification */
        if (config_home && config_home[0] == '/')
                return asprintf(ret, "%s/globus-agent/config.json", config_home) < 0 ? -ENOMEM : 0;

        if (!home || home[0] != '/') {
                const struct passwd *user = getpwuid(geteuid()); /* at start-up: nobody waits yet */

                home = user ? user->pw_dir : NULL;
        }
        if (!home)
                return 0;

        return asprintf(ret, "%s/.config/globus-agent/config.json", home) < 0 ? -ENOMEM : 0;
}

static int find_files(struct config *config, const struct config_paths *paths) {
        const char *system_file = paths ? paths->system_file : NULL,
                   *user_file = paths ? paths->user_file : NULL;

        config->system_file = strdup(system_file ? system_file : DEFAULT_SYSTEM_FILE);
        if (!config->system_file)
                return -ENOMEM;

        if (!user_file)
                return find_user_file(&config->user_file);

        config->user_file = strdup(user_file);
        return config->user_file ? 0 : -ENOMEM;
}

/* Of several problems the first is told. */
static int config_note(struct config *config, int r, struct fault *fault) {
        if (r > 0 && !config->problem.r) {
                config->problem = *fault;
                *fault = (struct fault){0};
        }

        return r < 0 ? r : 0;
}

static int config_load_sources(struct config *config) {
        const struct source files[] = {{config->user_file, 0022, &config->user_policy},
                                       {config->system_file, 0002, &config->system_policy}};
        int (*const others[])(struct config *, struct fault *) = {load_policy, load_verify_ssl,
                                                                  load_http_timeout, load_proxy};
        int r;

        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                _cleanup_(fault_deinit) struct fault fault = {0};

                if (!files[i].path)
                        continue;

                r = config_note(config, load_file(config, files + i, &fault), &fault);
                if (r)
                        return r;
        }

        for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
                _cleanup_(fault_deinit) struct fault fault = {0};

                r = config_note(config, others[i](config, &fault), &fault);
                if (r)
                        return r;
        }

        return load_built_in(config);
}

int config_load(struct config **ret, const struct config_paths *paths) {
        _cleanup_(config_freep) struct config *config = NULL;
        int r;

        config = calloc(1, sizeof(*config));
        if (!config)
                return -ENOMEM;

        r = find_files(config, paths);
        if (r)
                return r;

        r = config_load_sources(config);
        if (r)
                return r;

        if (config->values[SETTING_PROXY].text) {
                r = make_display(&config->proxy_display, config->values[SETTING_PROXY].text);
                if (r)
                        return r;
        }

        *ret = TAKE(config);
        return 0;
}

struct config *config_free(struct config *config) {
        if (!config)
                return NULL;

        for (size_t i = 0; i < _SETTING_MAX; i++)
                free(config->values[i].text);
        free(config->proxy_display);
        free(config->user_policy);
        free(config->system_policy);
        fault_deinit(&config->problem);
        free(config->user_file);
        free(config->system_file);
        free(config);
        return NULL;
}

const char *config_get(const struct config *config, enum setting setting) {
        return config->values[setting].text;
}

const char *config_origin(const struct config *config, enum setting setting) {
        return config->values[setting].text ? config->values[setting].origin : "built in";
}

const char *config_display(const struct config *config, enum setting setting) {
        return setting == SETTING_PROXY ? config->proxy_display : config->values[setting].text;
}

uint64_t config_http_timeout_usec(const struct config *config) {
        return (uint64_t)(strtod(config->values[SETTING_HTTP_TIMEOUT].text, NULL) * (double)USEC_PER_SEC);
}

bool config_keep_unlocked(const struct config *config) {
        return streq(config->values[SETTING_KEEP_UNLOCKED].text, "true");
}

bool config_permits_protector(const struct config *config, const char *protector) {
        return !config_policy_origin(config, protector);
}

const char *config_policy_origin(const struct config *config, const char *protector) {
        if (config->system_policy && !config_policy_permits(config->system_policy, protector))
                return config->system_file;
        if (config->user_policy && !config_policy_permits(config->user_policy, protector))
                return config->user_file;

        return NULL;
}

const struct fault *config_problem(const struct config *config) {
        return config->problem.r ? &config->problem : NULL;
}
