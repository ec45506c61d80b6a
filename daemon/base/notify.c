#include "daemon/base/notify.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void closep(int *fd) {
        if (*fd >= 0)
                close(*fd);
}

bool notify_is_wanted(void) {
        const char *path = getenv("NOTIFY_SOCKET");

        return path && *path;
}

int notify_connect(int *ret) {
        const char *path = getenv("NOTIFY_SOCKET");
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        size_t n = path ? strlen(path) : 0;
        _cleanup_(closep) int fd = -1;

        if (n == 0)
                return -ENOENT;
        if (n >= sizeof(address.sun_path))
                return -ENAMETOOLONG;

        memcpy(address.sun_path, path, n);
        if (path[0] == '@') /* abstract: its size, not a NUL, ends it */
                address.sun_path[0] = '\0';
        else
                n++;

        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || connect(fd, (const struct sockaddr *)&address,
                              (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
                return -errno;

        *ret = fd;
        fd = -1;
        return 0;
}

int notify_send(int socket_fd, const char *text, int fd) {
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int))];
        } control = {};
        struct iovec iov = {(char *)text, strlen(text)};
        struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};

        if (fd >= 0) {
                control.header = (struct cmsghdr){
                        .cmsg_level = SOL_SOCKET,
                        .cmsg_type = SCM_RIGHTS,
                        .cmsg_len = CMSG_LEN(sizeof(int)),
                };
                memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
                message.msg_control = &control;
                message.msg_controllen = sizeof(control.space);
        }

        return sendmsg(socket_fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}
