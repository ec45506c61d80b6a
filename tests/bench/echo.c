/*
 * echo SOCKET REPLY-FILE: the floor of every server: answers whatever ends in a NUL with the same bytes, from
 * an epoll loop that does nothing else. Writes one byte to descriptor 3 when it serves.
 */

#include "tests/bench/bench.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/resource.h>

enum { EVENTS_A_WAIT = 64, REQUEST_MAX = 64 * 1024 };

static const char *reply;
static size_t reply_size;

static void watch(int epoll_fd, int fd) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
                die("epoll_ctl");
}

static void admit(int epoll_fd, int listening_fd) {
        int fd;

        while ((fd = accept4(listening_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
                watch(epoll_fd, fd);
        if (errno != EAGAIN)
                die("accept4");
}

/* Its clients send a request in one piece, and read the reply before the next. */
static void serve(int fd) {
        static char request[REQUEST_MAX];
        ssize_t n = read(fd, request, sizeof(request));

        if (n <= 0)
                close(fd);
        else if (request[n - 1] == '\0' && send(fd, reply, reply_size, MSG_NOSIGNAL) != (ssize_t)reply_size)
                close(fd);
}

static int listen_at(const char *path) {
        struct sockaddr_un address;
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        set_address(&address, path);
        if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, SOMAXCONN) < 0)
                die(path);
        return fd;
}

static void raise_descriptor_limit(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                die("getrlimit");
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
                die("setrlimit");
}

int main(int argc, char **argv) {
        struct epoll_event events[EVENTS_A_WAIT];
        int epoll_fd, listening_fd, n;

        if (argc != 3) {
                fprintf(stderr, "usage: echo SOCKET REPLY-FILE\n");
                return EXIT_FAILURE;
        }

        raise_descriptor_limit();
        reply = read_file(argv[2], &reply_size);
        listening_fd = listen_at(argv[1]);
        epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        if (epoll_fd < 0)
                die("epoll_create1");

        watch(epoll_fd, listening_fd);
        if (write(3, "", 1) < 0)
                die("descriptor 3");

        while ((n = epoll_wait(epoll_fd, events, EVENTS_A_WAIT, -1)) >= 0 || errno == EINTR)
                for (int i = 0; i < n; i++)
                        if (events[i].data.fd == listening_fd)
                                admit(epoll_fd, listening_fd);
                        else
                                serve(events[i].data.fd);

        die("epoll_wait");
}
