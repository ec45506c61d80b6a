#include "proto/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "proto/error.h"
#include "proto/frame.h"

struct client {
        int fd;
        struct frame_reader reader;
};

uint64_t client_now_usec(void) {
        struct timespec now;

        clock_gettime(CLOCK_BOOTTIME, &now);
        return (uint64_t)now.tv_sec * USEC_PER_SEC + (uint64_t)now.tv_nsec / 1000;
}

/* 0 when it has passed. */
static uint64_t remaining_usec(uint64_t deadline_usec) {
        uint64_t now_usec = client_now_usec();

        return deadline_usec > now_usec ? deadline_usec - now_usec : 0;
}

struct client *client_free(struct client *client) {
        if (!client)
                return NULL;

        if (client->fd >= 0)
                close(client->fd);

        frame_reader_deinit(&client->reader);
        free(client);
        return NULL;
}

static int set_address(struct sockaddr_un *ret, const char *path) {
        *ret = (struct sockaddr_un){.sun_family = AF_UNIX};

        if (strlen(path) >= sizeof(ret->sun_path))
                return -ENAMETOOLONG;

        strcpy(ret->sun_path, path);
        return 0;
}

/* A full backlog is waited for by the kernel: poll() cannot tell when there is room. A timeout of 0 would mean
 * none. */
static int connect_before(int fd, const struct sockaddr_un *address, uint64_t deadline_usec) {
        uint64_t usec = MAX(remaining_usec(deadline_usec), UINT64_C(1));
        struct timeval timeout = {
                .tv_sec = (time_t)MIN(usec / USEC_PER_SEC, (uint64_t)INT32_MAX),
                .tv_usec = (suseconds_t)(usec % USEC_PER_SEC),
        };

        if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
                return 0;

        return errno == EAGAIN ? -ETIMEDOUT : -errno;
}

static int open_socket(struct client *client, const struct sockaddr_un *address, uint64_t deadline_usec) {
        int r;

        client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (client->fd < 0)
                return -errno;

        do
                r = connect_before(client->fd, address, deadline_usec);
        while (r == -EINTR);

        if (!r && fcntl(client->fd, F_SETFL, O_NONBLOCK) < 0)
                r = -errno;

        return r;
}

int client_open(struct client **ret, const char *path, size_t reply_max, uint64_t deadline_usec) {
        _cleanup_(client_freep) struct client *client = NULL;
        struct sockaddr_un address;
        int r;

        r = set_address(&address, path);
        if (r)
                return r;

        client = malloc(sizeof(*client));
        if (!client)
                return -ENOMEM;

        *client = (struct client){.fd = -1, .reader = FRAME_READER_INIT(reply_max)};

        r = open_socket(client, &address, deadline_usec);
        if (r)
                return r;

        *ret = TAKE(client);
        return 0;
}

