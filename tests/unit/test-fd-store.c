/* What the manager is given to keep, what comes back, and that the newest always does. */

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <systemd/sd-event.h>

#include "daemon/base/fd-store.h"
#include "daemon/base/sealed.h"
#include "tests/unit/manager.h"

static sd_event *event;
static struct fd_store *store;

/* What the manager holds, as it is told. */
static struct {
        char name[64];
        int fd;
} held[8];
static size_t n_held;

static int begin(void **state) {
        n_held = 0;
        if (manager_begin() || sd_event_new(&event) < 0)
                return -1;

        return fd_store_new(&store, event);
}

static int end(void **state) {
        store = fd_store_free(store);
        event = sd_event_unref(event);
        while (n_held > 0)
                close(held[--n_held].fd);
        return manager_end();
}

/* A message at a time, as it may be killed between any two. False: none came. */
static bool manager_obeys(void) {
        const char *text, *name;
        int fd;

        text = manager_hear(&fd);
        if (!text)
                return false;

        name = strstr(text, "FDNAME=") + strlen("FDNAME=");
        if (fd >= 0) {
                assert_true(strncmp(text, "FDSTORE=1\n", 10) == 0 && strstr(text, "\nFDPOLL=0"));
                assert_true(n_held < ARRAY_SIZE(held));
                snprintf(held[n_held].name, sizeof(held->name), "%.*s", (int)strcspn(name, "\n"), name);
                held[n_held++].fd = fd;
                return true;
        }

        assert_true(strncmp(text, "FDSTOREREMOVE=1\n", 16) == 0);
        for (size_t i = 0; i < n_held; i++)
                if (streq(held[i].name, name)) {
                        close(held[i].fd);
                        held[i--] = held[--n_held];
                }
        return true;
}

static void manager_obeys_all(void) {
        while (manager_obeys())
                ;
}

/* Ends, and begins anew with what the manager holds. */
static void restart(void) {
        store = fd_store_free(store);
        assert_int_equal(fd_store_new(&store, event), 0);
        for (size_t i = 0; i < n_held; i++)
                assert_int_equal(fd_store_adopt(store, fcntl(held[i].fd, F_DUPFD_CLOEXEC, 0), held[i].name), 0);
}

static int put(const char *name, const char *text) {
        return fd_store_put(store, name, (struct bytes){text, strlen(text)});
}

/* text NULL: none. */
static void assert_kept(const char *name, const char *text) {
        _cleanup_(secret_freep) struct secret *secret = NULL;
        int r = fd_store_get(store, name, &secret);

        assert_int_equal(r, text ? 0 : -ENOENT);
        if (text)
                assert_string_equal(secret_string(secret), text);
}

static void test_comes_back(void **state) {
        assert_int_equal(put("key", "of the store"), 0);
        assert_int_equal(put("other-key", "another"), 0);
        assert_kept("key", "of the store");
        manager_obeys_all();
        assert_int_equal(n_held, 2);

        restart();
        assert_kept("key", "of the store");
        assert_kept("other-key", "another");
        assert_kept("other", NULL);
        restart();
        assert_kept("key", "of the store"); /* as long as nobody has forgotten it */
}

static void test_replaced(void **state) {
        assert_int_equal(put("key", "first"), 0);
        manager_obeys_all();
        restart();
        assert_int_equal(put("key", "second"), 0);
        assert_kept("key", "second");
        assert_true(manager_obeys());
        assert_int_equal(n_held, 2); /* before the first is removed */
        manager_obeys_all();
        assert_int_equal(n_held, 1);

        restart();
        assert_kept("key", "second");
}

/* Killed before the first was removed. */
static void test_newest_of_two(void **state) {
        for (int order = 0; order < 2; order++) {
                int first = -1, second = -1, witness;
                char byte;

                assert_int_equal(sealed_new(&first, "key", (struct bytes){"first", 5}), 0);
                assert_int_equal(sealed_new(&second, "key", (struct bytes){"second", 6}), 0);
                witness = fcntl(first, F_DUPFD_CLOEXEC, 0);
                if (order == 0)
                        assert_int_equal(fd_store_adopt(store, first, "key-9"), 0);
                assert_int_equal(fd_store_adopt(store, second, "key-10"), 0);
                if (order == 1)
                        assert_int_equal(fd_store_adopt(store, first, "key-9"), 0);
                assert_kept("key", "second");
                assert_int_equal(sealed_read(witness, &byte, 1), -EIO);
                close(witness);
                fd_store_free(store);
                assert_int_equal(fd_store_new(&store, event), 0);
                manager_obeys_all();
        }
}

static void test_forgotten(void **state) {
        char byte;

        assert_int_equal(put("key", "of the store"), 0);
        assert_int_equal(put("other-key", "another"), 0);
        assert_true(manager_obeys());
        assert_true(manager_obeys());
        fd_store_forget(store, "key");
        assert_kept("key", NULL);
        assert_kept("other-key", "another");
        assert_int_equal(sealed_read(held[0].fd, &byte, 1), -EIO); /* it has not heard of it yet */
        manager_obeys_all();
        assert_int_equal(n_held, 1);

        restart();
        fd_store_forget(store, "other-key");
        assert_kept("other-key", NULL);
        manager_obeys_all();
        assert_int_equal(n_held, 0);
}

