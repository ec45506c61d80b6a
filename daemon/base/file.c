#include "daemon/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/temporary.h"

enum { ASIDE_MAX = 10000, LOCK_POLL_MSEC = 10 };

static void closep(int *fd) {
        if (*fd >= 0)
                close(*fd);
}

static int make_dir(const char *path) {
        _cleanup_(freep) char *prefix = strdup(path);

        if (!prefix)
                return -ENOMEM;
        if (!*prefix)
                return -ENOENT;

        for (char *p = prefix + 1;; p++) {
                char end = *p;
                int r;

                if (end != '/' && end != '\0')
                        continue;

                *p = '\0';
                r = mkdir(prefix, 0700) < 0 ? -errno : 0;
                if (r && r != -EEXIST && access(prefix, F_OK) < 0)
                        return r;
                if (!end)
                        return 0;
                *p = end;
        }
}

static int open_dir(const char *path) {
        int fd, r;

        fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0) {
                struct stat st;

                /* that it is no directory is found first */
                r = -errno;
                return r == -ENOTDIR && lstat(path, &st) == 0 && S_ISLNK(st.st_mode) ? -ELOOP : r;
        }

        return fd;
}

int file_open_dir(int *ret, const char *path) {
        _cleanup_(freep) char *bare = strdup(path);
        _cleanup_(closep) int fd = -1;
        struct stat st;
        int r;

        if (!bare)
                return -ENOMEM;

        /* a slash at the end would follow a symbolic link */
        for (size_t n = strlen(bare); n > 1 && bare[n - 1] == '/'; n--)
                bare[n - 1] = '\0';

        fd = open_dir(bare);
        if (fd == -ENOENT) {
                r = make_dir(bare);
                if (r)
                        return r;
                fd = open_dir(bare);
        }
        if (fd < 0)
                return fd;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (st.st_uid != geteuid() || (st.st_mode & 077) != 0)
                return -EPERM;

        *ret = fd;
        fd = -1;
        return 0;
}

/* -EPERM for what is not a regular file of ours, with one name and mode 0600 or less. */
static int check_file(int fd, int dir_fd, const char *name, struct stat *st) {
        if (fstat(fd, st) < 0)
                return -errno;

        if (S_ISREG(st->st_mode) && st->st_nlink > 1) {
                temporary_drop(dir_fd, name, st->st_ino);
                if (fstat(fd, st) < 0)
                        return -errno;
        }

        if (!S_ISREG(st->st_mode) || st->st_uid != geteuid() || (st->st_mode & 0177) != 0 || st->st_nlink > 1)
                return -EPERM;
        return 0;
}

/* To the end of the file, which is expected to have size bytes. */
static int read_all(struct buffer *out, int fd, size_t size, size_t max) {
        for (;;) {
                /* a byte more, so that the end is seen without growing */
                size_t room = size > buffer_size(out) ? size - buffer_size(out) + 1 : 1;
                char *p;
                ssize_t n;
                int r;

                r = buffer_reserve(out, room, &p);
                if (r)
                        return r;

                n = read(fd, p, room);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return 0;

                buffer_commit(out, (size_t)n);
                if (buffer_size(out) > max)
                        return -EFBIG;
        }
}

int file_read(struct buffer *out, int dir_fd, const char *name, size_t max) {
        _cleanup_(buffer_deinit) struct buffer contents = {0};
        _cleanup_(closep) int fd = -1;
        struct stat st;
        int r;

        fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0)
                return -errno;

        r = check_file(fd, dir_fd, name, &st);
        if (r)
                return r;
        if (st.st_size < 0 || (uint64_t)st.st_size > max)
                return -EFBIG;

        r = read_all(&contents, fd, (size_t)st.st_size, max);
        if (r)
                return r;

        return buffer_append(out, buffer_bytes(&contents), buffer_size(&contents));
}

/* A directory that cannot be synced (some network file systems) keeps its changes in order itself. */
static int sync_dir(int dir_fd) {
        return TEMP_FAILURE_RETRY(fsync(dir_fd)) < 0 && errno != EINVAL && errno != ENOTSUP ? -errno : 0;
}

/* Gives a file another name that is free: -EEXIST if it is not. */
static int rename_new(int dir_fd, const char *from, const char *to) {
        if (renameat2(dir_fd, from, dir_fd, to, RENAME_NOREPLACE) == 0)
                return 0;
        if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP)
                return -errno;

        /* NFS knows no RENAME_NOREPLACE */
        if (linkat(dir_fd, from, dir_fd, to, 0) < 0)
                return -errno;
        return unlinkat(dir_fd, from, 0) < 0 && errno != ENOENT ? -errno : 0;
}

