/* Every way in which a disk can disappoint: said in one line with the path and a way on, and nothing written
 * over. */

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <time.h>

#include "daemon/base/file.h"
#include "tests/unit/homes.h"

enum { STRANGER = 54321 };

/* Takes the place of the C library's: each look at the clock takes a second. */
int clock_gettime(clockid_t clock, struct timespec *ts) {
        static time_t now;

        *ts = (struct timespec){.tv_sec = ++now};
        return 0;
}

static int setup_saved(void **state) {
        setup_home(state);
        commit(*state, 1, "default");
        return 0;
}

/* Neither loading nor committing works, both say so, and the store's bytes stay. */
static void assert_refused(const struct home *home, bool unreadable, const char *a, const char *b) {
        _cleanup_(fault_deinit) struct fault fault = {0}, commit_fault = {0};
        _cleanup_(buffer_deinit) struct buffer before = {0}, after = {0};
        struct disk_look look = {};

        slurp(&before, home->store);
        assert_int_equal(disk_load(&look, &home->paths, &fault), AGENT_ERROR_STORAGE_FAILED);
        assert_null(look.store);
        assert_says(&fault, a, b);
        assert_int_equal(look.unreadable, unreadable);

        assert_int_equal(try_commit(home, 11, "work", &commit_fault), AGENT_ERROR_STORAGE_FAILED);
        assert_says(&commit_fault, a, b);
        slurp(&after, home->store);
        assert_int_equal(buffer_size(&before), buffer_size(&after));
        assert_memory_equal(buffer_bytes(&before), buffer_bytes(&after), buffer_size(&before));
}

static void test_store_cut_short(void **state) {
        struct home *home = *state;

        assert_int_equal(truncate(home->store, 100), 0);
        assert_refused(home, true, "cut short", "logout --all");
        assert_int_equal(truncate(home->store, 0), 0);
        assert_refused(home, true, home->store, "logout --all");
}

static void test_foreign_and_newer_store(void **state) {
        _cleanup_(buffer_deinit) struct buffer file = {0};
        struct home *home = *state;

        slurp(&file, home->store);
        buffer_bytes(&file)[9] = 2;
        spill(home->store, buffer_bytes(&file), buffer_size(&file));
        assert_refused(home, true, home->store, "was written by a newer globus-agent");

        spill(home->store, "{\"tokens\": {}}", 14);
        assert_refused(home, true, home->store, "is not a store of globus-agent");
}

static void test_unknown_protector(void **state) {
        _cleanup_(buffer_deinit) struct buffer file = {0};
        struct home *home = *state;

        slurp(&file, home->store);
        memcpy(strstr(buffer_bytes(&file) + 27, "keyfile"), "sealing", 7);
        spill(home->store, buffer_bytes(&file), buffer_size(&file));
        assert_refused(home, true, "is protected by 'sealing'", "logout --all");
}

static void test_key_missing(void **state) {
        struct home *home = *state;

        assert_int_equal(unlink(home->key), 0);
        assert_refused(home, true, home->key, "is missing");
        assert_int_equal(access(home->key, F_OK), -1); /* and none was made */
        assert_int_equal(rmdir(home->paths.config_dir), 0);
        assert_refused(home, true, home->key, "logout --all");
        assert_int_equal(access(home->paths.config_dir, F_OK), -1);
}

static void test_key_of_another_store(void **state) {
        struct home *home = *state;

        spill(home->key, "0123456789abcdef0123456789abcdef", 32);
        assert_refused(home, true, "does not open with the key file", home->key);
}

static void test_key_damaged(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {0};
        struct home *home = *state;

        spill(home->key, "0123456789abcdef0123456789abcde", 31);
        assert_refused(home, true, home->key, "is damaged");
        spill(home->key, "0123456789abcdef0123456789abcdef\n", 33);
        assert_refused(home, true, home->key, "is damaged");

        /* nor does a new store begin with it */
        assert_int_equal(unlink(home->store), 0);
        assert_int_equal(try_commit(home, 1, "default", &fault), AGENT_ERROR_STORAGE_FAILED);
        assert_says(&fault, home->key, "remove it");
        assert_int_equal(access(home->store, F_OK), -1);
}

