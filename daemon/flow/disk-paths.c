#include "daemon/flow/disk.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

static const char *home(void) {
        const char *home = getenv("HOME");
        const struct passwd *user;

        if (home && home[0] == '/')
                return home;

        user = getpwuid(geteuid());
        return user && user->pw_dir && user->pw_dir[0] == '/' ? user->pw_dir : NULL;
}

/* XDG Base Directory Specification: a relative path is to be ignored. */
static int find_dir(char **ret, const char *variable, const char *below_home) {
        const char *base = getenv(variable);
        int n;

        if (base && base[0] == '/') {
                n = asprintf(ret, "%s/globus-agent", base);
        } else {
                base = home();
                if (!base)
                        return -ENOENT;
                n = asprintf(ret, "%s/%s/globus-agent", base, below_home);
        }

        return n < 0 ? -ENOMEM : 0;
}

static int set(struct disk_paths *ret, char **state_dir, char **config_dir) {
        *ret = (struct disk_paths){.state_dir = TAKE(*state_dir), .config_dir = TAKE(*config_dir)};
        return 0;
}

int disk_paths_init(struct disk_paths *ret) {
        _cleanup_(freep) char *state_dir = NULL, *config_dir = NULL;
        int r;

        r = find_dir(&state_dir, "XDG_STATE_HOME", ".local/state");
        if (r)
                return r;
        r = find_dir(&config_dir, "XDG_CONFIG_HOME", ".config");
        if (r)
                return r;

        return set(ret, &state_dir, &config_dir);
}

int disk_paths_copy(struct disk_paths *ret, const struct disk_paths *paths) {
        _cleanup_(freep) char *state_dir = strdup(paths->state_dir), *config_dir = strdup(paths->config_dir);

        if (!state_dir || !config_dir)
                return -ENOMEM;

        return set(ret, &state_dir, &config_dir);
}

void disk_paths_deinit(struct disk_paths *paths) {
        free(paths->state_dir);
        free(paths->config_dir);
        *paths = (struct disk_paths){0};
}
