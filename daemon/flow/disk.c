#include "daemon/flow/disk.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/crypto.h"
#include "daemon/base/file.h"
#include "daemon/model/protector.h"
#include "proto/error.h"

#define STORE_FILE "store"
#define LOCK_FILE "lock"
#define KEY_FILE "key"

#define START_ANEW "run 'globus-agentctl logout --all' to move the store aside and log in again"

enum { LOCK_COMMIT = 0, LOCK_TIMEOUT_SEC = 10 };

static void closep(int *fd) {
        if (*fd >= 0)
                close(*fd);
}

static struct bytes contents(const struct buffer *buffer) {
        return (struct bytes){buffer_bytes(buffer), buffer_size(buffer)};
}

/* Whether the file itself is at fault, rather than the disk or the machine. */
static bool blames_file(int r) {
        return r == -EPERM || r == -EACCES || r == -ELOOP || r == -EFBIG || r == -EBADMSG;
}

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

/* name NULL: the directory itself. */
static int file_fault(struct fault *fault, int r, const char *dir, const char *name) {
        _cleanup_(freep) char *path = NULL;

        if (r == -ENOMEM || asprintf(&path, name ? "%s/%s" : "%s", dir, name) < 0)
                return fault_set(fault, -ENOMEM, NULL);

        if (r == -EPERM && unfit_fault(fault, path))
                return fault->r;

        return fault_set(fault, AGENT_ERROR_STORAGE_FAILED, "Logins cannot be kept on disk: %s: %s; %s", path,
                         r == -EPERM ? strerror(EPERM) : file_error(r), remedy(r));
}

static int lock_store(int *ret, const struct disk_paths *paths, int state_fd, struct fault *fault) {
        int r;

        r = file_lock(ret, state_fd, LOCK_FILE, LOCK_COMMIT, LOCK_TIMEOUT_SEC * USEC_PER_SEC);
        return r ? file_fault(fault, r, paths->state_dir, LOCK_FILE) : 0;
}

/* file_open_dir() makes what is missing. */
static int open_existing_dir(int *ret, const char *path) {
        struct stat st;

        if (lstat(path, &st) < 0 && errno == ENOENT)
                return -ENOENT;

        return file_open_dir(ret, path);
}

/* -ENOENT: no key file. -EBADMSG: no key in it. */
static int read_key(struct secret **ret, int config_fd) {
        _cleanup_(buffer_deinit) struct buffer file = {0};
        int r;

        r = file_read(&file, config_fd, KEY_FILE, PROTECTOR_KEYFILE_SIZE);
        if (r)
                return r == -EFBIG ? -EBADMSG : r;
        if (buffer_size(&file) != PROTECTOR_KEYFILE_SIZE)
                return -EBADMSG;

        return secret_new(ret, buffer_bytes(&file), buffer_size(&file));
}

/* Two daemons may begin at once: the first one's key is everybody's. */
static int read_or_make_key(struct secret **ret, int config_fd) {
        _cleanup_(secret_freep) struct secret *key = NULL;
        int r;

        r = read_key(ret, config_fd);
        if (r != -ENOENT)
                return r;

        r = crypto_random_secret(&key, PROTECTOR_KEYFILE_SIZE);
        if (r)
                return r;
        r = file_write_new(config_fd, KEY_FILE, (struct bytes){secret_bytes(key), secret_size(key)});
        if (r == -EEXIST)
                return read_key(ret, config_fd);
        if (r)
                return r;

        *ret = TAKE(key);
        return 0;
}

static int key_fault(struct fault *fault, int r, const struct disk_paths *paths) {
        if (r == -ENOENT)
                return fault_set(fault, AGENT_ERROR_STORAGE_FAILED,
                                 "The key file %s/" KEY_FILE
                                 " is missing, so the stored logins cannot be read: restore it, or " START_ANEW,
                                 paths->config_dir);
        if (r == -EBADMSG)
                return fault_set(fault, AGENT_ERROR_STORAGE_FAILED,
                                 "The key file %s/" KEY_FILE
                                 " is damaged: restore it, or remove it and " START_ANEW,
                                 paths->config_dir);

        return file_fault(fault, r, paths->config_dir, KEY_FILE);
}

static int unwrap(struct store *store, const struct disk_paths *paths, bool *unreadable, struct fault *fault) {
        _cleanup_(secret_freep) struct secret *key = NULL;
        _cleanup_(closep) int config_fd = -1;
        int r;

        r = open_existing_dir(&config_fd, paths->config_dir);
        if (r && r != -ENOENT) {
                *unreadable = false;
                return file_fault(fault, r, paths->config_dir, NULL);
        }
        if (!r)
                r = read_key(&key, config_fd);
        if (r) {
                *unreadable = r == -ENOENT || blames_file(r);
                return key_fault(fault, r, paths);
        }

        r = protector_unwrap_keyfile(store, key, geteuid());
        *unreadable = r == -EBADMSG;
        if (r == -EBADMSG)
                return fault_set(fault, AGENT_ERROR_STORAGE_FAILED,
                                 "The store %s/" STORE_FILE " does not open with the key file %s/" KEY_FILE
                                 ": restore the two that belong together, or " START_ANEW,
                                 paths->state_dir, paths->config_dir);

        return r ? fault_set(fault, r, NULL) : 0;
}

/* Hands on what the decoder found, with the path and the other way to go on. */
static int decode_fault(struct fault *fault, const struct fault *why, const struct disk_paths *paths,
                        bool *unreadable) {
        *unreadable = why->r == AGENT_ERROR_STORAGE_FAILED;
        if (!*unreadable)
                return fault_set(fault, why->r, NULL);

        return fault_set(fault, why->r, "The store %s/" STORE_FILE " %s, or " START_ANEW, paths->state_dir,
                         fault_message(why));
}

