#include "proto/address.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/error.h"

#define SOCKET_PATH_MAX (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)

static int make_absolute(char **ret, const char *path) {
        _cleanup_(freep) char *here = NULL;

        if (path[0] == '/') {
                *ret = strdup(path);
                return *ret ? 0 : -ENOMEM;
        }

        here = get_current_dir_name();
        if (!here)
                return -errno;

        return asprintf(ret, "%s/%s", here, path) < 0 ? -ENOMEM : 0;
}

/* Of an absolute path. */
static int directory_of(char **ret, const char *path) {
        const char *slash = strrchr(path, '/');

        *ret = slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
        return *ret ? 0 : -ENOMEM;
}

static bool names_a_file(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash && slash[1] && !streq(slash, "/.") && !streq(slash, "/..");
}

/* Below what is ours, or where others cannot remove what is ours. */
static int make_directory(const char *directory, struct fault *fault) {
        _cleanup_(freep) char *parent = NULL;
        struct stat st;
        int r;

        r = directory_of(&parent, directory);
        if (r)
                return fault_set(fault, r, NULL);

        if (stat(parent, &st) < 0)
                return fault_set(fault, -errno, "%s, where the directory of the socket, %s, should be made: %s",
                                 parent, directory, error_sentence(-errno));
        if (st.st_uid != geteuid() && !(st.st_uid == 0 && st.st_mode & S_ISVTX))
                return fault_set(fault, -EACCES,
                                 "The directory of the socket, %s, does not exist, and %s, where it should be "
                                 "made, is not yours: make it yourself, with mode 0700",
                                 directory, parent);

        /* somebody else may have been quicker: what is there now is looked at again */
        if (mkdir(directory, 0700) < 0 && errno != EEXIST)
                return fault_set(fault, -errno, "The directory of the socket, %s, cannot be made: %s",
                                 directory, error_sentence(-errno));

        return 0;
}

static int check_directory(const char *directory, struct fault *fault) {
        struct stat st;
        int r;

        if (lstat(directory, &st) < 0 && errno == ENOENT) {
                r = make_directory(directory, fault);
                if (r)
                        return r;
        }

        if (lstat(directory, &st) < 0)
                return fault_set(fault, -errno, "The directory of the socket, %s: %s", directory,
                                 error_sentence(-errno));
        if (S_ISLNK(st.st_mode))
                return fault_set(
                        fault, -ELOOP,
                        "The directory of the socket, %s, is a symbolic link: name the directory itself",
                        directory);
        if (!S_ISDIR(st.st_mode))
                return fault_set(fault, -ENOTDIR, "%s, where the socket should be, is no directory", directory);
        if (st.st_uid != geteuid())
                return fault_set(
                        fault, -EACCES,
                        "The directory of the socket, %s, belongs to uid %u, not to you: use another one",
                        directory, st.st_uid);
        if ((st.st_mode & 0777) != 0700)
                return fault_set(
                        fault, -EACCES,
                        "The directory of the socket, %s, has mode %04o and must have 0700: chmod 0700 %s",
                        directory, st.st_mode & 07777, directory);

        return 0;
}

static int candidate_try(char **ret, const char *candidate, struct fault *fault) {
        _cleanup_(freep) char *path = NULL, *directory = NULL;
        int r;

        r = make_absolute(&path, candidate);
        if (r)
                return fault_set(fault, r, NULL);
        if (!names_a_file(path))
                return fault_set(fault, -EINVAL,
                                 "'%s' names no socket: give the path of a file in a directory of yours",
                                 candidate);
        if (strlen(path) > SOCKET_PATH_MAX)
                return fault_set(fault, -ENAMETOOLONG,
                                 "The socket path %s is longer than %zu bytes: use a shorter one", path,
                                 SOCKET_PATH_MAX);

        r = directory_of(&directory, path);
        if (r)
                return fault_set(fault, r, NULL);

        r = check_directory(directory, fault);
        if (r)
                return r;

        *ret = TAKE(path);
        return 0;
}

/* It may be set and gone, after the last logout. */
static bool is_runtime_directory(const char *path) {
        struct stat st;

        return path && path[0] == '/' && stat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

/* NULL if there is no such runtime directory, or no memory. */
static char *runtime_candidate(const char *runtime) {
        char *path;

        if (!is_runtime_directory(runtime) || asprintf(&path, "%s/globus-agent/socket", runtime) < 0)
                return NULL;

        return path;
}

static char *environment_candidate(void) {
        const char *path = getenv("GLOBUS_AGENT_SOCK");

        return path ? strdup(path) : NULL;
}

static char *xdg_candidate(void) {
        return runtime_candidate(getenv("XDG_RUNTIME_DIR"));
}

static char *run_candidate(void) {
        char runtime[sizeof("/run/user/4294967295")];

        snprintf(runtime, sizeof(runtime), "/run/user/%u", geteuid());
        return runtime_candidate(runtime);
}

static char *tmp_candidate(void) {
        char *path;

        return asprintf(&path, "/tmp/globus-agent-%u/socket", geteuid()) < 0 ? NULL : path;
}

int address_find(char **ret, const char *explicit_path, struct fault *fault) {
        static char *(*const candidates[])(void) = {
                environment_candidate,
                xdg_candidate,
                run_candidate,
                tmp_candidate,
        };
        _cleanup_(fault_deinit) struct fault last = {.r = -ENOMEM};

        if (explicit_path)
                return candidate_try(ret, explicit_path, fault);

        for (size_t i = 0; i < ARRAY_SIZE(candidates); i++) {
                _cleanup_(freep) char *candidate = candidates[i]();

                if (candidate && candidate_try(ret, candidate, &last) == 0)
                        return 0;
        }

        (void)fault_copy(fault, &last);
        return fault->r;
}
