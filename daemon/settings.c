#include "daemon/settings.h"

#include "proto/log.h"

struct http_settings settings_of_http(const struct config *config) {
        return (struct http_settings){
                .ca_file = config_get(config, SETTING_CA_FILE),
                .proxy = config_get(config, SETTING_PROXY),
                .timeout_usec = config_http_timeout_usec(config),
        };
}

struct disk_wish settings_of_disk(const struct config *config) {
        const char *name = config_get(config, SETTING_PROTECTOR);
        struct disk_wish wish = {.protector = protector_find(name), .automatic = streq(name, "auto")};

        for (enum protector protector = 0; protector < _PROTECTOR_MAX; protector++)
                if (config_permits_protector(config, protector_name(protector)))
                        wish.permitted |= 1U << protector;

        return wish;
}

int settings_init(struct settings *settings, const char *user_file) {
        int r;

        settings->paths = (struct config_paths){.user_file = user_file};
        r = config_load(&settings->config, &settings->paths);
        if (!r && config_problem(settings->config))
                log_error("Not configured: %s", fault_message(config_problem(settings->config)));

        return r;
}

void settings_deinit(struct settings *settings) {
        config_free(settings->config);
        fault_deinit(&settings->trouble);
}

void settings_reload(struct settings *settings, struct http *http) {
        _cleanup_(config_freep) struct config *config = NULL;
        struct http_settings network;
        int r;

        fault_deinit(&settings->trouble);
        r = config_load(&config, &settings->paths);
        if (r)
                (void)fault_set(&settings->trouble, r, NULL);
        else if (config_problem(config))
                (void)fault_copy(&settings->trouble, config_problem(config));

        if (!settings->trouble.r) {
                network = settings_of_http(config);
                r = http_configure(http, &network);
                if (r)
                        (void)fault_set(&settings->trouble, r, NULL);
        }

        if (settings->trouble.r) {
                log_error("Keeping the settings as they were: %s", fault_message(&settings->trouble));
                return;
        }

        config_free(settings->config);
        settings->config = TAKE(config);
        log_notice("Settings read anew");
}
