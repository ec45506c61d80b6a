#include "daemon/base/temporary.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/crypto.h"

enum { SUFFIX = 6, TRIES = 16, STALE_SEC = 3600 };

static void closedirp(DIR **dir) {
        if (*dir)
                closedir(*dir);
}

/* Where prefix is ".name." and entry ".name." with SUFFIX characters more. */
static bool is_temporary(const char *entry, const char *prefix) {
        size_t n = strlen(prefix);

        return strncmp(entry, prefix, n) == 0 && strlen(entry) == n + SUFFIX;
}

static int temporary_prefix(char ret[static NAME_MAX + 1], const char *name) {
        int n = snprintf(ret, NAME_MAX + 1, ".%s.", name);

        return n < 0 || n + SUFFIX > NAME_MAX ? -ENAMETOOLONG : 0;
}

void temporary_deinit(struct temporary *temporary) {
        if (temporary->fd >= 0)
                close(temporary->fd);
        if (temporary->name[0])
                unlinkat(temporary->dir_fd, temporary->name, 0);
}

int temporary_open(struct temporary *temporary, const char *name) {
        char prefix[NAME_MAX + 1], path[NAME_MAX + 1];
        int r;

        r = temporary_prefix(prefix, name);
        if (r)
                return r;

        for (int i = 0; i < TRIES; i++) {
                uint32_t random;

                r = crypto_random(&random, sizeof(random));
                if (r)
                        return r;

                snprintf(path, sizeof(path), "%.*s%06x", NAME_MAX - SUFFIX, prefix, random & 0xffffff);
                temporary->fd = openat(temporary->dir_fd, path,
                                       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
                if (temporary->fd >= 0) {
                        memcpy(temporary->name, path, sizeof(path));
                        return 0;
                }
                if (errno != EEXIST)
                        return -errno;
        }

        return -EBUSY;
}

int temporary_fill(struct temporary *temporary, struct bytes contents) {
        const char *p = contents.data;
        size_t left = contents.n;
        int fd = temporary->fd;

        while (left > 0) {
                ssize_t n = write(fd, p, left);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;

                p += n;
                left -= (size_t)n;
        }

        if (TEMP_FAILURE_RETRY(fsync(fd)) < 0)
                return -errno;

        /* a network file system may tell only now that the disk is full */
        temporary->fd = -1;
        return close(fd) < 0 && errno != EINTR ? -errno : 0;
}

void temporary_drop(int dir_fd, const char *name, ino_t twin) {
        _cleanup_(closedirp) DIR *dir = NULL;
        char prefix[NAME_MAX + 1];
        struct dirent *entry;
        int64_t now = (int64_t)(clock_realtime_usec() / USEC_PER_SEC);
        int fd;

        if (temporary_prefix(prefix, name))
                return;

        fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return;
        dir = fdopendir(fd);
        if (!dir) {
                close(fd);
                return;
        }

        while ((entry = readdir(dir))) {
                struct stat st;

                if (!is_temporary(entry->d_name, prefix))
                        continue;
                if (fstatat(dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                        continue;
                if ((twin && st.st_ino == twin) || st.st_mtim.tv_sec < now - STALE_SEC)
                        unlinkat(dir_fd, entry->d_name, 0);
        }
}
