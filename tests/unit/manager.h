#pragma once

/* Manager: a service manager's end of its notification socket, in a directory of its own. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char manager_directory[64], manager_path[96];
static int manager_fd = -1;

static int manager_begin(void) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        snprintf(manager_directory, sizeof(manager_directory), "/tmp/test-manager.XXXXXX");
        if (!mkdtemp(manager_directory))
                return -1;

        snprintf(manager_path, sizeof(manager_path), "%s/notify", manager_directory);
        memcpy(address.sun_path, manager_path, strlen(manager_path));
        manager_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        setenv("NOTIFY_SOCKET", manager_path, 1);
        return bind(manager_fd, (const struct sockaddr *)&address, sizeof(address));
}

static int manager_end(void) {
        unsetenv("NOTIFY_SOCKET");
        close(manager_fd);
        unlink(manager_path);
        return rmdir(manager_directory);
}

/* The next message, or NULL: none. *ret_fd came along, or is -1. */
static const char *manager_hear(int *ret_fd) {
        static char text[256];
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int))];
        } control = {};
        struct iovec iov = {text, sizeof(text) - 1};
        struct msghdr message = {
                .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control.space),
        };
        ssize_t n = recvmsg(manager_fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

        if (n < 0)
                return NULL;

        text[n] = '\0';
        *ret_fd = -1;
        if (CMSG_FIRSTHDR(&message))
                memcpy(ret_fd, CMSG_DATA(&control.header), sizeof(*ret_fd));
        return text;
}
