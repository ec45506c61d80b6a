/*
 * bad-disk.so: a disk that fails or hangs, for whatever program it is preloaded into (LD_PRELOAD).
 *
 * BAD_DISK names a file with one int for each of the calls below: 0, the disk is well; an errno, the call fails
 * with it; -1, it hangs until that changes. The last int counts the calls that hang. BAD_DISK_DIRECTORY says
 * where that disk is: what is not below it is left alone.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum call { READ, WRITE, SYNC_FILE, RENAME, SYNC_DIRECTORY, LOCK, N_CALLS };

static struct disk {
        atomic_int calls[N_CALLS];
        atomic_int n_hanging;
} * disk;
static const char *directory;

__attribute__((constructor)) static void begin(void) {
        const char *path = getenv("BAD_DISK");
        int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
        void *shared;

        directory = getenv("BAD_DISK_DIRECTORY");
        if (fd < 0 || !directory)
                return;

        shared = mmap(NULL, sizeof(*disk), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
        if (shared != MAP_FAILED)
                disk = shared;
}

static bool is_on_disk(int fd) {
        char link[32], path[PATH_MAX];
        ssize_t n;

        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, path, sizeof(path) - 1);
        if (n < 0)
                return false;

        path[n] = '\0';
        return strncmp(path, directory, strlen(directory)) == 0;
}

/* 0, or -1 with errno. */
static int befall(enum call call, int fd) {
        const struct timespec slice = {.tv_nsec = 5 * 1000 * 1000};
        int what;

        if (!disk || !disk->calls[call] || !is_on_disk(fd))
                return 0;

        disk->n_hanging++;
        while ((what = disk->calls[call]) < 0)
                nanosleep(&slice, NULL);
        disk->n_hanging--;

        errno = what;
        return what ? -1 : 0;
}

ssize_t read(int fd, void *data, size_t n) {
        return befall(READ, fd) ? -1 : syscall(SYS_read, fd, data, n);
}

ssize_t write(int fd, const void *data, size_t n) {
        return befall(WRITE, fd) ? -1 : syscall(SYS_write, fd, data, n);
}

int fsync(int fd) {
        struct stat st;
        bool is_directory = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);

        return befall(is_directory ? SYNC_DIRECTORY : SYNC_FILE, fd) ? -1 : (int)syscall(SYS_fsync, fd);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to) {
        return befall(RENAME, to_fd) ? -1 : (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, 0);
}

int fcntl(int fd, int command, ...) {
        va_list arguments;
        void *argument;

        va_start(arguments, command);
        argument = va_arg(arguments, void *);
        va_end(arguments);

        return command == F_OFD_SETLK && befall(LOCK, fd) ? -1 : (int)syscall(SYS_fcntl, fd, command, argument);
}
