/*
 * load CLIENTS persistent|connect MSEC ROUNDS TARGET...: calls several servers in turn, a slice of time each,
 * so that what befalls the machine befalls them all.
 *
 * TARGET is SOCKET,nul|brace|length,REQUEST-FILE: how its messages end, and what it is sent. Of each slice
 * there is one line of JSON: which target, how many calls, how long they took (nanoseconds), and how many
 * calls the slowest client had answered. A client sends its next request as soon as it has the reply to the
 * last; with "connect" on a new connection.
 *
 * One client blocks in its socket, as a program does; of many, one thread waits for all.
 */

#include "tests/bench/bench.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/epoll.h>
#include <sys/resource.h>

enum { TARGETS_MAX = 8, EVENTS_A_WAIT = 64, REPLY_MAX = 1024 * 1024 };

struct client {
        int fd; /* -1: not connected */
        int64_t since; /* when its request was sent; 0: it waits for nothing */
        size_t got; /* bytes of the reply */
        size_t rest; /* of a reply that began with its length */
        size_t calls;
};

struct target {
        struct sockaddr_un address;
        bool has_length; /* before each message; else this ends it: */
        char end;
        char *request;
        size_t request_size;
        struct client *clients;
        int epoll_fd;
};

static size_t n_clients, errors;
static bool persistent;
static int64_t *samples;
static size_t n_samples, allocated_samples;
static char reply[REPLY_MAX];

static void add_sample(int64_t took) {
        if (n_samples == allocated_samples) {
                allocated_samples = allocated_samples ? 2 * allocated_samples : 65536;
                samples = reallocarray(samples, allocated_samples, sizeof(*samples));
                if (!samples)
                        die("samples");
        }
        samples[n_samples++] = took;
}

static void client_connect(struct target *target, struct client *client) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};

        client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (client->fd < 0)
                die("socket");
        if (connect(client->fd, (struct sockaddr *)&target->address, sizeof(target->address)) < 0)
                die(target->address.sun_path);
        if (n_clients > 1 && epoll_ctl(target->epoll_fd, EPOLL_CTL_ADD, client->fd, &event) < 0)
                die("epoll_ctl");
}

static void client_close(struct client *client) {
        close(client->fd);
        client->fd = -1;
        client->since = 0;
}

static void client_call(struct target *target, struct client *client, int64_t now) {
        client->since = now;
        client->got = client->rest = 0;
        if (client->fd < 0)
                client_connect(target, client);
        if (send(client->fd, target->request, target->request_size, MSG_NOSIGNAL) !=
            (ssize_t)target->request_size) {
                errors++;
                client_close(client);
        }
}

static bool reply_is_whole(const struct target *target, struct client *client, size_t n) {
        const unsigned char *length = (const unsigned char *)reply;

        if (!target->has_length)
                return reply[n - 1] == target->end;
        if (client->got == 0 && n >= 4)
                client->rest =
                        (size_t)length[0] << 24 | (size_t)length[1] << 16 | (size_t)length[2] << 8 | length[3];

        return client->got + n >= client->rest + 4;
}

/* True: the call is over, well or not. */
static bool client_receive(struct target *target, struct client *client) {
        ssize_t n = recv(client->fd, reply, sizeof(reply), 0);

        if (n <= 0) {
                errors++;
                client_close(client);
                return true;
        }
        if (!reply_is_whole(target, client, (size_t)n)) {
                client->got += (size_t)n;
                return false;
        }

        if (!persistent)
                close(client->fd);
        return true;
}

/* Returns when. */
static int64_t client_finish(struct client *client) {
        int64_t now = now_nsec();

        if (client->since) {
                add_sample(now - client->since);
                client->calls++;
        }
        if (!persistent)
                client->fd = -1;
        client->since = 0;
        return now;
}

/* One that is ready. While it blocks, nothing else could be done. */
static int wait_ready(struct target *target, struct epoll_event *events) {
        int n;

        if (n_clients == 1) {
                events[0].data.ptr = target->clients;
                return 1;
        }

        n = epoll_wait(target->epoll_fd, events, EVENTS_A_WAIT, -1);
        if (n < 0 && errno != EINTR)
                die("epoll_wait");
        return n;
}

