/* Requests end once, later, from the loop, however they end. What needs TLS is tested with the whole daemon. */

#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/remote/http.h"
#include "proto/error.h"
#include "tests/unit/certificate.h"

enum { CROWD = 20 };

static sd_event *event;
static struct worker *worker;
static struct http *http;

struct trial {
        struct http_request *request;
        int calls, r;
        char message[256];
        struct trial *frees; /* another, which its done frees */
};

/* A port at which somebody listens (and never answers), or nobody. */
static int open_port(bool listens, char url[static 64], const char *scheme) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t n = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_int_equal(bind(fd, (struct sockaddr *)&address, n), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &n), 0);
        if (listens)
                assert_int_equal(listen(fd, CROWD), 0);

        snprintf(url, 64, "%s://127.0.0.1:%d/a?b", scheme, ntohs(address.sin_port));
        return fd;
}

static void on_done(void *userdata, const struct fault *fault, const struct http_reply *reply) {
        struct trial *trial = userdata;

        assert_non_null(fault);
        assert_null(reply);
        trial->calls++;
        trial->r = fault->r;
        snprintf(trial->message, sizeof(trial->message), "%s", fault_message(fault));

        if (trial->frees)
                trial->frees->request = http_request_free(trial->frees->request);
        trial->request = http_request_free(trial->request);
}

static void start(struct trial *trial, const char *url) {
        struct secret *form = NULL, *bearer = NULL;

        assert_int_equal(secret_new(&form, "a=b", 3), 0);
        assert_int_equal(secret_new(&bearer, "AgG", 3), 0);
        assert_int_equal(http_send(&trial->request, http,
                                   &(const struct http_spec){
                                           .url = url,
                                           .form = form,
                                           .bearer = bearer,
                                           .done = on_done,
                                           .userdata = trial,
                                   }),
                         0);
        secret_free(bearer);
        assert_int_equal(trial->calls, 0);
}

static void wait_for(const struct trial *trial) {
        while (trial->calls == 0)
                assert_true(sd_event_run(event, UINT64_MAX) >= 0);
}

/* Everything that is ready is done, and nothing comes after. */
static void drain(void) {
        while (sd_event_run(event, 0) > 0)
                ;
}

static void assert_unavailable(const struct trial *trial, const char *word) {
        assert_int_equal(trial->calls, 1);
        assert_int_equal(trial->r, AGENT_ERROR_UNAVAILABLE);
        if (!strstr(trial->message, word))
                fail_msg("\"%s\" lacks \"%s\"", trial->message, word);
}

static void configure(const char *ca_file, uint64_t timeout_usec) {
        const struct http_settings settings = {.ca_file = ca_file, .proxy = "", .timeout_usec = timeout_usec};

        assert_int_equal(http_configure(http, &settings), 0);
}

static int setup(void **state) {
        const struct http_settings settings = {.proxy = "", .timeout_usec = 10 * USEC_PER_SEC};

        assert_true(sd_event_new(&event) >= 0);
        assert_int_equal(worker_new(&worker, event), 0);
        assert_int_equal(http_new(&http, event, worker, &settings), 0);
        return 0;
}

static int teardown(void **state) {
        http = http_free(http);
        worker = worker_free(worker);
        event = sd_event_unref(event);
        return 0;
}

static void test_connection_refused(void **state) {
        struct trial trial = {};
        char url[64], message[128];
        int fd = open_port(false, url, "https");

        start(&trial, url);
        wait_for(&trial);
        drain();
        snprintf(message, sizeof(message), "cannot reach %.*s: Connection refused", (int)strcspn(url + 8, "/"),
                 url + 8);
        assert_unavailable(&trial, message);
        close(fd);
}

static void test_only_https(void **state) {
        struct trial trial = {};
        char url[64];
        int fd = open_port(true, url, "http");

        start(&trial, url);
        wait_for(&trial);
        drain();
        assert_unavailable(&trial, "http");
        assert_int_equal(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 0), 0); /* nobody came */
        close(fd);
}

static void test_senseless_url(void **state) {
        struct trial trial = {};

        start(&trial, "https://");
        wait_for(&trial);
        assert_unavailable(&trial, "cannot reach");
}

static void test_unreadable_ca_file(void **state) {
        struct trial trial = {};
        char url[64];
        int fd = open_port(true, url, "https");

        configure("/nonexistent/ca.pem", 10 * USEC_PER_SEC);
        start(&trial, url);
        wait_for(&trial);
        assert_unavailable(&trial, "Cannot read the CA certificates in /nonexistent/ca.pem: No such file");
        assert_non_null(strstr(trial.message, "/nonexistent/ca.pem"));
        assert_null(strchr(trial.message, '\n'));
        close(fd);
}

/* What was not there when the settings were read may be there later. */
static void test_ca_file_that_comes_later(void **state) {
        char url[64], file[] = "/tmp/test-http-XXXXXX", later[sizeof(file) + 2];
        int pem = mkstemp(file), fd = open_port(true, url, "https");
        struct trial trial = {};

        assert_int_equal(write(pem, certificate_pem, strlen(certificate_pem)), strlen(certificate_pem));
        close(pem);
        snprintf(later, sizeof(later), "%s.x", file);

        configure(later, USEC_PER_SEC / 4);
        start(&trial, url);
        wait_for(&trial);
        assert_unavailable(&trial, later);

        trial = (struct trial){};
        assert_int_equal(rename(file, later), 0);
        start(&trial, url);
        wait_for(&trial);
        assert_unavailable(&trial, "timed out");
        assert_int_equal(unlink(later), 0);
        close(fd);
}

