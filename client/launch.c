#include "client/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/agent-log.h"
#include "client/command.h"
#include "proto/client.h"
#include "proto/error.h"

enum { READY_FD = 3 };

struct launch {
        const char *program; /* borrowed */
        const char *socket_path; /* borrowed */
        int log_fd, ready_fd;
};

static void closep(int *fd) {
        if (*fd >= 0)
                close(*fd);
}

/* Beside this program, for one that was built or installed together with it; else in $PATH. */
static int find_program(char **ret) {
        _cleanup_(freep) char *self = realpath("/proc/self/exe", NULL), *places = NULL;
        const char *path = command_getenv("PATH") ?: "/usr/local/bin:/usr/bin:/bin";
        char *slash = self ? strrchr(self, '/') : NULL, *rest, *directory;

        if (slash)
                *slash = '\0';
        if (asprintf(&places, "%s:%s", slash ? self : "", path) < 0) {
                places = NULL;
                return -ENOMEM;
        }

        rest = places;
        while ((directory = strsep(&rest, ":"))) {
                _cleanup_(freep) char *program = NULL;

                if (directory[0] != '/')
                        continue;
                if (asprintf(&program, "%s/globus-agent", directory) < 0) {
                        program = NULL;
                        return -ENOMEM;
                }
                if (access(program, X_OK) == 0) {
                        *ret = TAKE(program);
                        return 0;
                }
        }

        return -ENOENT;
}

static void reset_signals(void) {
        sigset_t none;

        for (int number = 1; number < SIGRTMAX; number++)
                signal(number, SIG_DFL);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Puts the log and the pipe where the daemon expects them, and leaves it nothing else. */
static int arrange_descriptors(const struct launch *launch) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC), log, ready;

        /* out of the way of the numbers to be given away */
        log = fcntl(launch->log_fd >= 0 ? launch->log_fd : null, F_DUPFD_CLOEXEC, READY_FD + 1);
        ready = fcntl(launch->ready_fd, F_DUPFD_CLOEXEC, READY_FD + 1);

        if (dup2(null, STDIN_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0 ||
            dup2(ready, READY_FD) < 0)
                return -errno;

        return (int)syscall(SYS_close_range, READY_FD + 1, ~0U, 0) < 0 ? -errno : 0;
}

/* In the grandchild. */
__attribute__((noreturn)) static void become_daemon(const struct launch *launch) {
        char ready[16];
        const char *const argv[] = {launch->program, "--socket", launch->socket_path,
                                    "--ready-fd",    ready,      NULL};

        snprintf(ready, sizeof(ready), "%d", READY_FD);
        umask(0077);
        reset_signals();

        /* freed memory is overwritten: a belt for what the wiping of secrets does not reach; and the service
         * that the client may be part of is not told about another one */
        (void)unsetenv("NOTIFY_SOCKET");
        if (chdir("/") < 0 ||
            setenv("GLIBC_TUNABLES", "glibc.malloc.perturb=90:glibc.malloc.tcache_count=0", 1) < 0 ||
            arrange_descriptors(launch) < 0)
                _exit(EXIT_STATUS_FAILED);

        execv(launch->program, (char *const *)argv);
        dprintf(STDERR_FILENO, "%s cannot be run: %s\n", launch->program, error_sentence(-errno));
        _exit(EXIT_STATUS_FAILED);
}

/* The child leads a new session and ends at once, so that the daemon can never get a controlling terminal. */
static int fork_daemon(const struct launch *launch) {
        pid_t child = fork();
        int status;

        if (child < 0)
                return -errno;
        if (child == 0) {
                pid_t daemon_pid;

                setsid();
                daemon_pid = fork();
                if (daemon_pid == 0)
                        become_daemon(launch);
                _exit(daemon_pid < 0 ? EXIT_STATUS_FAILED : EXIT_SUCCESS);
        }

        while (waitpid(child, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EAGAIN;
}

/* A byte says that it serves, the end that it ended. */
static int wait_ready(int fd, uint64_t deadline_usec) {
        for (;;) {
                uint64_t now_usec = client_now_usec();
                char byte;
                ssize_t n;

                if (now_usec >= deadline_usec)
                        return -ETIMEDOUT;

                n = poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1,
                         (int)MIN((deadline_usec - now_usec) / USEC_PER_MSEC + 1, (uint64_t)INT32_MAX));
                if (n > 0)
                        n = read(fd, &byte, 1);
                else if (n == 0)
                        continue;
                if (n > 0)
                        return 0;
                if (n == 0)
                        return -ENODATA;
                if (errno != EINTR)
                        return -errno;
        }
}

int launch_daemon(const char *socket_path, uint64_t deadline_usec, char **ret_last_words, struct fault *fault) {
        _cleanup_(closep) int log_fd = -1, ready_fd = -1;
        _cleanup_(freep) char *program = NULL;
        struct launch launch;
        off_t log_size = 0;
        int pipe_fds[2], r;

        r = find_program(&program);
        if (r)
                return fault_set(fault, r,
                                 "No globus-agent is running, and none is found to start; install it "
                                 "beside globus-agentctl or in a directory of $PATH");

        /* a daemon without a log is better than none */
        if (agent_log_open(&log_fd) == 0)
                log_size = lseek(log_fd, 0, SEEK_END);
        if (pipe2(pipe_fds, O_CLOEXEC) < 0)
                return fault_set(fault, -errno, "Cannot start globus-agent: %s", error_sentence(-errno));
        ready_fd = pipe_fds[0];

        launch = (struct launch){
                .program = program,
                .socket_path = socket_path,
                .log_fd = log_fd,
                .ready_fd = pipe_fds[1],
        };
        r = fork_daemon(&launch);
        close(pipe_fds[1]);
        if (r)
                return fault_set(fault, r, "Cannot start globus-agent: %s", error_sentence(r));

        r = wait_ready(ready_fd, deadline_usec);
        if (r == -ENODATA && log_fd >= 0)
                (void)agent_log_last_line(ret_last_words, log_fd, log_size);
        if (r && r != -ENODATA)
                return fault_set(fault, r, "globus-agent was started but does not get ready: %s",
                                 error_sentence(r));
        return r;
}
