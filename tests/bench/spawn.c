/*
 * spawn end|ready MSEC ROUNDS -- COMMAND... [-- COMMAND...]...: runs several commands in turn, a slice of time
 * each, so that what befalls the machine befalls them all.
 *
 * A command may begin with NAME=VALUE, as for env(1). Measured is a run from its start to its end, or until the
 * program writes to descriptor 3, upon which it is killed. Of each slice there is one line of JSON: which
 * command, how many runs, and their median in nanoseconds.
 */

#include "tests/bench/bench.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

enum { RUNS_MAX = 100000, COMMANDS_MAX = 8, ENVIRONMENT_MAX = 128, READY_FD = 3 };

static bool until_ready;
static int64_t samples[RUNS_MAX];

/* From the words before the command, which *command then stands at. The rest is this program's own. */
static char **take_environment(char ***command) {
        static char *environment[ENVIRONMENT_MAX + 1];
        size_t n = 0;

        for (; strchr(**command, '=') && n < ENVIRONMENT_MAX; (*command)++)
                environment[n++] = **command;
        for (char **variable = environ; *variable && n < ENVIRONMENT_MAX; variable++)
                environment[n++] = *variable;

        environment[n] = NULL;
        return environment;
}

static pid_t start(char **command, int ready_fd) {
        char **environment = take_environment(&command);
        posix_spawn_file_actions_t actions;
        pid_t pid;

        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        if (until_ready)
                posix_spawn_file_actions_adddup2(&actions, ready_fd, READY_FD);
        if (posix_spawn(&pid, command[0], &actions, NULL, command, environment))
                die(command[0]);

        posix_spawn_file_actions_destroy(&actions);
        return pid;
}

static void wait_end(pid_t pid, char **command) {
        int status;

        if (waitpid(pid, &status, 0) < 0)
                die("waitpid");
        if (until_ready ? !WIFSIGNALED(status) : status != 0) {
                fprintf(stderr, "%s failed: status %#x\n", command[0], (unsigned)status);
                exit(EXIT_FAILURE);
        }
}

static int64_t run_to_end(char **command) {
        int64_t begin = now_nsec();

        wait_end(start(command, -1), command);
        return now_nsec() - begin;
}

static int64_t run_until_ready(char **command) {
        int64_t begin, took;
        int ready[2];
        pid_t pid;
        char byte;

        if (pipe2(ready, O_CLOEXEC) < 0)
                die("pipe2");

        begin = now_nsec();
        pid = start(command, ready[1]);
        close(ready[1]);
        if (read(ready[0], &byte, 1) != 1) {
                fprintf(stderr, "%s ended before it was ready\n", command[0]);
                exit(EXIT_FAILURE);
        }
        took = now_nsec() - begin;

        close(ready[0]);
        (void)kill(pid, SIGKILL);
        wait_end(pid, command);
        return took;
}

static void run_slice(char **command, size_t number, int64_t slice_nsec) {
        int64_t begin = now_nsec();
        size_t n = 0;

        do
                samples[n++] = until_ready ? run_until_ready(command) : run_to_end(command);
        while (n < RUNS_MAX && now_nsec() - begin < slice_nsec);

        qsort(samples, n, sizeof(*samples), compare_samples);
        printf("{\"target\": %zu, \"runs\": %zu, \"p50\": %" PRId64 "}\n", number, n,
               quantile(samples, n, 0.5));
}

int main(int argc, char **argv) {
        char **commands[COMMANDS_MAX];
        size_t n = 0;
        long msec, rounds;

        if (argc < 6) {
                fprintf(stderr, "usage: spawn end|ready MSEC ROUNDS -- COMMAND... [-- COMMAND...]...\n");
                return EXIT_FAILURE;
        }

        until_ready = strcmp(argv[1], "ready") == 0;
        msec = strtol(argv[2], NULL, 10);
        rounds = strtol(argv[3], NULL, 10);
        for (char **argument = argv + 4; *argument; argument++)
                if (strcmp(*argument, "--") == 0 && n < COMMANDS_MAX) {
                        *argument = NULL;
                        commands[n++] = argument + 1;
                }

        for (long round = 0; round < rounds; round++)
                for (size_t i = 0; i < n; i++)
                        run_slice(commands[i], i, msec * NSEC_PER_MSEC);

        return EXIT_SUCCESS;
}
