/* The socket, passed or made; and what the manager hears. */

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/notify.h"
#include "daemon/base/sealed.h"
#include "daemon/base/service.h"

enum { FIRST_PASSED = 3 };

static char directory[64], path[96];
static int listener, lock;

static int begin(void **state) {
        listener = lock = -1;
        snprintf(directory, sizeof(directory), "/tmp/test-service.XXXXXX");
        if (!mkdtemp(directory))
                return -1;

        snprintf(path, sizeof(path), "%s/socket", directory);
        return 0;
}

static int end(void **state) {
        char lock_path[128];

        snprintf(lock_path, sizeof(lock_path), "%s.lock", path);
        unlink(path);
        unlink(lock_path);
        return rmdir(directory);
}

static struct sockaddr_un address_of(const char *name) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        assert_true(strlen(name) < sizeof(address.sun_path));
        memcpy(address.sun_path, name, strlen(name));
        return address;
}

/* A socket of somebody who takes no lock. */
static int bind_at(const char *name, int type) {
        const struct sockaddr_un address = address_of(name);
        int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
        return fd;
}

static int connect_to(const char *name) {
        const struct sockaddr_un address = address_of(name);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

        assert_true(fd >= 0);
        r = connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
        close(fd);
        return r;
}

static void test_listen(void **state) {
        struct stat st;
        int fd;

        assert_int_equal(service_listen(&listener, &lock, path), 0);
        assert_int_equal(connect_to(path), 0);

        assert_int_equal(lstat(path, &st), 0);
        assert_true(S_ISSOCK(st.st_mode));
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_true(fcntl(listener, F_GETFL) & O_NONBLOCK);
        assert_true(fcntl(listener, F_GETFD) & FD_CLOEXEC);
        assert_true(fcntl(lock, F_GETFD) & FD_CLOEXEC);

        assert_int_equal((fd = accept(listener, NULL, NULL)) >= 0, 1);
        close(fd);
        assert_int_equal(accept(listener, NULL, NULL), -1);
        assert_int_equal(errno, EAGAIN);
        close(listener);
        close(lock);
}

static void test_one_of_two(void **state) {
        int other_listener = -1, other_lock = -1;

        assert_int_equal(service_listen(&listener, &lock, path), 0);
        assert_int_equal(service_listen(&other_listener, &other_lock, path), -EADDRINUSE);
        assert_int_equal(other_listener, -1);
        assert_int_equal(other_lock, -1);

        /* one that is about to listen, or to end, holds just the lock */
        close(listener);
        assert_int_equal(service_listen(&other_listener, &other_lock, path), -EADDRINUSE);
        assert_int_equal(access(path, F_OK), 0);

        close(lock);
        assert_int_equal(service_listen(&other_listener, &other_lock, path), 0); /* the name was left over */
        assert_int_equal(connect_to(path), 0);
        close(other_listener);
        close(other_lock);
}

static void test_served_by_another(void **state) {
        int fd = bind_at(path, SOCK_STREAM);

        assert_int_equal(listen(fd, 0), 0);
        assert_int_equal(service_listen(&listener, &lock, path), -EADDRINUSE);
        assert_int_equal(service_listen(&listener, &lock, path), -EADDRINUSE); /* its backlog is full */
        close(fd);
}

static void test_name_taken(void **state) {
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        close(fd);
        assert_int_equal(service_listen(&listener, &lock, path), -EEXIST);
        assert_int_equal(access(path, F_OK), 0);
        assert_int_equal(unlink(path), 0);

        fd = bind_at(path, SOCK_DGRAM);
        assert_int_equal(service_listen(&listener, &lock, path), -EPROTOTYPE);
        assert_int_equal(access(path, F_OK), 0);
        close(fd);
}

static void test_bad_path(void **state) {
        char longer[256];

        memset(longer, 'x', sizeof(longer) - 1);
        longer[sizeof(longer) - 1] = '\0';
        assert_int_equal(service_listen(&listener, &lock, longer), -ENAMETOOLONG);
        assert_int_equal(service_listen(&listener, &lock, ""), -ENOENT);
        assert_int_equal(service_listen(&listener, &lock, "/nonexistent/socket"), -ENOENT);
        assert_int_equal(listener, -1);
        assert_int_equal(lock, -1);
}

/* In a process that was started with these descriptors, the first of them number 3: 0 if all is well. */
static int take(const int *fds, int n, const char *names, int expected) {
        struct secret *secret = NULL;
        struct fd_store *store;
        char number[16];
        int r;

        for (int i = 0; i < n; i++)
                if (dup2(fds[i], FIRST_PASSED + i) < 0)
                        return 1;

        snprintf(number, sizeof(number), "%d", n);
        setenv("LISTEN_FDS", number, 1);
        setenv("LISTEN_FDNAMES", names, 1);
        snprintf(number, sizeof(number), "%d", (int)getpid());
        setenv("LISTEN_PID", number, 1);

        if (fd_store_new(&store, NULL))
                return 1;
        r = service_take_passed(store);
        if ((fd_store_get(store, "key", &secret) == 0) != !!strstr(names, "key-1"))
                return 5;
        fd_store_free(store);
        if (r != expected || getenv("LISTEN_FDS"))
                return 2;

        for (int fd = FIRST_PASSED; fd < FIRST_PASSED + n; fd++)
                if (fd != expected && fcntl(fd, F_GETFD) >= 0)
                        return 3;
        if (expected >= 0 && (!(fcntl(r, F_GETFD) & FD_CLOEXEC) || !(fcntl(r, F_GETFL) & O_NONBLOCK)))
                return 4;
        return 0;
}

