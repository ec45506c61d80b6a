#include "daemon/base/harden.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* A name that ends in '*' stands for all that begin so. */
static const char *const kept[] = {
        /* who and where */
        "HOME",
        "USER",
        "LOGNAME",
        "PATH",
        "LANG",
        "LC_*",
        "TZ",
        "XDG_RUNTIME_DIR",
        "XDG_STATE_HOME",
        "XDG_CONFIG_HOME",
        /* settings */
        "GLOBUS_AGENT_SOCK",
        "GLOBUS_SDK_VERIFY_SSL",
        "GLOBUS_SDK_HTTP_TIMEOUT",
        "http_proxy",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
        "no_proxy",
        "NO_PROXY",
        /* the service manager's */
        "LISTEN_FDS",
        "LISTEN_PID",
        "LISTEN_FDNAMES",
        "NOTIFY_SOCKET",
        "WATCHDOG_USEC",
        "WATCHDOG_PID",
        "MAINPID",
        "JOURNAL_STREAM",
        "INVOCATION_ID",
        "SYSTEMD_EXEC_PID",
        /* the allocator that wipes; the sanitizers */
        "GLIBC_TUNABLES",
        "ASAN_OPTIONS",
        "UBSAN_OPTIONS",
        "LSAN_OPTIONS",
};

/* variable: NAME=VALUE */
static bool is_kept(const char *variable) {
        const char *equals = strchr(variable, '=');
        size_t n = equals ? (size_t)(equals - variable) : 0;

        for (size_t i = 0; n > 0 && i < ARRAY_SIZE(kept); i++) {
                size_t n_kept = strlen(kept[i]);

                if (kept[i][n_kept - 1] == '*' ? strncmp(variable, kept[i], n_kept - 1) == 0
                                               : n == n_kept && memcmp(variable, kept[i], n) == 0)
                        return true;
        }

        return false;
}

int harden_environment(void) {
        char **scrubbed;
        size_t n = 0;

        while (environ && environ[n])
                n++;

        scrubbed = malloc((n + 1) * sizeof(*scrubbed));
        if (!scrubbed)
                return -ENOMEM;

        n = 0;
        for (char **variable = environ; variable && *variable; variable++)
                if (is_kept(*variable))
                        scrubbed[n++] = *variable;
        scrubbed[n] = NULL;

        environ = scrubbed; /* for the rest of the process's life */
        return 0;
}

void harden_process(void) {
        const struct rlimit no_core = {0, 0};

        (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        (void)umask(077);
        (void)signal(SIGPIPE, SIG_IGN);
}

uint64_t harden_descriptor_limit(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return 1024; /* what Linux starts a process with */

        if (limit.rlim_cur < limit.rlim_max) {
                struct rlimit raised = {limit.rlim_max, limit.rlim_max};

                if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
                        return raised.rlim_cur;
        }

        return limit.rlim_cur;
}
