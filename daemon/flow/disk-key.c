#include "daemon/flow/disk-private.h"

#include <errno.h>

#include "daemon/base/crypto.h"
#include "daemon/base/file.h"
#include "proto/error.h"

int disk_read_key(struct secret **ret, int config_fd, const char *name) {
        _cleanup_(buffer_deinit) struct buffer file = {0};
        int r;

        r = file_read(&file, config_fd, name, PROTECTOR_KEYFILE_SIZE);
        if (r)
                return r == -EFBIG ? -EBADMSG : r;
        if (buffer_size(&file) != PROTECTOR_KEYFILE_SIZE)
                return -EBADMSG;

        return secret_new(ret, buffer_bytes(&file), buffer_size(&file));
}

static struct bytes bytes_of(const struct secret *secret) {
        return (struct bytes){secret_bytes(secret), secret_size(secret)};
}

int disk_read_or_make_key(struct secret **ret, int config_fd) {
        _cleanup_(secret_freep) struct secret *key = NULL;
        int r;

        r = disk_read_key(ret, config_fd, KEY_FILE);
        if (r != -ENOENT)
                return r;

        r = crypto_random_secret(&key, PROTECTOR_KEYFILE_SIZE);
        if (r)
                return r;
        r = file_write_new(config_fd, KEY_FILE, bytes_of(key));
        if (r == -EEXIST)
                return disk_read_key(ret, config_fd, KEY_FILE);
        if (r)
                return r;

        *ret = TAKE(key);
        return 0;
}

int disk_make_next_key(struct secret **ret, int config_fd) {
        _cleanup_(secret_freep) struct secret *key = NULL;
        int r;

        r = crypto_random_secret(&key, PROTECTOR_KEYFILE_SIZE);
        if (!r)
                r = file_write(config_fd, NEXT_KEY_FILE, bytes_of(key));
        if (r)
                return r;

        *ret = TAKE(key);
        return 0;
}

int disk_put_next_key(const struct disk_paths *paths, struct fault *fault) {
        _cleanup_(disk_closep) int config_fd = -1;
        int r;

        r = disk_open_existing_dir(&config_fd, paths->config_dir);
        if (r)
                return disk_fault(fault, r, paths->config_dir, NULL);

        r = file_rename(config_fd, NEXT_KEY_FILE, KEY_FILE);
        return r ? disk_fault(fault, r, paths->config_dir, NEXT_KEY_FILE) : 0;
}

int disk_key_fault(struct fault *fault, int r, const struct disk_paths *paths) {
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

        return disk_fault(fault, r, paths->config_dir, KEY_FILE);
}