static void assert_takes(const int *fds, int n, const char *names, int expected) {
        int high[3], status;
        pid_t pid;

        for (int i = 0; i < n; i++)
                high[i] = fcntl(fds[i], F_DUPFD, 100); /* out of the way of the numbers to come */

        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                _exit(take(high, n, names, expected));

        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        for (int i = 0; i < n; i++)
                close(high[i]);
}

static void test_take_listener(void **state) {
        int listening = bind_at(path, SOCK_STREAM), other = open("/dev/null", O_RDONLY | O_CLOEXEC);
        struct fd_store *store;

        assert_int_equal(listen(listening, 1), 0);
        assert_takes((int[]){listening}, 1, "varlink", FIRST_PASSED);
        assert_takes((int[]){other, listening}, 2, "secret:varlink", FIRST_PASSED + 1);
        assert_takes((int[]){listening, other}, 2, "varlink:varlink", FIRST_PASSED);
        assert_takes((int[]){listening}, 1, "http", -ENOENT);
        assert_takes((int[]){other}, 1, "varlink", -EINVAL);
        assert_int_equal(fd_store_new(&store, NULL), 0);
        assert_int_equal(service_take_passed(store), -ENOENT);
        fd_store_free(store);
        close(listening);
        close(other);
}

static void test_take_what_was_stored(void **state) {
        int listening = bind_at(path, SOCK_STREAM), sealed, other = open("/dev/null", O_RDONLY | O_CLOEXEC);

        assert_int_equal(listen(listening, 1), 0);
        assert_int_equal(sealed_new(&sealed, "key", (struct bytes){"x", 1}), 0);
        assert_takes((int[]){sealed, listening, other}, 3, "key-1:varlink:key-2", FIRST_PASSED + 1);
        assert_takes((int[]){sealed}, 1, "key-1", -ENOENT);
        close(listening);
        close(sealed);
        close(other);
}

static void test_take_not_listening(void **state) {
        int bound = bind_at(path, SOCK_STREAM);

        assert_takes((int[]){bound}, 1, "varlink", -EINVAL);
        close(bound);
}

static void assert_heard(int manager, const char *text) {
        char heard[256];
        ssize_t n = recv(manager, heard, sizeof(heard) - 1, MSG_DONTWAIT);

        assert_true(n > 0);
        heard[n] = '\0';
        assert_string_equal(heard, text);
}

static void test_notify(void **state) {
        int manager = bind_at(path, SOCK_DGRAM);

        service_notify_ready("to nobody");
        setenv("NOTIFY_SOCKET", path, 1);
        service_notify_ready("Serving 100% of %s");
        assert_heard(manager, "READY=1\nSTATUS=Serving 100% of %s");
        service_notify_ready(NULL);
        assert_heard(manager, "READY=1");
        service_notify_stopping();
        assert_heard(manager, "STOPPING=1");
        unsetenv("NOTIFY_SOCKET");
        close(manager);
}

static void test_watch(void **state) {
        int manager = bind_at(path, SOCK_DGRAM), n = 0;
        uint64_t begin_usec = clock_boottime_usec();
        char heard[64];
        sd_event *event;

        assert_int_equal(sd_event_new(&event), 0);
        assert_int_equal(service_watch(event), 0); /* nobody asked for it */

        setenv("NOTIFY_SOCKET", path, 1);
        setenv("WATCHDOG_USEC", "20000", 1);
        assert_int_equal(service_watch(event), 0);
        while (n < 3 && clock_boottime_usec() - begin_usec < 60 * USEC_PER_SEC) {
                assert_true(sd_event_run(event, USEC_PER_SEC) >= 0);
                if (recv(manager, heard, sizeof(heard), MSG_DONTWAIT) == (ssize_t)strlen("WATCHDOG=1"))
                        n++;
        }
        assert_int_equal(n, 3);

        sd_event_unref(event);
        unsetenv("NOTIFY_SOCKET");
        unsetenv("WATCHDOG_USEC");
        close(manager);
}

/* A manager that is busy with something else. */
static void test_watch_without_being_heard(void **state) {
        int manager = bind_at(path, SOCK_DGRAM), fd, n = 0;
        char heard[64];
        sd_event *event;

        setenv("NOTIFY_SOCKET", path, 1);
        setenv("WATCHDOG_USEC", "3000", 1);
        assert_int_equal(notify_connect(&fd), 0);
        while (notify_send(fd, "STATUS=busy", -1) == 0)
                n++;
        close(fd);

        assert_int_equal(sd_event_new(&event), 0);
        assert_int_equal(service_watch(event), 0);
        alarm(60); /* it would wait for ever */
        for (int i = 0; i < 3; i++)
                assert_true(sd_event_run(event, USEC_PER_SEC) > 0);
        service_notify_stopping();
        alarm(0);
        for (; n > 0; n--)
                assert_int_equal(recv(manager, heard, sizeof(heard), MSG_DONTWAIT), strlen("STATUS=busy"));
        assert_true(sd_event_run(event, USEC_PER_SEC) > 0);
        assert_int_equal(recv(manager, heard, sizeof(heard), MSG_DONTWAIT), strlen("WATCHDOG=1"));

        sd_event_unref(event);
        unsetenv("NOTIFY_SOCKET");
        unsetenv("WATCHDOG_USEC");
        close(manager);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_listen),
                TEST(test_one_of_two),
                TEST(test_served_by_another),
                TEST(test_name_taken),
                TEST(test_bad_path),
                TEST(test_take_listener),
                TEST(test_take_what_was_stored),
                TEST(test_take_not_listening),
                TEST(test_notify),
                TEST(test_watch),
                TEST(test_watch_without_being_heard),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