static int decode(struct store **ret, struct bytes file, const struct disk_paths *paths, bool *unreadable,
                  struct fault *fault) {
        _cleanup_(store_freep) struct store *store = NULL;
        _cleanup_(fault_deinit) struct fault why = {0};
        int r;

        if (store_decode_header(&store, file, &why))
                return decode_fault(fault, &why, paths, unreadable);

        if (!streq(store->protector, PROTECTOR_KEYFILE)) {
                *unreadable = true;
                return fault_set(fault, AGENT_ERROR_STORAGE_FAILED,
                                 "The store %s/" STORE_FILE
                                 " is protected by '%s', which this globus-agent does not "
                                 "know: install a newer one, or " START_ANEW,
                                 paths->state_dir, store->protector);
        }

        r = unwrap(store, paths, unreadable, fault);
        if (r)
                return r;

        if (store_decode_body(store, file, &why))
                return decode_fault(fault, &why, paths, unreadable);

        *ret = TAKE(store);
        return 0;
}

static int read_store(struct store **ret, const struct disk_paths *paths, int state_fd, bool *unreadable,
                      struct fault *fault) {
        _cleanup_(buffer_deinit) struct buffer file = {0};
        int r;

        r = file_read(&file, state_fd, STORE_FILE, STORE_FILE_MAX);
        if (r == -ENOENT) {
                *ret = NULL;
                return 0;
        }
        if (r) {
                *unreadable = blames_file(r);
                return file_fault(fault, r, paths->state_dir, STORE_FILE);
        }

        return decode(ret, contents(&file), paths, unreadable, fault);
}

int disk_load(struct store **ret, const struct disk_paths *paths, bool *ret_unreadable, struct fault *fault) {
        _cleanup_(closep) int state_fd = -1;
        int r;

        *ret_unreadable = false;

        r = open_existing_dir(&state_fd, paths->state_dir);
        if (r == -ENOENT) {
                *ret = NULL;
                return 0;
        }
        if (r)
                return file_fault(fault, r, paths->state_dir, NULL);

        return read_store(ret, paths, state_fd, ret_unreadable, fault);
}

/* Only where there is no store yet: one without its key file is not to get another. */
static int protect(struct store *store, const struct disk_paths *paths, struct fault *fault) {
        _cleanup_(secret_freep) struct secret *key = NULL;
        _cleanup_(closep) int config_fd = -1;
        int r;

        r = file_open_dir(&config_fd, paths->config_dir);
        if (r)
                return file_fault(fault, r, paths->config_dir, NULL);
        r = read_or_make_key(&key, config_fd);
        if (r)
                return key_fault(fault, r, paths);
        r = protector_wrap_keyfile(store, key, geteuid());

        return r ? fault_set(fault, r, NULL) : 0;
}

static int write_store(const struct store *store, const struct disk_paths *paths, int state_fd,
                       struct fault *fault) {
        _cleanup_(buffer_deinit) struct buffer file = {0};
        int r;

        r = store_encode(&file, store);
        if (!r)
                r = file_write(state_fd, STORE_FILE, contents(&file));

        return r ? file_fault(fault, r, paths->state_dir, STORE_FILE) : 0;
}

/* Under the lock. *store: what is on disk, NULL for nothing; then what is on disk after it. */
static int change(struct store **store, const struct disk_paths *paths, int state_fd, struct list *changes,
                  struct fault *fault) {
        _cleanup_(store_freep) struct store *fresh = NULL;
        bool changed;
        int r;

        if (!*store) {
                r = store_new(&fresh);
                if (r)
                        return fault_set(fault, r, NULL);
        }

        r = store_apply(*store ?: fresh, changes, &changed);
        if (r)
                return fault_set(fault, r, NULL);
        if (!changed)
                return 0;

        if (fresh) {
                r = protect(fresh, paths, fault);
                if (r)
                        return r;
        }

        r = write_store(*store ?: fresh, paths, state_fd, fault);
        if (r)
                return r;

        if (fresh)
                *store = TAKE(fresh);
        return 0;
}

int disk_commit(struct store **ret, const struct disk_paths *paths, struct list *changes, struct fault *fault) {
        _cleanup_(store_freep) struct store *store = NULL;
        _cleanup_(closep) int state_fd = -1, lock_fd = -1;
        bool unreadable;
        int r;

        r = file_open_dir(&state_fd, paths->state_dir);
        if (r)
                return file_fault(fault, r, paths->state_dir, NULL);
        r = lock_store(&lock_fd, paths, state_fd, fault);
        if (r)
                return r;
        r = read_store(&store, paths, state_fd, &unreadable, fault);
        if (r)
                return r;
        r = change(&store, paths, state_fd, changes, fault);
        if (r)
                return r;

        *ret = TAKE(store);
        return 0;
}

int disk_move_aside(char **ret, const struct disk_paths *paths, struct fault *fault) {
        _cleanup_(closep) int state_fd = -1, lock_fd = -1;
        _cleanup_(freep) char *name = NULL;
        char *path = NULL;
        int r;

        r = open_existing_dir(&state_fd, paths->state_dir);
        if (r && r != -ENOENT)
                return file_fault(fault, r, paths->state_dir, NULL);
        if (!r) {
                r = lock_store(&lock_fd, paths, state_fd, fault);
                if (r)
                        return r;
                r = file_move_aside(&name, state_fd, STORE_FILE);
        }
        if (r && r != -ENOENT)
                return file_fault(fault, r, paths->state_dir, STORE_FILE);

        if (name && asprintf(&path, "%s/%s", paths->state_dir, name) < 0)
                return fault_set(fault, -ENOMEM, NULL);

        *ret = path;
        return 0;
}
