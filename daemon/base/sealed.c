#include "daemon/base/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Linux 6.3; may be missing from the headers, and from the kernel. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

/* Nobody writes to it any more, but it can be emptied. */
#define SEALS (F_SEAL_SEAL | F_SEAL_GROW | F_SEAL_WRITE)

static void closep(int *fd) {
        if (*fd >= 0)
                close(*fd);
}

static int write_all(int fd, struct bytes data) {
        const char *from = data.data;
        ssize_t n;

        for (size_t left = data.n; left > 0; from += n, left -= (size_t)n) {
                n = write(fd, from, left);
                if (n < 0)
                        return -errno;
        }

        return 0;
}

int sealed_new(int *ret, const char *name, struct bytes data) {
        _cleanup_(closep) int fd = -1;
        int r;

        fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
        if (fd < 0 && errno == EINVAL)
                fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0)
                return -errno;

        r = write_all(fd, data);
        if (r)
                return r;
        if (fcntl(fd, F_ADD_SEALS, SEALS) < 0)
                return -errno;

        *ret = fd;
        fd = -1;
        return 0;
}

bool sealed_check(int fd, size_t *ret_size) {
        struct stat st;
        int seals = fcntl(fd, F_GET_SEALS);

        if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &st) < 0)
                return false;

        *ret_size = (size_t)st.st_size;
        return S_ISREG(st.st_mode) && st.st_uid == geteuid();
}

int sealed_read(int fd, void *to, size_t n) {
        for (size_t done = 0; done < n;) {
                ssize_t got = pread(fd, (char *)to + done, n - done, (off_t)done);

                if (got <= 0)
                        return got < 0 ? -errno : -EIO;
                done += (size_t)got;
        }

        return 0;
}

int sealed_empty(int fd) {
        return ftruncate(fd, 0) < 0 ? -errno : 0;
}
