#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "daemon/socket.h"
#include "tests/unit/fake-clock.h"

enum { PASSED = SD_LISTEN_FDS_START };

static int n_passed; /* by the service manager */

int sd_listen_fds_with_names(int unset_environment, char ***ret) {
        *ret = calloc(2, sizeof(**ret));
        assert_non_null(*ret);
        (*ret)[0] = n_passed > 0 ? strdup("varlink") : NULL;
        return n_passed;
}

struct place {
        char dir[64], path[96], lock[104], aside[104];
        sd_event *event;
        struct fd_store *store;
        struct own_socket *own;
        int fd;
        size_t lost;
};

static int setup(void **state) {
        struct place *place = calloc(1, sizeof(*place));

        n_passed = 0;
        strcpy(place->dir, "/tmp/globus-agent-test-XXXXXX");
        assert_non_null(mkdtemp(place->dir));
        snprintf(place->path, sizeof(place->path), "%s/socket", place->dir);
        snprintf(place->lock, sizeof(place->lock), "%s.lock", place->path);
        snprintf(place->aside, sizeof(place->aside), "%s.aside", place->path);
        place->fd = -1;
        assert_int_equal(fd_store_new(&place->store, NULL), 0);
        *state = place;
        return 0;
}

static void place_close(struct place *place) {
        place->own = own_socket_free(place->own);
        if (place->fd >= 0)
                close(place->fd);
        place->fd = -1;
}

static int teardown(void **state) {
        struct place *place = *state;
        int r;

        place_close(place);
        fd_store_free(place->store);
        sd_event_unref(place->event);
        unlink(place->path);
        unlink(place->aside);
        unlink(place->lock);
        r = rmdir(place->dir);
        free(place);
        return r;
}

/* at: NULL for the one that was passed. */
static int place_try(struct place *place, char **ret_path, const char *at, struct fault *fault) {
        return own_socket_open(&place->own, &place->fd, ret_path,
                               &(struct own_socket_options){.path = at, .store = place->store}, fault);
}

static void place_open(struct place *place) {
        _cleanup_(fault_deinit) struct fault fault = {};
        _cleanup_(freep) char *path = NULL;

        assert_int_equal(place_try(place, &path, place->path, &fault), 0);
        assert_non_null(place->own);
        assert_string_equal(path, place->path);
}

static void on_lost(void *userdata) {
        ((struct place *)userdata)->lost++;
}

static void settle(struct place *place) {
        for (int i = 0; sd_event_run(place->event, 0) > 0; i++)
                assert_true(i < 100);
}

static void place_watch(struct place *place) {
        assert_true(sd_event_new(&place->event) >= 0);
        assert_int_equal(own_socket_watch(place->own, place->event, on_lost, place), 0);
        settle(place);
        assert_int_equal(place->lost, 0);
}

static int connect_to(const char *path) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

        strcpy(address.sun_path, path);
        r = connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
        close(fd);
        return r;
}

static void test_own(void **state) {
        struct place *place = *state;
        struct stat st;

        place_open(place);
        assert_int_equal(connect_to(place->path), 0);
        assert_int_equal(stat(place->path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);

        place->own = own_socket_free(place->own);
        assert_int_equal(connect_to(place->path), -ENOENT);
}

/* Where another one serves there is nothing to take; when it has gone there is. */
static void test_taken(void **state) {
        struct place *place = *state;
        _cleanup_(fault_deinit) struct fault fault = {};
        struct own_socket *second = NULL;
        char *path = NULL;
        int fd = -1;

        place_open(place);
        assert_int_equal(own_socket_open(&second, &fd, &path,
                                         &(struct own_socket_options){place->path, place->store}, &fault),
                         -EADDRINUSE);
        assert_int_equal(fault.r, -EADDRINUSE);
        assert_non_null(strstr(fault_message(&fault), "nother globus-agent serves"));
        assert_null(second);
        assert_null(path);
        assert_int_equal(fd, -1);
        assert_int_equal(connect_to(place->path), 0);

        place_close(place);
        place_open(place);
}

/* A socket at the path, as the service manager passes one. */
static void pass(const char *path, bool listening) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        strcpy(address.sun_path, path);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        if (listening)
                assert_int_equal(listen(fd, 1), 0);
        if (fd != PASSED) {
                assert_int_equal(dup2(fd, PASSED), PASSED);
                close(fd);
        }
        n_passed = 1;
}

static void test_passed(void **state) {
        struct place *place = *state;
        _cleanup_(fault_deinit) struct fault fault = {};
        _cleanup_(freep) char *path = NULL;

        pass(place->path, true);
        assert_int_equal(place_try(place, &path, NULL, &fault), 0);
        assert_null(place->own);
        assert_int_equal(place->fd, PASSED);
        assert_string_equal(path, place->path);
}

/* A path on the command line is meant, whatever else is there. */
static void test_named_before_passed(void **state) {
        struct place *place = *state;

        pass(place->aside, true);
        place_open(place);
        assert_int_equal(connect_to(place->path), 0);
        assert_int_equal(connect_to(place->aside), -ECONNREFUSED);
}

static void test_passed_badly(void **state) {
        struct place *place = *state;
        _cleanup_(fault_deinit) struct fault fault = {};
        char *path = NULL;

        pass(place->path, false);
        assert_int_equal(place_try(place, &path, NULL, &fault), -EINVAL);
        assert_non_null(strstr(fault_message(&fault), "service manager"));
        assert_null(path);
        assert_null(place->own);
        assert_int_equal(place->fd, -1);
}

static void test_removed(void **state) {
        struct place *place = *state;

        fake_boottime = USEC_INFINITY / 2;
        place_open(place);
        place_watch(place);
        unlink(place->path);
        settle(place);
        assert_true(place->lost > 0);
}

/* Another one sits there: ours is lost, and it is not ours to remove. */
static void test_replaced(void **state) {
        struct place *place = *state;
        struct stat st;
        FILE *file;

        fake_boottime = USEC_INFINITY / 2;
        place_open(place);
        place_watch(place);
        file = fopen(place->aside, "we");
        assert_non_null(file);
        fclose(file);
        settle(place);
        assert_int_equal(place->lost, 0); /* a neighbour is no reason */

        assert_int_equal(rename(place->aside, place->path), 0);
        settle(place);
        assert_true(place->lost > 0);
        place_close(place);
        assert_int_equal(lstat(place->path, &st), 0);
        assert_true(S_ISREG(st.st_mode));
}

/* Not watched: what lies there now is known by its number. */
static void test_replaced_unwatched(void **state) {
        struct place *place = *state;
        struct stat st;
        FILE *file;

        place_open(place);
        file = fopen(place->aside, "we");
        assert_non_null(file);
        fclose(file);
        assert_int_equal(rename(place->aside, place->path), 0);
        place_close(place);
        assert_int_equal(lstat(place->path, &st), 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_own),          TEST(test_taken),
                TEST(test_passed),       TEST(test_named_before_passed),
                TEST(test_passed_badly), TEST(test_removed),
                TEST(test_replaced),     TEST(test_replaced_unwatched),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
