/* Key file: whatever is in it, and in the header that it is to open, only the right key opens the store. */

#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/flow/disk.h"
#include "daemon/model/protector.h"
#include "proto/error.h"

/* A store on disk, in a directory below TMPDIR, and the key that opens it. */
static struct {
        struct disk_paths paths;
        struct store *store;
        struct secret *key;
        int key_fd;
} disk;

static char *make_dir(const char *parent, const char *name) {
        char *path;

        CLAIM(asprintf(&path, "%s/%s", parent, name) > 0);
        CLAIM(mkdir(path, 0700) == 0);
        return path;
}

static int make_file(const char *dir, const char *name) {
        _cleanup_(freep) char *path = NULL;
        int fd;

        CLAIM(asprintf(&path, "%s/%s", dir, name) > 0);
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        CLAIM(fd >= 0);
        return fd;
}

static void fill(int fd, struct bytes contents) {
        CLAIM(ftruncate(fd, 0) == 0);
        CLAIM(pwrite(fd, contents.data, contents.n, 0) == (ssize_t)contents.n);
}

static void make_disk(void) {
        _cleanup_(buffer_deinit) struct buffer file = {};
        _cleanup_(freep) char *home = NULL;
        int fd;

        CLAIM(asprintf(&home, "%s/fuzz-XXXXXX", getenv("TMPDIR") ?: "/tmp") > 0 && mkdtemp(home));
        disk.paths.state_dir = make_dir(home, "state");
        disk.paths.config_dir = make_dir(home, "config");

        CLAIM(secret_new(&disk.key, "0123456789abcdef0123456789abcdef", PROTECTOR_KEYFILE_SIZE) == 0);
        CLAIM(store_new(&disk.store) == 0);
        CLAIM(protector_wrap(disk.store, PROTECTOR_KEYFILE, disk.key, geteuid()) == 0);
        CLAIM(store_encode(&file, disk.store) == 0);

        fd = make_file(disk.paths.state_dir, "store");
        fill(fd, (struct bytes){buffer_bytes(&file), buffer_size(&file)});
        close(fd);
        disk.key_fd = make_file(disk.paths.config_dir, "key");
}

static bool is_key(struct bytes contents) {
        return contents.n == secret_size(disk.key) &&
               memcmp(contents.data, secret_bytes(disk.key), contents.n) == 0;
}

static void check_file(struct bytes contents) {
        _cleanup_(disk_look_deinit) struct disk_look look = {};
        _cleanup_(fault_deinit) struct fault fault = {};
        const char *words;
        int r;

        fill(disk.key_fd, contents);
        r = disk_load(&look, &disk.paths, &fault);
        if (is_key(contents)) {
                CLAIM(r == 0 && look.store && !look.unreadable);
                return;
        }

        words = contents.n == PROTECTOR_KEYFILE_SIZE ? "does not open with the key file" : "is damaged";
        CLAIM(r == AGENT_ERROR_STORAGE_FAILED && !look.store && look.unreadable);
        CLAIM(fuzz_is_line(fault_message(&fault)) && strstr(fault_message(&fault), words));
}

/* *part: of the store's header. */
static void check_header(struct buffer *part, struct bytes contents) {
        struct buffer kept = {};
        bool same = buffer_size(part) == contents.n;
        int r;

        buffer_swap(part, &kept);
        CLAIM(buffer_append(part, contents.data, contents.n) == 0);
        same = same && (contents.n == 0 || memcmp(buffer_bytes(&kept), contents.data, contents.n) == 0);
        r = protector_unwrap(disk.store, disk.key, geteuid());
        CLAIM(r == (same ? 0 : -EBADMSG));

        buffer_swap(part, &kept);
        buffer_deinit(&kept);
}

static void check_key(struct bytes contents) {
        _cleanup_(secret_freep) struct secret *key = NULL;

        CLAIM(secret_new(&key, contents.data, contents.n) == 0);
        CLAIM(protector_unwrap(disk.store, key, geteuid()) == (is_key(contents) ? 0 : -EBADMSG));
}

/* which: the file · the key · the wrapped key · the parameters */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        struct bytes input = {data, n};
        unsigned char which = fuzz_byte(&input);

        if (!disk.store)
                make_disk();

        if (which % 4 == 0)
                check_file(input);
        if (which % 4 == 1)
                check_key(input);
        if (which % 4 == 2)
                check_header(&disk.store->protection.wrapped_key, input);
        if (which % 4 == 3)
                check_header(&disk.store->protection.parameters, input);
        return 0;
}