/* What was sent before the end is waited for, and counts for nothing. */
static void drain(struct target *target) {
        for (size_t i = 0; i < n_clients; i++) {
                struct client *client = target->clients + i;

                while (client->since && !client_receive(target, client))
                        ;
                if (!persistent)
                        client->fd = -1;
                client->since = 0;
        }
}

static int64_t run_until(struct target *target, int64_t end) {
        struct epoll_event events[EVENTS_A_WAIT];
        int64_t now = now_nsec();

        for (size_t i = 0; i < n_clients; i++)
                client_call(target, target->clients + i, now);

        while (now < end) {
                int n = wait_ready(target, events);

                for (int i = 0; i < n; i++) {
                        struct client *client = events[i].data.ptr;

                        if (client_receive(target, client)) {
                                now = client_finish(client);
                                client_call(target, client, now);
                        }
                }
        }

        return now;
}

static void run_slice(struct target *target, size_t number, int64_t slice_nsec) {
        int64_t begin = now_nsec(), took;
        size_t least = SIZE_MAX;

        errors = n_samples = 0;
        for (size_t i = 0; i < n_clients; i++)
                target->clients[i].calls = 0;

        took = run_until(target, begin + slice_nsec) - begin;
        drain(target);
        for (size_t i = 0; i < n_clients; i++)
                if (target->clients[i].calls < least)
                        least = target->clients[i].calls;

        if (n_samples == 0) {
                fprintf(stderr, "%s answers nothing\n", target->address.sun_path);
                exit(EXIT_FAILURE);
        }
        qsort(samples, n_samples, sizeof(*samples), compare_samples);
        printf("{\"target\": %zu, \"calls\": %zu, \"took\": %" PRId64 ", \"p50\": %" PRId64
               ", \"p90\": %" PRId64 ", \"p99\": %" PRId64 ", \"p999\": %" PRId64 ", \"max\": %" PRId64
               ", \"errors\": %zu, \"slowest\": %zu}\n",
               number, n_samples, took, quantile(samples, n_samples, 0.5), quantile(samples, n_samples, 0.9),
               quantile(samples, n_samples, 0.99), quantile(samples, n_samples, 0.999), samples[n_samples - 1],
               errors, least);
}

static void target_init(struct target *target, char *text) {
        const char *path = strsep(&text, ","), *ends = strsep(&text, ",");

        if (!text) {
                fprintf(stderr, "a target is SOCKET,nul|brace|length,REQUEST-FILE\n");
                exit(EXIT_FAILURE);
        }

        set_address(&target->address, path);
        target->has_length = strcmp(ends, "length") == 0;
        target->end = strcmp(ends, "brace") == 0 ? '}' : '\0';
        target->request = read_file(text, &target->request_size);
        target->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        target->clients = calloc(n_clients, sizeof(*target->clients));
        if (target->epoll_fd < 0 || !target->clients)
                die(path);

        for (size_t i = 0; i < n_clients; i++)
                target->clients[i].fd = -1;
}

int main(int argc, char **argv) {
        struct rlimit limit;
        struct target targets[TARGETS_MAX] = {};
        size_t n_targets = argc > 5 ? (size_t)argc - 5 : 0;
        long msec, rounds;

        if (n_targets == 0 || n_targets > TARGETS_MAX) {
                fprintf(stderr, "usage: load CLIENTS persistent|connect MSEC ROUNDS TARGET...\n");
                return EXIT_FAILURE;
        }

        if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
                limit.rlim_cur = limit.rlim_max;
                (void)setrlimit(RLIMIT_NOFILE, &limit);
        }

        n_clients = (size_t)strtoul(argv[1], NULL, 10);
        persistent = strcmp(argv[2], "persistent") == 0;
        msec = strtol(argv[3], NULL, 10);
        rounds = strtol(argv[4], NULL, 10);
        for (size_t i = 0; i < n_targets; i++)
                target_init(targets + i, argv[5 + i]);

        /* the first round connects and warms up: it is told like the others, and left out by who reads */
        for (long round = 0; round < rounds; round++)
                for (size_t i = 0; i < n_targets; i++)
                        run_slice(targets + i, i, msec * NSEC_PER_MSEC);

        return EXIT_SUCCESS;
}
