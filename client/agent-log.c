#include "client/agent-log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/command.h"

enum { LOG_SIZE_MAX = 1024 * 1024, TAIL_MAX = 4096 };

static int log_directory(char **ret) {
        const char *state = command_getenv("XDG_STATE_HOME"), *home = command_getenv("HOME");
        int n;

        if (state && state[0] == '/')
                n = asprintf(ret, "%s/globus-agent", state);
        else if (home && home[0] == '/')
                n = asprintf(ret, "%s/.local/state/globus-agent", home);
        else
                return -ENOENT;

        return n < 0 ? -ENOMEM : 0;
}

static int make_directories(char *path) {
        for (char *p = strchr(path + 1, '/');; p = strchr(p + 1, '/')) {
                int r;

                if (p)
                        *p = '\0';
                r = mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
                if (!p)
                        return r;
                *p = '/'; /* one that cannot be made and is not there fails the last step, too */
        }
}

int agent_log_open(int *ret_fd) {
        _cleanup_(freep) char *directory = NULL, *path = NULL;
        struct stat st;
        int fd, r;

        r = log_directory(&directory);
        if (r)
                return r;
        r = make_directories(directory);
        if (r)
                return r;
        if (asprintf(&path, "%s/agent.log", directory) < 0) {
                path = NULL;
                return -ENOMEM;
        }

        fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;

        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid()) {
                close(fd);
                return -EPERM;
        }
        if (fchmod(fd, 0600) < 0 || (st.st_size > LOG_SIZE_MAX && ftruncate(fd, 0) < 0)) {
                r = -errno;
                close(fd);
                return r;
        }

        *ret_fd = fd;
        return 0;
}

/* Past a time as proto/log.h writes it. */
static const char *skip_time(const char *line) {
        const char *blank = strchr(line, ' ');

        return blank && blank > line && blank[-1] == 'Z' && line[0] >= '0' && line[0] <= '9' ? blank + 1 : line;
}

int agent_log_last_line(char **ret, int fd, off_t offset) {
        char tail[TAIL_MAX + 1], *newline, *line;
        const char *begin;
        struct stat st;
        ssize_t n;

        if (fstat(fd, &st) < 0)
                return -errno;

        n = pread(fd, tail, TAIL_MAX, MAX(offset, st.st_size - TAIL_MAX));
        if (n < 0)
                return -errno;

        while (n > 0 && tail[n - 1] == '\n')
                n--;
        tail[n] = '\0';

        newline = strrchr(tail, '\n');
        begin = skip_time(newline ? newline + 1 : tail);
        if (!*begin)
                return 0;

        line = strdup(begin);
        if (!line)
                return -ENOMEM;

        free(*ret);
        *ret = line;
        return 0;
}