static int held[2]; /* a pipe */

static void hang(struct job *job) {
        char byte;

        assert_int_equal(read(held[0], &byte, 1), 0);
}

static void over(struct job *job) {
}

/* Of those that wait for the certificates one leaves, one goes on when they are not needed any more. */
static void test_disk_that_hangs(void **state) {
        static const struct job_type type = {.work = hang, .done = over, .free = over};
        struct trial left = {}, late = {}, freed = {};
        char url[64];
        int fd = open_port(false, url, "https");
        struct job job;

        assert_int_equal(pipe(held), 0);
        worker_submit(worker, &job, &type);

        configure("/nonexistent/ca.pem", USEC_PER_SEC / 4);
        start(&left, url);
        start(&late, url);
        left.request = http_request_free(left.request);
        wait_for(&late);
        assert_unavailable(&late, "Still waiting for the disk");
        assert_non_null(strstr(late.message, "/nonexistent/ca.pem"));

        start(&freed, url);
        configure(NULL, USEC_PER_SEC / 4);
        wait_for(&freed);
        assert_unavailable(&freed, "Connection refused");
        assert_int_equal(left.calls, 0);
        close(held[1]);
        worker = worker_free(worker);
        close(held[0]);
        close(fd);
}

/* The crowd is larger than the number of connections: those that wait for one have no more time than others. */
static void test_timeout(void **state) {
        struct trial trials[CROWD] = {};
        char url[64];
        int fd = open_port(true, url, "https");
        uint64_t before, after;

        configure(NULL, USEC_PER_SEC / 4);
        assert_true(sd_event_now(event, CLOCK_MONOTONIC, &before) >= 0);
        for (size_t i = 0; i < CROWD; i++)
                start(&trials[i], url);
        for (size_t i = 0; i < CROWD; i++)
                wait_for(&trials[i]);
        drain();
        assert_true(sd_event_now(event, CLOCK_MONOTONIC, &after) >= 0);
        assert_in_range(after - before, USEC_PER_SEC / 4, USEC_PER_SEC);
        for (size_t i = 0; i < CROWD; i++)
                assert_unavailable(&trials[i], "cannot reach 127.0.0.1");
        close(fd);
}

/* After any number of turns of the loop: before curl began, while it connects, while it waits. */
static void test_cancel(void **state) {
        struct trial trials[CROWD] = {};
        char url[64];
        int fd = open_port(true, url, "https");

        for (int turns = 0; turns < 10; turns++) {
                for (size_t i = 0; i < CROWD; i++)
                        start(&trials[i], url);
                for (int i = 0; i < turns; i++)
                        assert_true(sd_event_run(event, 1000) >= 0);
                for (size_t i = 0; i < CROWD; i++)
                        trials[i].request = http_request_free(trials[i].request);
                drain();
        }
        for (size_t i = 0; i < CROWD; i++)
                assert_int_equal(trials[i].calls, 0);
        assert_null(http_request_free(NULL));
        close(fd);
}

/* One that is finished too, and will never hear of it. */
static void test_done_frees_another(void **state) {
        struct trial first = {}, second = {}, *ended = &first, *freed = &second;
        char url[64];
        int fd = open_port(false, url, "https");

        first.frees = &second;
        second.frees = &first;
        start(&first, url);
        start(&second, url);
        while (first.calls + second.calls == 0)
                assert_true(sd_event_run(event, UINT64_MAX) >= 0);
        drain();

        if (second.calls > 0) {
                ended = &second;
                freed = &first;
        }
        assert_int_equal(ended->calls, 1);
        assert_int_equal(freed->calls, 0);
        assert_null(freed->request);
        close(fd);
}

/* The loop sleeps while nothing happens. */
static void test_no_storm(void **state) {
        struct trial trial = {};
        char url[64];
        int fd = open_port(true, url, "https"), turns = 0;

        configure(NULL, USEC_PER_SEC / 2);
        start(&trial, url);
        for (; trial.calls == 0; turns++)
                assert_true(sd_event_run(event, UINT64_MAX) >= 0);
        assert_in_range(turns, 1, 20);
        close(fd);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_connection_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(test_only_https, setup, teardown),
                cmocka_unit_test_setup_teardown(test_senseless_url, setup, teardown),
                cmocka_unit_test_setup_teardown(test_unreadable_ca_file, setup, teardown),
                cmocka_unit_test_setup_teardown(test_ca_file_that_comes_later, setup, teardown),
                cmocka_unit_test_setup_teardown(test_disk_that_hangs, setup, teardown),
                cmocka_unit_test_setup_teardown(test_timeout, setup, teardown),
                cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
                cmocka_unit_test_setup_teardown(test_done_frees_another, setup, teardown),
                cmocka_unit_test_setup_teardown(test_no_storm, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
