#include "daemon/flow/disk-private.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/file.h"

static const char *remedy(int r) {
        switch (-r) {
        case ENOSPC:
        case EDQUOT:
                return "make room there";
        case EACCES:
        case EROFS:
                return "give yourself access to it";
        case ELOOP:
                return "put what it points to in its place";
        case EFBIG:
                return "restore it, or " START_ANEW;
        case ETIMEDOUT:
                return "end that process, which may run on another machine that shares the directory";
        default:
                return "mend that file system";
        }
}

/* What makes a file or directory unfit to hold secrets. 0: nothing. */
static int unfit_fault(struct fault *fault, const char *path) {
        struct stat st;
        unsigned wide;

        if (lstat(path, &st) < 0)
                return 0;
        if (st.st_uid != geteuid())
                return fault_set(fault, AGENT_ERROR_STORAGE_FAILED,
                                 "%s belongs to another user (uid %lu): make it yours, or move it away", path,
                                 (unsigned long)st.st_uid);
        if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
                return fault_set(fault, AGENT_ERROR_STORAGE_FAILED, "%s is not a regular file: move it away",
                                 path);
        if (S_ISREG(st.st_mode) && st.st_nlink > 1)
                return fault_set(fault, AGENT_ERROR_STORAGE_FAILED,
                                 "%s has a second name, a hard link: remove that", path);

        wide = st.st_mode & (S_ISDIR(st.st_mode) ? 0077 : 0177);
        if (!wide)
                return 0;

        return fault_set(fault, AGENT_ERROR_STORAGE_FAILED,
                         "%s has mode %04o, which is too open for logins: run chmod %s '%s'", path,
                         (unsigned)(st.st_mode & 07777), S_ISDIR(st.st_mode) ? "700" : "600", path);
}

int disk_fault(struct fault *fault, int r, const char *dir, const char *name) {
        _cleanup_(freep) char *path = NULL;

        if (r == -ENOMEM || asprintf(&path, name ? "%s/%s" : "%s", dir, name) < 0)
                return fault_set(fault, -ENOMEM, NULL);

        if (r == -EPERM && unfit_fault(fault, path))
                return fault->r;

        return fault_set(fault, AGENT_ERROR_STORAGE_FAILED, "Logins cannot be kept on disk: %s: %s; %s", path,
                         r == -EPERM ? strerror(EPERM) : file_error(r), remedy(r));
}
