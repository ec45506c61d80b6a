#include "daemon/base/byte-lock.h"

#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/file.h"
#include "proto/list.h"

struct lock_file {
        struct list link; /* lock_files */
        int fd;
        dev_t dev;
        ino_t ino;
        struct list locks; /* byte_lock.link */
};

struct byte_lock {
        struct list link; /* lock_file.locks */
        struct lock_file *file; /* borrowed */
        uint64_t offset;
};

/* Only lists are guarded: nobody waits for somebody else's disk. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct list lock_files = LIST_INIT(lock_files); /* lock_file.link */

static struct lock_file *lock_file_find(const struct stat *st) {
        for (struct list *l = lock_files.next; l != &lock_files; l = l->next) {
                struct lock_file *file = CONTAINER(l, struct lock_file, link);

                if (file->dev == st->st_dev && file->ino == st->st_ino)
                        return file;
        }

        return NULL;
}

static bool lock_file_has(const struct lock_file *file, uint64_t offset) {
        for (const struct list *l = file->locks.next; l != &file->locks; l = l->next)
                if (CONTAINER(l, struct byte_lock, link)->offset == offset)
                        return true;

        return false;
}

/* Takes *fd over if it is the first of its file. */
static int lock_file_join(struct byte_lock *lock, int *fd) {
        struct lock_file *file;
        struct stat st;

        if (fstat(*fd, &st) < 0)
                return -errno;

        file = lock_file_find(&st);
        if (file && lock_file_has(file, lock->offset))
                return -EAGAIN;

        if (!file) {
                file = malloc(sizeof(*file));
                if (!file)
                        return -ENOMEM;

                *file = (struct lock_file){.fd = *fd, .dev = st.st_dev, .ino = st.st_ino};
                *fd = -1;
                list_init(&file->locks);
                list_append(&lock_files, &file->link);
        }

        lock->file = file;
        list_append(&file->locks, &lock->link);
        return 0;
}

/* A descriptor to be closed, or -1. */
static int lock_file_leave(struct byte_lock *lock) {
        struct lock_file *file = lock->file;
        int fd = file->fd;

        list_unlink(&lock->link);
        if (!list_is_empty(&file->locks))
                return -1;

        list_unlink(&file->link);
        free(file);
        return fd;
}

/* Within this process it is let go last. */
static void byte_lock_leave(struct byte_lock *lock) {
        int fd;

        pthread_mutex_lock(&mutex);
        fd = lock_file_leave(lock);
        pthread_mutex_unlock(&mutex);
        if (fd >= 0)
                close(fd);
        free(lock);
}

int byte_lock_new(struct byte_lock **ret, int dir_fd, const char *name, uint64_t offset) {
        struct byte_lock *lock;
        int fd, r;

        r = file_open_lock(&fd, dir_fd, name);
        if (r)
                return r;

        lock = calloc(1, sizeof(*lock));
        if (!lock) {
                close(fd);
                return -ENOMEM;
        }

        lock->offset = offset;
        pthread_mutex_lock(&mutex);
        r = lock_file_join(lock, &fd);
        pthread_mutex_unlock(&mutex);
        if (fd >= 0)
                close(fd);
        if (r) {
                free(lock);
                return r;
        }

        r = file_lock_byte(lock->file->fd, offset);
        if (r) {
                byte_lock_leave(lock);
                return r;
        }

        *ret = lock;
        return 0;
}

struct byte_lock *byte_lock_free(struct byte_lock *lock) {
        if (!lock)
                return NULL;

        (void)file_unlock_byte(lock->file->fd, lock->offset);
        byte_lock_leave(lock);
        return NULL;
}
