/*
 * trace-kill N FD PROGRAM [ARGUMENT]...: runs a program, and kills it at the N-th system call of an operation.
 *
 * FD is one end of a stream socket. "begin" on it begins the count, over all threads, and is answered with
 * "begun". Then comes either "killed NUMBER", the system call that it was on its way into, as this machine
 * numbers them, or, once the other end is shut for writing, "ended COUNT": it did not get that far, and is
 * killed now. One line each. When the stream ends, nothing of the program is left.
 *
 * Into a call only, not out of it: a call not entered has no effect, and between two calls a thread changes
 * nothing but memory. So to die on the way into the next call is to die right after this one.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

enum { THREADS_MAX = 256 };

static pid_t program;
static pid_t threads[THREADS_MAX];
static size_t n_threads;
static unsigned long kill_at, n_calls;
static bool counting, over;
static int control;

static _Noreturn void die(const char *what) {
        fprintf(stderr, "trace-kill: %s: %s\n", what, strerror(errno));
        exit(EXIT_FAILURE);
}

static void say(const char *word, unsigned long number) {
        (void)dprintf(control, "%s %lu\n", word, number);
}

/* A thread that the program's end took away meanwhile is no error. */
static long trace(int request, pid_t tid, unsigned long data) {
        long r = ptrace((enum __ptrace_request)request, tid, NULL, data);

        if (r < 0 && errno != ESRCH)
                die("ptrace");
        return r;
}

static void end_program(const char *word, unsigned long number) {
        over = true;
        for (size_t i = 0; i < n_threads; i++)
                (void)kill(threads[i], SIGKILL);
        say(word, number);
}

static void on_call(pid_t tid) {
        struct ptrace_syscall_info info;

        if (ptrace((enum __ptrace_request)PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) <= 0)
                return;
        if (counting && !over && info.op == PTRACE_SYSCALL_INFO_ENTRY && ++n_calls == kill_at)
                end_program("killed", (unsigned long)info.entry.nr);
}

static void add_thread(pid_t tid) {
        for (size_t i = 0; i < n_threads; i++)
                if (threads[i] == tid)
                        return;

        if (n_threads == THREADS_MAX) {
                errno = EAGAIN;
                die("too many threads");
        }
        threads[n_threads++] = tid;
}

static void remove_thread(pid_t tid) {
        for (size_t i = 0; i < n_threads; i++)
                if (threads[i] == tid)
                        threads[i] = threads[--n_threads];
}

/* What stopped the thread: a system call, the kernel on our behalf, or a signal, which is passed on. */
static void on_stop(pid_t tid, int status) {
        int number = WSTOPSIG(status);

        add_thread(tid);
        if (number == (SIGTRAP | 0x80))
                on_call(tid);

        trace(counting ? PTRACE_SYSCALL : PTRACE_CONT, tid,
              number == (SIGTRAP | 0x80) || status >> 16 ? 0 : (unsigned long)number);
}

/* False: all have ended. */
static bool take_stops(void) {
        int status;
        pid_t tid;

        while ((tid = waitpid(-1, &status, __WALL | WNOHANG)) > 0) {
                if (WIFSTOPPED(status))
                        on_stop(tid, status);
                else
                        remove_thread(tid);
        }

        return tid == 0;
}

/* A thread that waits in a call is stopped, too, and goes back into it as one that is counted. */
static void begin(void) {
        counting = true;
        for (size_t i = 0; i < n_threads; i++)
                trace(PTRACE_INTERRUPT, threads[i], 0);
        (void)dprintf(control, "begun\n");
}

static void on_word(void) {
        char word[16] = {0};
        ssize_t n = read(control, word, sizeof(word) - 1);

        if (n > 0 && strcmp(word, "begin\n") == 0)
                begin();
        else if (!over)
                end_program("ended", n_calls);
}

static void on_child(int number) {
}

static void follow(const sigset_t *waiting) {
        struct pollfd word = {.fd = control, .events = POLLIN};

        while (take_stops()) {
                word.fd = over ? -1 : control;
                if (ppoll(&word, 1, NULL, waiting) > 0)
                        on_word();
        }
}

/* Runs the program from its first instruction on under our eyes, before it can forbid that. */
static void start(char **argv, const sigset_t *mask) {
        const unsigned long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
                                      PTRACE_O_TRACEVFORK | PTRACE_O_EXITKILL;
        int gate[2];
        char word;

        if (pipe2(gate, O_CLOEXEC) < 0)
                die("pipe2");

        program = fork();
        if (program < 0)
                die("fork");
        if (program == 0) {
                close(gate[1]);
                (void)!read(gate[0], &word, 1);
                sigprocmask(SIG_SETMASK, mask, NULL);
                execv(argv[0], argv);
                die(argv[0]);
        }

        if (ptrace(PTRACE_SEIZE, program, NULL, options) < 0) {
                int error = errno;

                kill(program, SIGKILL);
                errno = error;
                die("ptrace");
        }
        add_thread(program);
        close(gate[0]);
        close(gate[1]);
}

int main(int argc, char **argv) {
        const struct sigaction wake = {.sa_handler = on_child};
        sigset_t child, before;

        if (argc < 4) {
                fprintf(stderr, "usage: trace-kill N FD PROGRAM [ARGUMENT]...\n");
                return EXIT_FAILURE;
        }
        kill_at = strtoul(argv[1], NULL, 10);
        control = atoi(argv[2]);
        if (fcntl(control, F_SETFD, FD_CLOEXEC) < 0)
                die("control");

        sigemptyset(&child);
        sigaddset(&child, SIGCHLD);
        sigprocmask(SIG_BLOCK, &child, &before);
        sigaction(SIGCHLD, &wake, NULL);

        start(argv + 3, &before);
        follow(&before);
        return EXIT_SUCCESS;
}
