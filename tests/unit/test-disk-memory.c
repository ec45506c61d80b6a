/* A store that is kept in memory: the file says only that, and the image is all there is. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "tests/unit/captured.h"
#include "tests/unit/homes.h"

/* Moves the store to memory; *ret_image is then all of it. */
static void move_to_memory(const struct home *home, struct secret **ret_image) {
        struct disk_commit commit = COMMIT_INIT(commit);
        _cleanup_(fault_deinit) struct fault fault = {};

        commit.action = DISK_PROTECT;
        commit.wish.protector = PROTECTOR_MEMORY;
        assert_int_equal(disk_commit(&commit, &home->paths, &fault), 0);
        *ret_image = TAKE(commit.image);
        disk_commit_deinit(&commit);
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
                cmocka_unit_test_setup_teardown(test_damaged_image, setup_home, teardown_home),
        };

        return cmocka_run_group_tests_name("disk-memory", tests, NULL, NULL);
}