int client_peer_uid(const struct client *client, uid_t *ret) {
        struct ucred peer;
        socklen_t size = sizeof(peer);

        if (getsockopt(client->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
                return -errno;

        *ret = peer.uid;
        return 0;
}

static int check_peer(const struct client *client, const char *path, struct fault *fault) {
        uid_t uid = 0;
        int r;

        r = client_peer_uid(client, &uid);
        if (r)
                return fault_set(fault, r, "Cannot tell whose socket %s is: %s", path, error_sentence(r));
        if (uid != geteuid())
                return fault_set(fault, -EPERM,
                                 "The agent at %s is run by uid %u, not by you: nothing was sent to it", path,
                                 uid);

        return 0;
}

/* In words what client_open() returned. */
static int connect_failed(struct fault *fault, int r, const char *path) {
        switch (r) {
        case -ENOENT:
        case -ECONNREFUSED:
                return fault_set(fault, r, "No agent is running at %s", path);
        case -ETIMEDOUT:
                return fault_set(fault, r, "The agent at %s took no connection in time", path);
        case -ENAMETOOLONG:
                return fault_set(fault, r, "The socket path %s is longer than %zu bytes: use a shorter one",
                                 path, sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
        case -ENOMEM:
                return fault_set(fault, r, NULL);
        default:
                return fault_set(fault, r, "Cannot connect to the agent at %s: %s", path, error_sentence(r));
        }
}

int client_connect(struct client **ret, const char *path, uint64_t deadline_usec, struct fault *fault) {
        _cleanup_(client_freep) struct client *client = NULL;
        int r;

        r = client_open(&client, path, MESSAGE_REPLY_MAX, deadline_usec);
        if (r)
                return connect_failed(fault, r, path);

        r = check_peer(client, path, fault);
        if (r)
                return r;

        *ret = TAKE(client);
        return 0;
}

static int wait_for(const struct client *client, short events, uint64_t deadline_usec) {
        uint64_t usec = remaining_usec(deadline_usec);
        struct pollfd pollfd = {.fd = client->fd, .events = events};
        struct timespec timeout = {
                .tv_sec = (time_t)MIN(usec / USEC_PER_SEC, (uint64_t)INT32_MAX),
                .tv_nsec = (long)(usec % USEC_PER_SEC * 1000),
        };

        if (usec == 0)
                return -ETIMEDOUT;
        if (ppoll(&pollfd, 1, &timeout, NULL) < 0 && errno != EINTR)
                return -errno;

        return 0;
}

static int client_send(struct client *client, struct buffer *message, uint64_t deadline_usec) {
        int r;

        for (;;) {
                r = frame_send(message, client->fd);
                if (r != -EAGAIN)
                        return r;

                r = wait_for(client, POLLOUT, deadline_usec);
                if (r)
                        return r;
        }
}

static int client_fill(struct client *client, uint64_t deadline_usec) {
        int r;

        for (;;) {
                r = frame_reader_fill(&client->reader, client->fd);
                if (r == 0)
                        return -ENODATA;
                if (r != -EAGAIN)
                        return MIN(r, 0);

                r = wait_for(client, POLLIN, deadline_usec);
                if (r)
                        return r;
        }
}

static int client_receive(struct client *client, uint64_t deadline_usec, struct message_reply *ret) {
        const char *text;
        size_t n;
        int r;

        while ((r = frame_reader_next(&client->reader, &text, &n)) == 0) {
                r = client_fill(client, deadline_usec);
                if (r)
                        return r;
        }
        if (r < 0)
                return r;

        r = message_parse_reply(ret, text, n);
        frame_reader_consume(&client->reader);
        return r;
}

int client_exchange(struct client *client, struct buffer *message, uint64_t deadline_usec,
                    struct message_reply *ret) {
        _cleanup_(message_reply_deinit) struct message_reply reply = {};
        int r;

        r = client_send(client, message, deadline_usec);
        buffer_clear(message);
        if (r)
                return r;

        r = client_receive(client, deadline_usec, &reply);
        if (r)
                return r;
        if (reply.continues)
                return -EBADMSG; /* that is for calls with more only */

        *ret = reply;
        reply = (struct message_reply){};
        return 0;
}

static int call_failed(struct fault *fault, int r) {
        switch (r) {
        case -EPIPE:
        case -ECONNRESET:
        case -ENODATA:
                return fault_set(fault, r, "The agent went away before it answered");
        case -ETIMEDOUT:
                return fault_set(fault, r, "The agent did not answer in time");
        case -EBADMSG:
                return fault_set(fault, r, "The agent's answer cannot be understood");
        case -EMSGSIZE:
                return fault_set(fault, r, "The agent's answer is longer than %d bytes", MESSAGE_REPLY_MAX);
        default:
                return fault_set(fault, r, "The connection to the agent failed: %s", error_sentence(r));
        }
}

int client_call(struct client *client, struct buffer *message, uint64_t deadline_usec,
                struct message_reply *ret, struct fault *fault) {
        _cleanup_(message_reply_deinit) struct message_reply reply = {};
        int r;

        r = client_exchange(client, message, deadline_usec, &reply);
        if (r)
                return call_failed(fault, r);

        if (reply.error) {
                r = fault_parse(fault, reply.error, reply.parameters);
                return r ? r : fault->r;
        }

        *ret = reply;
        reply = (struct message_reply){};
        return 0;
}