static void test_wrong_modes(void **state) {
        struct home *home = *state;

        assert_int_equal(chmod(home->store, 0644), 0);
        assert_refused(home, true, "has mode 0644", "run chmod 600 '");
        assert_int_equal(chmod(home->store, 0600), 0);

        assert_int_equal(chmod(home->key, 0640), 0);
        assert_refused(home, true, home->key, "run chmod 600 '");
        assert_int_equal(chmod(home->key, 0400), 0);
        commit(home, 21, "fine");

        assert_int_equal(chmod(home->paths.state_dir, 0750), 0);
        assert_refused(home, false, "has mode 0750", "run chmod 700 '");
}

/* Made by hand for config.json. */
static void test_open_config_dir(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {0};
        struct home *home = *state;

        assert_int_equal(mkdir(home->paths.config_dir, 0755), 0);
        assert_int_equal(chmod(home->paths.config_dir, 0755), 0);
        assert_int_equal(try_commit(home, 1, "default", &fault), AGENT_ERROR_STORAGE_FAILED);
        assert_says(&fault, home->paths.config_dir, "run chmod 700 '");
        assert_int_equal(access(home->store, F_OK), -1);

        assert_int_equal(chmod(home->paths.config_dir, 0700), 0);
        commit(home, 1, "default");
        assert_int_equal(chmod(home->paths.config_dir, 0755), 0);
        assert_refused(home, false, home->paths.config_dir, "run chmod 700 '");
}

static void test_symbolic_links(void **state) {
        struct home *home = *state;
        char real[128];

        snprintf(real, sizeof(real), "%s/real", home->dir);
        assert_int_equal(rename(home->store, real), 0);
        assert_int_equal(symlink(real, home->store), 0);
        assert_refused(home, true, home->store, "is a symbolic link");
        assert_int_equal(rename(real, home->store), 0);

        assert_int_equal(rename(home->paths.state_dir, real), 0);
        assert_int_equal(symlink(real, home->paths.state_dir), 0);
        assert_refused(home, false, home->paths.state_dir, "is a symbolic link");
}

static void test_odd_files(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {0};
        struct home *home = *state;
        struct disk_look look = {};
        char other[128];

        snprintf(other, sizeof(other), "%s/other", home->dir);
        assert_int_equal(link(home->store, other), 0);
        assert_refused(home, true, home->store, "hard link");

        assert_int_equal(unlink(home->store), 0);
        assert_int_equal(mkfifo(home->store, 0600), 0); /* nobody writes: it must not wait */
        assert_int_equal(disk_load(&look, &home->paths, &fault), AGENT_ERROR_STORAGE_FAILED);
        assert_says(&fault, home->store, "not a regular file");
        assert_true(look.unreadable);
}

static void skip_because(const char *reason) {
        print_message("skipped: %s\n", reason);
        skip();
}

static void test_wrong_owner(void **state) {
        struct home *home = *state;

        if (geteuid() != 0)
                skip_because("only root can give files away");

        assert_int_equal(chown(home->store, STRANGER, STRANGER), 0);
        assert_refused(home, true, home->store, "belongs to another user (uid 54321)");
        assert_int_equal(chown(home->store, 0, 0), 0);
        assert_int_equal(chown(home->key, STRANGER, STRANGER), 0);
        assert_refused(home, true, home->key, "belongs to another user (uid 54321)");
        assert_int_equal(chown(home->key, 0, 0), 0);
        assert_int_equal(chown(home->paths.state_dir, STRANGER, STRANGER), 0);
        assert_refused(home, false, home->paths.state_dir, "belongs to another user (uid 54321)");
}

static void test_lock_held(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {0};
        _cleanup_(store_freep) struct store *store = NULL;
        struct home *home = *state;
        int dir_fd, lock_fd;

        assert_int_equal(file_open_dir(&dir_fd, home->paths.state_dir), 0);
        assert_int_equal(file_lock(&lock_fd, dir_fd, "lock", 0, 0), 0);
        assert_int_equal(try_commit(home, 11, "work", &fault), -EAGAIN);
        assert_int_equal(fault.r, AGENT_ERROR_STORAGE_FAILED);
        assert_says(&fault, home->lock, "is locked by another process");
        store = load(home); /* which needs no lock */
        assert_int_equal(count_records(store), 2);
        close(lock_fd);
        close(dir_fd);
        commit(home, 11, "work");
}

