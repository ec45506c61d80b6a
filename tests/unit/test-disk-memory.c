/* A store that is kept in memory: the file says only that, and the image is all there is. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "tests/unit/captured.h"
#include "tests/unit/homes.h"

/* One of the two steps to memory. False: it was only prepared. */
static bool step(const struct home *home, struct store_version *prepared, struct secret **ret_image) {
        struct disk_commit commit = COMMIT_INIT(commit);
        _cleanup_(fault_deinit) struct fault fault = {};
        bool done;

        commit.action = DISK_PROTECT;
        commit.wish.protector = PROTECTOR_MEMORY;
        commit.prepared = *prepared;
        assert_int_equal(disk_commit(&commit, &home->paths, &fault), 0);
        done = !disk_commit_only_prepared(&commit);
        *prepared = commit.prepared;
        secret_free(*ret_image);
        *ret_image = TAKE(commit.image);
        disk_commit_deinit(&commit);
        return done;
}

/* *ret_image is then all of the store. */
static void move_to_memory(const struct home *home, struct secret **ret_image) {
        struct store_version prepared = {};

        assert_false(step(home, &prepared, ret_image));
        assert_true(step(home, &prepared, ret_image));
}

static size_t count_with(const struct home *home, struct secret *image) {
        _cleanup_(fault_deinit) struct fault fault = {};
        _cleanup_(disk_look_deinit) struct disk_look look = {.keys.image = image};

        assert_int_equal(disk_load(&look, &home->paths, &fault), 0);
        return count_records(look.store);
}

static struct secret *flipped(const struct secret *image, size_t at) {
        struct secret *copy;

        assert_int_equal(secret_copy(&copy, image), 0);
        ((unsigned char *)secret_data(copy))[at] ^= 1;
        return copy;
}

static void test_image(void **state) {
        _cleanup_(secret_freep) struct secret *image = NULL;
        struct secret *copy;
        struct home *home = *state;

        commit(home, 1, "default");
        move_to_memory(home, &image);
        assert_int_equal(count_with(home, NULL), 0);
        assert_int_equal(secret_copy(&copy, image), 0);
        assert_int_equal(count_with(home, copy), 2);
}

/* Whatever the moment of a crash, the disk has the logins, or the image that was made first has. */
static void test_disk_is_left_last(void **state) {
        _cleanup_(secret_freep) struct secret *image = NULL, *last = NULL;
        struct store_version prepared = {};
        struct home *home = *state;

        commit(home, 1, "default");
        assert_false(step(home, &prepared, &image));
        assert_int_equal(count_with(home, NULL), 2);
        commit(home, 11, "work"); /* another daemon's, which the image lacks */
        assert_false(step(home, &prepared, &image));
        assert_int_equal(count_with(home, NULL), 4);

        assert_true(step(home, &prepared, &last));
        assert_int_equal(count_with(home, NULL), 0);
        assert_int_equal(count_with(home, TAKE(image)), 4);
}

/* As if there were none: the daemon serves, and says that logins are lost. */
static void test_damaged_image(void **state) {
        _cleanup_(secret_freep) struct secret *image = NULL;
        struct home *home = *state;

        commit(home, 1, "default");
        move_to_memory(home, &image);
        for (size_t i = 0; i < secret_size(image); i++) {
                struct captured captured;

                capture(&captured);
                assert_int_equal(count_with(home, flipped(image, i)), 0);
                assert_non_null(strstr(release(&captured), "What was kept in memory is damaged"));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_image, setup_home, teardown_home),
                cmocka_unit_test_setup_teardown(test_disk_is_left_last, setup_home, teardown_home),
                cmocka_unit_test_setup_teardown(test_damaged_image, setup_home, teardown_home),
        };

        return cmocka_run_group_tests_name("disk-memory", tests, NULL, NULL);
}