static int write_file(int dir_fd, const char *name, struct bytes contents, bool replace) {
        _cleanup_(temporary_deinit) struct temporary temporary = TEMPORARY_INIT(dir_fd);
        int r;

        temporary_drop(dir_fd, name, 0);

        r = temporary_open(&temporary, name);
        if (r)
                return r;

        r = temporary_fill(&temporary, contents);
        if (r)
                return r;

        if (replace)
                r = renameat(dir_fd, temporary.name, dir_fd, name) < 0 ? -errno : 0;
        else
                r = rename_new(dir_fd, temporary.name, name);
        if (r)
                return r;

        temporary.name[0] = '\0';
        return sync_dir(dir_fd);
}

int file_write(int dir_fd, const char *name, struct bytes contents) {
        return write_file(dir_fd, name, contents, true);
}

int file_write_new(int dir_fd, const char *name, struct bytes contents) {
        return write_file(dir_fd, name, contents, false);
}

int file_rename(int dir_fd, const char *from, const char *to) {
        return renameat(dir_fd, from, dir_fd, to) < 0 ? -errno : sync_dir(dir_fd);
}

int file_remove(int dir_fd, const char *name) {
        return unlinkat(dir_fd, name, 0) < 0 ? -errno : sync_dir(dir_fd);
}

int file_move_aside(char **ret, int dir_fd, const char *name) {
        for (unsigned int i = 1; i < ASIDE_MAX; i++) {
                _cleanup_(freep) char *aside = NULL;
                int r;

                if (asprintf(&aside, "%s-aside-%u", name, i) < 0)
                        return -ENOMEM;

                r = rename_new(dir_fd, name, aside);
                if (r == -EEXIST)
                        continue;
                if (r)
                        return r;

                r = sync_dir(dir_fd);
                if (r)
                        return r;

                *ret = TAKE(aside);
                return 0;
        }

        return -EEXIST;
}

int file_open_lock(int *ret, int dir_fd, const char *name) {
        _cleanup_(closep) int fd = -1;
        struct stat st;
        int r;

        fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;

        r = check_file(fd, dir_fd, name, &st);
        if (r)
                return r;

        *ret = fd;
        fd = -1;
        return 0;
}

/* n 0: all from there on. */
static int set_lock(int fd, short type, uint64_t offset, uint64_t n) {
        struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)offset, .l_len = (off_t)n};

        if (offset >= INT64_MAX)
                return -EINVAL;
        if (TEMP_FAILURE_RETRY(fcntl(fd, F_OFD_SETLK, &lock)) == 0)
                return 0;
        return errno == EACCES ? -EAGAIN : -errno;
}

int file_lock_byte(int fd, uint64_t offset) {
        return set_lock(fd, F_WRLCK, offset, 1);
}

int file_unlock_byte(int fd, uint64_t offset) {
        return set_lock(fd, F_UNLCK, offset, 1);
}

/* Nothing tells a waiter with a deadline that somebody else's lock is gone, so ask again and again. */
static int wait_for_lock(int fd, uint64_t offset, uint64_t n, uint64_t timeout_usec) {
        const struct timespec slice = {.tv_nsec = LOCK_POLL_MSEC * 1000 * 1000};
        uint64_t begin_usec = clock_boottime_usec();
        int r;

        while ((r = set_lock(fd, F_WRLCK, offset, n)) == -EAGAIN) {
                if (clock_boottime_usec() - begin_usec >= timeout_usec)
                        return -ETIMEDOUT;
                nanosleep(&slice, NULL);
        }

        return r;
}

int file_lock_rest(int fd, uint64_t offset, uint64_t timeout_usec) {
        return wait_for_lock(fd, offset, 0, timeout_usec);
}

int file_lock(int *ret, int dir_fd, const char *name, uint64_t offset, uint64_t timeout_usec) {
        _cleanup_(closep) int fd = -1;
        int r;

        r = file_open_lock(&fd, dir_fd, name);
        if (!r)
                r = wait_for_lock(fd, offset, 1, timeout_usec);
        if (r)
                return r;

        *ret = fd;
        fd = -1;
        return 0;
}

const char *file_error(int r) {
        switch (-r) {
        case EPERM:
                return "belongs to another user, has a mode wider than 0600 (a directory: 0700), more than one "
                       "name, or "
                       "is no regular file";
        case ELOOP:
                return "is a symbolic link";
        case EFBIG:
                return "is larger than it can be";
        case EEXIST:
                return "exists already";
        case ETIMEDOUT:
                return "is locked by another process";
        default:
                return strerrordesc_np(-r) ?: "unknown error";
        }
}
