#include "daemon/flow/disk-private.h"

#include <errno.h>
#include <sys/stat.h>

#include "daemon/base/file.h"

#define LOCK_FILE "lock"

/* Bytes of the lock file: the first is for commits, the others are for grants, wherever their UUIDs fall. */
enum { LOCK_COMMIT = 0, LOCK_GRANTS = 1 };

#define LOCK_MASK (UINT64_MAX >> 2) /* a byte range ends before INT64_MAX */

int disk_open_existing_dir(int *ret, const char *path) {
        struct stat st;

        if (lstat(path, &st) < 0 && errno == ENOENT)
                return -ENOENT;

        return file_open_dir(ret, path);
}

static bool means_no_locks(int r) {
        return r == -ENOLCK || r == -EOPNOTSUPP || r == -ENOSYS || r == -EINVAL;
}

int disk_lock(int *ret, const struct disk_paths *paths, int state_fd, uint64_t patience_usec,
              struct fault *fault) {
        int r;

        r = file_lock(ret, state_fd, LOCK_FILE, LOCK_COMMIT, patience_usec);
        if (means_no_locks(r)) {
                *ret = -1;
                return 0;
        }

        if (!r)
                return 0;

        (void)disk_fault(fault, r, paths->state_dir, LOCK_FILE);
        return r == -ETIMEDOUT ? -EAGAIN : fault->r;
}

int disk_lock_grants(int lock_fd, const struct disk_paths *paths, uint64_t patience_usec, struct fault *fault) {
        int r;

        r = lock_fd >= 0 ? file_lock_rest(lock_fd, LOCK_GRANTS, patience_usec) : 0;
        if (!r)
                return 0;

        (void)disk_fault(fault, r, paths->state_dir, LOCK_FILE);
        return r == -ETIMEDOUT ? -EAGAIN : fault->r;
}

static uint64_t lock_of(const unsigned char uuid[static UUID_SIZE]) {
        uint64_t number;

        memcpy(&number, uuid, sizeof(number));
        return LOCK_GRANTS + (number & LOCK_MASK);
}

int disk_claim(struct byte_lock **ret, const struct disk_paths *paths,
               const unsigned char uuid[static UUID_SIZE], struct fault *fault) {
        _cleanup_(disk_closep) int state_fd = -1;
        int r;

        r = disk_open_existing_dir(&state_fd, paths->state_dir);
        if (r)
                return disk_fault(fault, r, paths->state_dir, NULL);

        r = byte_lock_new(ret, state_fd, LOCK_FILE, lock_of(uuid));
        if (r == -EAGAIN)
                return r;
        if (means_no_locks(r)) {
                *ret = NULL;
                return 0;
        }

        return r ? disk_fault(fault, r, paths->state_dir, LOCK_FILE) : 0;
}
