#include "daemon/socket.h"

#include <errno.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/service.h"
#include "daemon/flow/alarm.h"
#include "proto/address.h"

/* A directory unmounted lazily at the last logout tells nobody: look now and then. */
#define LOOK_USEC (10 * USEC_PER_SEC)

struct own_socket {
        char *path;
        int lock_fd;
        dev_t device;
        ino_t inode;
        bool gone; /* something was done to its name; a new file there may have the old one's number */
        sd_event_source *watch;
        struct alarm *look;
        own_socket_fn lost;
        void *userdata; /* borrowed */
};

static bool own_socket_is_there(const struct own_socket *own) {
        struct stat st;

        return !own->gone && lstat(own->path, &st) == 0 && st.st_dev == own->device && st.st_ino == own->inode;
}

static void own_socket_check(struct own_socket *own) {
        if (own_socket_is_there(own))
                alarm_set(own->look, clock_boottime_usec() + LOOK_USEC);
        else
                own->lost(own->userdata);
}

static int own_socket_on_change(sd_event_source *source, const struct inotify_event *event, void *userdata) {
        struct own_socket *own = userdata;

        if (event->len > 0 && streq(event->name, strrchr(own->path, '/') + 1))
                own->gone = true;
        own_socket_check(own);
        return 0;
}

static void own_socket_on_look(void *userdata) {
        own_socket_check(userdata);
}

int own_socket_watch(struct own_socket *own, sd_event *event, own_socket_fn lost, void *userdata) {
        const uint32_t changes =
                IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;
        _cleanup_(freep) char *dir = strndup(own->path, (size_t)(strrchr(own->path, '/') - own->path));
        int r;

        if (!dir)
                return -ENOMEM;

        own->lost = lost;
        own->userdata = userdata;

        r = alarm_new(&own->look, event, USEC_PER_SEC, own_socket_on_look, own);
        if (r)
                return r;

        r = sd_event_add_inotify(event, &own->watch, dir, changes, own_socket_on_change, own);
        if (r < 0)
                return r;

        alarm_set(own->look, clock_boottime_usec() + LOOK_USEC);
        return 0;
}

static int passed_path(char **ret, int fd) {
        struct sockaddr_un address = {};
        socklen_t n = sizeof(address) - 1;

        if (getsockname(fd, (struct sockaddr *)&address, &n) < 0)
                return -errno;

        *ret = strdup(address.sun_path);
        return *ret ? 0 : -ENOMEM;
}

static int own_socket_bind(struct own_socket **ret, int *ret_fd, const char *path, struct fault *fault) {
        _cleanup_(own_socket_freep) struct own_socket *own = NULL;
        struct stat st;
        int r;

        own = calloc(1, sizeof(*own));
        if (!own)
                return fault_set(fault, -ENOMEM, NULL);

        own->lock_fd = -1;
        own->path = strdup(path);
        if (!own->path)
                return fault_set(fault, -ENOMEM, NULL);

        r = service_listen(ret_fd, &own->lock_fd, path);
        if (r == -EADDRINUSE)
                return fault_set(fault, r, "Another globus-agent serves %s already", path);
        if (r)
                return fault_set(fault, r, "Cannot listen on %s: %s", path, error_sentence(r));
        if (lstat(path, &st) < 0) {
                r = -errno;
                close(*ret_fd);
                return fault_set(fault, r, "Cannot look at %s: %s", path, error_sentence(r));
        }

        own->device = st.st_dev;
        own->inode = st.st_ino;
        *ret = TAKE(own);
        return 0;
}

int own_socket_open(struct own_socket **ret, int *ret_fd, char **ret_path,
                    const struct own_socket_options *options, struct fault *fault) {
        _cleanup_(freep) char *found = NULL;
        int fd, r;

        fd = service_take_passed(options->store);
        if (options->path) { /* is meant, whatever was passed */
                if (fd >= 0)
                        close(fd);
                fd = -ENOENT;
        }
        if (fd >= 0) {
                r = passed_path(ret_path, fd);
                if (r) {
                        close(fd);
                        return fault_set(fault, r, NULL);
                }
                *ret_fd = fd;
                return 0;
        }
        if (fd != -ENOENT)
                return fault_set(fault, fd,
                                 "What the service manager passed as 'varlink' is no listening AF_UNIX socket");

        r = address_find(&found, options->path, fault);
        if (r)
                return r;

        r = own_socket_bind(ret, ret_fd, found, fault);
        if (r)
                return r;

        *ret_path = TAKE(found);
        return 0;
}

struct own_socket *own_socket_free(struct own_socket *own) {
        if (!own)
                return NULL;

        sd_event_source_disable_unref(own->watch);
        alarm_free(own->look);
        if (own->inode && own_socket_is_there(own))
                (void)unlink(own->path);
        if (own->lock_fd >= 0)
                close(own->lock_fd);
        free(own->path);
        free(own);
        return NULL;
}