/* On a file system of its own for the state directory, seen by this process only. */
static void mount_state(const struct home *home, const char *options) {
        if (geteuid() != 0)
                skip_because("only root can mount");
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                skip_because("mounting is not allowed here");

        assert_int_equal(mkdir(home->paths.state_dir, 0700), 0);
        if (mount("tmpfs", home->paths.state_dir, "tmpfs", 0, options) < 0)
                skip_because("mounting is not allowed here");
}

static void fill(const struct home *home) {
        char path[128], page[4096] = {0};
        int fd;

        snprintf(path, sizeof(path), "%s/filler", home->paths.state_dir);
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        while (write(fd, page, sizeof(page)) > 0)
                ;
        assert_int_equal(errno, ENOSPC);
        close(fd);
}

static void test_disk_full(void **state) {
        _cleanup_(store_freep) struct store *store = NULL;
        struct home *home = *state;

        mount_state(home, "size=64k,mode=0700");
        commit(home, 1, "default");
        fill(home);

        {
                _cleanup_(fault_deinit) struct fault fault = {0};

                assert_int_equal(try_commit(home, 11, "work", &fault), AGENT_ERROR_STORAGE_FAILED);
                assert_says(&fault, "No space left on device", "make room there");
        }

        store = load(home);
        assert_int_equal(count_records(store), 2);
        umount2(home->paths.state_dir, MNT_DETACH);
}

static void test_read_only(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {0};
        _cleanup_(store_freep) struct store *store = NULL;
        struct home *home = *state;

        mount_state(home, "size=64k,mode=0700");
        commit(home, 1, "default");
        assert_int_equal(mount(NULL, home->paths.state_dir, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
        assert_int_equal(try_commit(home, 11, "work", &fault), AGENT_ERROR_STORAGE_FAILED);
        assert_says(&fault, "Read-only file system", "give yourself access");
        store = load(home);
        assert_int_equal(count_records(store), 2);
        umount2(home->paths.state_dir, MNT_DETACH);
}

/* As read-only as a user can make it. */
static void test_unwritable_dir(void **state) {
        _cleanup_(fault_deinit) struct fault fault = {0};
        _cleanup_(store_freep) struct store *store = NULL;
        struct home *home = *state;

        if (geteuid() == 0)
                skip_because("root may write everywhere");

        assert_int_equal(chmod(home->paths.state_dir, 0500), 0);
        assert_int_equal(try_commit(home, 11, "work", &fault), AGENT_ERROR_STORAGE_FAILED);
        assert_says(&fault, "Permission denied", "give yourself access");
        store = load(home);
        assert_int_equal(count_records(store), 2);
        assert_int_equal(chmod(home->paths.state_dir, 0700), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_store_cut_short, setup_saved, teardown_home),
                cmocka_unit_test_setup_teardown(test_foreign_and_newer_store, setup_saved, teardown_home),
                cmocka_unit_test_setup_teardown(test_unknown_protector, setup_saved, teardown_home),
                cmocka_unit_test_setup_teardown(test_key_missing, setup_saved, teardown_home),
                cmocka_unit_test_setup_teardown(test_key_of_another_store, setup_saved, teardown_home),
                cmocka_unit_test_setup_teardown(test_key_damaged, setup_saved, teardown_home),
                cmocka_unit_test_setup_teardown(test_wrong_modes, setup_saved, teardown_home),
                cmocka_unit_test_setup_teardown(test_open_config_dir, setup_home, teardown_home),
                cmocka_unit_test_setup_teardown(test_symbolic_links, setup_saved, teardown_home),
                cmocka_unit_test_setup_teardown(test_odd_files, setup_saved, teardown_home),
                cmocka_unit_test_setup_teardown(test_wrong_owner, setup_saved, teardown_home),
                cmocka_unit_test_setup_teardown(test_lock_held, setup_saved, teardown_home),
                cmocka_unit_test_setup_teardown(test_disk_full, setup_home, teardown_home),
                cmocka_unit_test_setup_teardown(test_read_only, setup_home, teardown_home),
                cmocka_unit_test_setup_teardown(test_unwritable_dir, setup_saved, teardown_home),
        };

        return cmocka_run_group_tests_name("disk-trouble", tests, NULL, NULL);
}
