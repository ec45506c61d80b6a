#include "daemon/base/service.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "daemon/base/notify.h"
#include "proto/strv.h"

static const char listener_name[] = "varlink";

static void closep(int *fd) {
        if (*fd >= 0)
                close(*fd);
}

static int set_nonblocking(int fd) {
        int flags = fcntl(fd, F_GETFL);

        return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

int service_take_passed(struct fd_store *store) {
        _cleanup_(strv_freep) char **names = NULL;
        _cleanup_(closep) int listener = -1;
        int n, r;

        n = sd_listen_fds_with_names(1, &names);
        if (n < 0)
                return n;

        for (int i = 0; i < n; i++) {
                int fd = SD_LISTEN_FDS_START + i;

                if (listener < 0 && streq(names[i], listener_name))
                        listener = fd;
                else if (fd_store_adopt(store, fd, names[i]))
                        close(fd);
        }

        if (listener < 0)
                return -ENOENT;
        if (sd_is_socket_unix(listener, SOCK_STREAM, 1, NULL, 0) <= 0)
                return -EINVAL;

        r = set_nonblocking(listener);
        if (r)
                return r;

        r = listener;
        listener = -1;
        return r;
}

/* For as long as the descriptor lives, the process may have died however it wants. */
static int take_lock(int *ret, const char *path) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        _cleanup_(freep) char *lock_path = NULL;
        _cleanup_(closep) int fd = -1;

        if (asprintf(&lock_path, "%s.lock", path) < 0)
                return -ENOMEM;

        fd = open(lock_path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        if (fcntl(fd, F_OFD_SETLK, &lock) < 0)
                return errno == EAGAIN || errno == EACCES ? -EADDRINUSE : -errno;

        *ret = fd;
        fd = -1;
        return 0;
}

static int new_socket(int *ret) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0)
                return -errno;

        *ret = fd;
        return 0;
}

/* Removes a socket that nobody serves. The lock keeps away other daemons that were started by a client; a
 * service manager that listens for us takes no lock, but answers. */
static int remove_stale(const struct sockaddr_un *address) {
        _cleanup_(closep) int fd = -1;
        struct stat st;
        int r;

        if (lstat(address->sun_path, &st) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (!S_ISSOCK(st.st_mode))
                return -EEXIST;

        r = new_socket(&fd);
        if (r)
                return r;

        if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
                return -EADDRINUSE;
        if (errno != ECONNREFUSED)
                return errno == ENOENT ? 0 : -errno;

        return unlink(address->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

int service_listen(int *ret_listener, int *ret_lock, const char *path) {
        _cleanup_(closep) int listener = -1, lock = -1;
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        size_t n = strlen(path);
        int r;

        if (n == 0 || n >= sizeof(address.sun_path))
                return n ? -ENAMETOOLONG : -ENOENT;
        memcpy(address.sun_path, path, n);

        r = take_lock(&lock, path);
        if (r)
                return r;

        r = remove_stale(&address);
        if (r)
                return r;

        r = new_socket(&listener);
        if (r)
                return r;

        /* Linux makes the name with the mode of the socket: there is no moment at which it is wider. */
        if (fchmod(listener, 0600) < 0 ||
            bind(listener, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
            listen(listener, SOMAXCONN) < 0)
                return -errno;

        *ret_listener = listener;
        *ret_lock = lock;
        listener = lock = -1;
        return 0;
}

void service_notify_ready(const char *status) {
        (void)sd_notifyf(0, "READY=1%s%s", status ? "\nSTATUS=" : "", status ? status : "");
}

/* It is no harm if the manager is too busy to hear it. */
static void notify_in_passing(const char *text) {
        _cleanup_(closep) int fd = -1;

        if (!notify_connect(&fd))
                (void)notify_send(fd, text, -1);
}

void service_notify_stopping(void) {
        notify_in_passing("STOPPING=1");
}

static int service_pet(sd_event_source *source, uint64_t usec, void *userdata) {
        uint64_t period_usec = (uint64_t)(uintptr_t)userdata;
        int r;

        notify_in_passing("WATCHDOG=1");
        r = sd_event_source_set_time_relative(source, period_usec);
        return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int service_watch(sd_event *event) {
        sd_event_source *source;
        uint64_t usec;
        int r;

        r = sd_watchdog_enabled(0, &usec);
        if (r <= 0)
                return r;

        usec /= 3; /* one may get lost */
        r = sd_event_add_time_relative(event, &source, CLOCK_MONOTONIC, 0, usec / 10, service_pet,
                                       (void *)(uintptr_t)usec);
        if (r < 0)
                return r;

        /* however much there is to do, as long as the loop turns */
        r = sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IMPORTANT);
        if (r >= 0)
                r = sd_event_source_set_floating(source, true);
        sd_event_source_unref(source);
        return r < 0 ? r : 0;
}
