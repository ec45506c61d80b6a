#include "tests/unit/unit.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "client/launch.h"
#include "client/manager.h"
#include "client/start.h"
#include "proto/address.h"

enum { CONNECTS_MAX = 100 };

/* The world: who listens after which try, what the manager and the launch come to. */
static struct world {
        int connects[CONNECTS_MAX]; /* results, one after the other; the rest 0 */
        size_t n_connects, n_pauses, n_manager, n_launches;
        bool manager;
        int launch;
        const char *last_words;
        char launched[256];
        uint64_t now_usec;
} world;

int poll(struct pollfd *fds, nfds_t n, int timeout) {
        world.n_pauses++;
        world.now_usec += (uint64_t)timeout * USEC_PER_MSEC;
        return 0;
}

uint64_t client_now_usec(void) {
        return world.now_usec;
}

int address_find(char **ret, const char *explicit_path, struct fault *fault) {
        if (explicit_path && streq(explicit_path, "/bad"))
                return fault_set(fault, -EPERM, "bad directory");

        *ret = strdup(explicit_path ? explicit_path : "/run/user/1/globus-agent/socket");
        return 0;
}

int client_connect(struct client **ret, const char *path, uint64_t deadline_usec, struct fault *fault) {
        int r;

        assert_true(world.n_connects < CONNECTS_MAX);
        r = world.connects[world.n_connects++];
        if (r)
                return fault_set(fault, r, "not connected");

        *ret = malloc(1);
        return 0;
}

struct client *client_free(struct client *client) {
        free(client);
        return NULL;
}

bool manager_start_socket(const char *path, uint64_t deadline_usec) {
        world.n_manager++;
        return world.manager;
}

int launch_daemon(const char *path, uint64_t deadline_usec, char **ret_last_words, struct fault *fault) {
        world.n_launches++;
        snprintf(world.launched, sizeof(world.launched), "%s", path);
        if (world.last_words)
                *ret_last_words = strdup(world.last_words);
        if (world.launch && world.launch != -ENODATA)
                return fault_set(fault, world.launch, "not launched");
        return world.launch;
}

static int setup(void **state) {
        unsetenv("GLOBUS_AGENT_SOCK");
        world = (struct world){.now_usec = USEC_PER_SEC};
        return 0;
}

/* 0: connected. needle: in the fault. */
static void assert_starts(const struct globals *globals, int expected, const char *needle) {
        _cleanup_(fault_deinit) struct fault fault = {};
        struct client *client = NULL;

        assert_int_equal(start_connect(&client, globals, world.now_usec + 60 * USEC_PER_SEC, &fault), expected);
        assert_true(!client == (expected != 0));
        if (needle)
                assert_non_null(strstr(fault_message(&fault), needle));
        client_free(client);
}

static const struct globals usual = {};

static void test_running(void **state) {
        assert_starts(&usual, 0, NULL);
        assert_int_equal(world.n_manager + world.n_launches, 0);
}

static void test_bad_address(void **state) {
        assert_starts(&(struct globals){.socket = "/bad"}, -EPERM, "bad directory");
        assert_int_equal(world.n_connects, 0);
}

/* Somebody listens, but not for us: nothing is started beside them. */
static void test_refused(void **state) {
        world.connects[0] = -EPERM;
        assert_starts(&usual, -EPERM, "not connected");
        assert_int_equal(world.n_manager + world.n_launches, 0);
}

static void test_no_autostart(void **state) {
        world.connects[0] = -ENOENT;
        assert_starts(&(struct globals){.no_autostart = true}, -ENOTCONN, "No globus-agent listens at /");
        assert_int_equal(world.n_manager + world.n_launches, 0);
}

static void test_manager_first(void **state) {
        world.connects[0] = -ECONNREFUSED;
        world.manager = true;
        assert_starts(&usual, 0, NULL);
        assert_int_equal(world.n_manager, 1);
        assert_int_equal(world.n_launches, 0);
}

static void test_launch_without_manager(void **state) {
        world.connects[0] = -ENOENT;
        assert_starts(&usual, 0, NULL);
        assert_int_equal(world.n_manager, 1);
        assert_string_equal(world.launched, "/run/user/1/globus-agent/socket");
}

/* The unit's socket is elsewhere than the one that is named. */
static void test_named_socket(void **state) {
        world.connects[0] = -ENOENT;
        world.manager = true;
        assert_starts(&(struct globals){.socket = "/x/socket"}, 0, NULL);
        assert_int_equal(world.n_manager, 0);
        assert_string_equal(world.launched, "/x/socket");

        setup(state);
        setenv("GLOBUS_AGENT_SOCK", "/y/socket", 1);
        world.connects[0] = -ENOENT;
        assert_starts(&usual, 0, NULL);
        assert_int_equal(world.n_manager, 0);
}

static void test_relative_socket(void **state) {
        _cleanup_(freep) char *directory = getcwd(NULL, 0), *expected = NULL;

        assert_true(asprintf(&expected, "%s/here/socket", directory) > 0);
        world.connects[0] = -ENOENT;
        assert_starts(&(struct globals){.socket = "here/socket"}, 0, NULL);
        assert_string_equal(world.launched, expected);
}

static void test_launch_fails(void **state) {
        world.connects[0] = -ENOENT;
        world.launch = -ETIMEDOUT;
        assert_starts(&usual, -ETIMEDOUT, "not launched");
}

/* Ours ended, because another one was faster: it is waited for. */
static void test_lost_race(void **state) {
        for (size_t i = 0; i < 5; i++)
                world.connects[i] = i % 2 ? -ECONNREFUSED : -ENOENT;
        world.launch = -ENODATA;
        assert_starts(&usual, 0, NULL);
        assert_int_equal(world.n_launches, 1);
        assert_int_equal(world.n_connects, 6);
        assert_int_equal(world.n_pauses, 4);
}

/* It did not come to serve, but was ending. */
static void test_winner_ends(void **state) {
        for (size_t i = 0; i < 20; i++)
                world.connects[i] = -ECONNREFUSED;
        world.launch = -ENODATA;
        assert_starts(&usual, 0, NULL);
        assert_int_equal(world.n_launches, 2);
}

static void test_nobody_wins(void **state) {
        uint64_t begin_usec = world.now_usec;

        for (size_t i = 0; i < CONNECTS_MAX; i++)
                world.connects[i] = -ECONNREFUSED;
        world.launch = -ENODATA;
        world.last_words = "no key";
        assert_starts(&usual, -ECONNREFUSED, "does not start: no key");
        assert_in_range(world.now_usec - begin_usec, 5 * USEC_PER_SEC, 6 * USEC_PER_SEC);

        world.last_words = NULL;
        world.n_connects = 0;
        assert_starts(&usual, -ECONNREFUSED, "without a word");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup(name, setup)
        const struct CMUnitTest tests[] = {
                TEST(test_running),      TEST(test_bad_address),     TEST(test_refused),
                TEST(test_no_autostart), TEST(test_manager_first),   TEST(test_launch_without_manager),
                TEST(test_named_socket), TEST(test_relative_socket), TEST(test_launch_fails),
                TEST(test_lost_race),    TEST(test_winner_ends),     TEST(test_nobody_wins),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