static int send_many(void) {
        int n = 0, fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        memcpy(address.sun_path, manager_path, strlen(manager_path));
        while (sendto(fd, "STATUS=", 7, 0, (const struct sockaddr *)&address, sizeof(address)) > 0)
                n++;
        close(fd);
        return n;
}

/* One sender's buffer may be full before the manager's queue is, which is as long as the system says. */
static int fill_up(void) {
        int n = 0, more;

        while ((more = send_many()) > 0)
                n += more;
        return n;
}

static void settle(void) {
        while (sd_event_run(event, 0) > 0)
                ;
}

static void test_manager_is_slow(void **state) {
        int n, fd;

        assert_int_equal(put("key", "zeroth"), 0);
        manager_obeys_all();
        n = fill_up();
        assert_int_equal(put("key", "first"), 0);
        assert_int_equal(put("key", "second"), 0);
        assert_int_equal(put("gone", "soon"), 0);
        fd_store_forget(store, "gone");
        settle();
        assert_kept("key", "second");
        assert_int_equal(n_held, 1); /* and the zeroth is as it was */
        assert_int_equal(sealed_read(held[0].fd, (char[6]){}, 6), 0);

        while (n-- > 0)
                assert_string_equal(manager_hear(&fd), "STATUS=");
        settle();
        assert_true(manager_obeys());
        assert_string_equal(held[1].name, "key-3"); /* what came and went in between never mattered */
        manager_obeys_all();
        assert_int_equal(n_held, 1);
        restart();
        assert_kept("key", "second");
}

/* What was given up is gone, although the manager still has it and passes it to the next. */
static void test_ends_before_the_manager_hears(void **state) {
        int n, fd;

        assert_int_equal(put("key", "of the store"), 0);
        manager_obeys_all();
        n = fill_up();
        fd_store_forget(store, "key");
        store = fd_store_free(store);
        while (n-- > 0)
                assert_non_null(manager_hear(&fd));
        assert_false(manager_obeys());

        restart();
        assert_kept("key", NULL);
        assert_int_equal(put("key", "another"), 0); /* must not go down with the old one */
        manager_obeys_all();
        assert_int_equal(n_held, 1);
        restart();
        assert_kept("key", "another");
}

static void test_no_manager(void **state) {
        unsetenv("NOTIFY_SOCKET");
        assert_int_equal(put("key", "of the store"), -ENOENT);
        assert_kept("key", NULL);
        fd_store_forget(store, "key");
}

static void test_manager_does_not_answer(void **state) {
        assert_int_equal(put("key", "first"), 0);
        manager_obeys_all();
        close(manager_fd);
        assert_int_equal(put("key", "second"), -ECONNREFUSED);
        assert_kept("key", "first");
}

static void assert_stranger(int fd, const char *name) {
        assert_int_equal(fd_store_adopt(store, fd, name), -EINVAL);
        assert_int_equal(close(fd), 0); /* it was left to us */
}

static void test_strangers(void **state) {
        static const char *const names[] = {"",      "key",    "key-",  "-1",     "Key-1",
                                            "key-x", "key-+1", "a b-1", "key-1x", "key-18446744073709551615",
                                            "k1-1",  "stored"};
        char longer[80];
        int fd;

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                assert_int_equal(sealed_new(&fd, "test", (struct bytes){"x", 1}), 0);
                assert_stranger(fd, names[i]);
        }

        memset(longer, 'x', sizeof(longer));
        snprintf(longer + 64, sizeof(longer) - 64, "-1");
        assert_int_equal(sealed_new(&fd, "test", (struct bytes){"x", 1}), 0);
        assert_stranger(fd, longer);

        assert_stranger(open("/dev/null", O_RDWR | O_CLOEXEC), "key-1");
        assert_stranger(memfd_create("key", MFD_CLOEXEC), "key-1");
        assert_kept("key", NULL);
}

static void test_sizes(void **state) {
        size_t n = FD_STORE_SIZE_MAX;
        char *large = calloc(1, n + 1);
        struct secret *out = NULL;

        assert_int_equal(fd_store_put(store, "key", (struct bytes){large, 0}), -EINVAL);
        assert_int_equal(fd_store_put(store, "key", (struct bytes){large, n + 1}), -EINVAL);
        assert_int_equal(fd_store_get(store, "image", &out), -ENOENT);

        large[0] = 'a';
        large[n - 1] = 'z';
        assert_int_equal(fd_store_put(store, "image", (struct bytes){large, n}), 0);
        manager_obeys_all();
        restart();
        assert_int_equal(fd_store_get(store, "image", &out), 0);
        assert_int_equal(secret_size(out), n);
        assert_memory_equal(secret_bytes(out), large, n);
        secret_free(out);
        free(large);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_comes_back),      TEST(test_replaced),
                TEST(test_newest_of_two),   TEST(test_forgotten),
                TEST(test_manager_is_slow), TEST(test_ends_before_the_manager_hears),
                TEST(test_no_manager),      TEST(test_manager_does_not_answer),
                TEST(test_strangers),       TEST(test_sizes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
