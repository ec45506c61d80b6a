#include "client/manager.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/command.h"
#include "proto/client.h"

#define ANSWER_USEC (5 * USEC_PER_SEC)

static const char socket_suffix[] = "/globus-agent/socket";

/* The runtime directory that the path lies in as the unit's socket does, if a manager serves it. */
static bool manager_runtime_directory(char **ret, const char *path) {
        _cleanup_(freep) char *directory = NULL, *private = NULL, *usual = NULL;
        const char *named = command_getenv("XDG_RUNTIME_DIR");
        size_t n = strlen(path), n_suffix = sizeof(socket_suffix) - 1;

        if (n <= n_suffix || !streq(path + n - n_suffix, socket_suffix))
                return false;

        directory = strndup(path, n - n_suffix);
        if (!directory || asprintf(&usual, "/run/user/%u", geteuid()) < 0)
                return false;
        if (!(named && streq(directory, named)) && !streq(directory, usual))
                return false;

        if (asprintf(&private, "%s/systemd/private", directory) < 0 || access(private, F_OK) < 0)
                return false;

        *ret = TAKE(directory);
        return true;
}

static int spawn_silently(pid_t *ret, char *const *argv) {
        posix_spawn_file_actions_t actions;
        int r;

        r = posix_spawn_file_actions_init(&actions);
        if (r)
                return -r;

        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO && !r; fd++)
                r = posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
        if (!r)
                r = posix_spawnp(ret, argv[0], &actions, NULL, argv, environ);

        posix_spawn_file_actions_destroy(&actions);
        return -r;
}

/* True if the child ended well before the deadline; it is gone in any case. */
static bool child_succeeds(pid_t pid, uint64_t deadline_usec) {
        int fd = (int)syscall(SYS_pidfd_open, pid, 0), status, n = 0;
        uint64_t now_usec;

        while (fd >= 0 && (now_usec = client_now_usec()) < deadline_usec) {
                n = poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1,
                         (int)((deadline_usec - now_usec) / USEC_PER_MSEC) + 1);
                if (n > 0 || (n < 0 && errno != EINTR))
                        break;
        }

        if (fd >= 0)
                close(fd);
        if (fd >= 0 && n <= 0)
                kill(pid, SIGKILL);

        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return false;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool manager_start_socket(const char *path, uint64_t deadline_usec) {
        static char *const argv[] = {(char *)"systemctl",           (char *)"--user",
                                     (char *)"--no-ask-password",   (char *)"start",
                                     (char *)"globus-agent.socket", NULL};
        _cleanup_(freep) char *directory = NULL;
        pid_t pid;

        if (!manager_runtime_directory(&directory, path))
                return false;

        /* systemctl finds the manager by it, and it may be unset, as in a cron job */
        if (setenv("XDG_RUNTIME_DIR", directory, 1) < 0)
                return false;
        if (spawn_silently(&pid, argv))
                return false;

        return child_succeeds(pid, MIN(deadline_usec, client_now_usec() + ANSWER_USEC));
}
