/*
 * minimal SOCKET REQUEST-FILE: the floor of every client: a call to the agent with nothing but the C library.
 *
 * Prints the token of the reply, as globus-agentctl does.
 */

#include "tests/bench/bench.h"

enum { REPLY_MAX = 64 * 1024 };

static const char before_token[] = "\"access_token\":\"";

int main(int argc, char **argv) {
        static char reply[REPLY_MAX];
        struct sockaddr_un address;
        char *request, *token;
        size_t n, got = 0;
        ssize_t received;
        int fd;

        if (argc != 3) {
                fprintf(stderr, "usage: minimal SOCKET REQUEST-FILE\n");
                return EXIT_FAILURE;
        }

        request = read_file(argv[2], &n);
        set_address(&address, argv[1]);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                die(argv[1]);
        if (send(fd, request, n, MSG_NOSIGNAL) != (ssize_t)n)
                die("send");

        do {
                received = recv(fd, reply + got, sizeof(reply) - got, 0);
                if (received <= 0)
                        die("recv");
                got += (size_t)received;
        } while (reply[got - 1]);

        token = strstr(reply, before_token);
        if (!token)
                return EXIT_FAILURE;

        token += sizeof(before_token) - 1;
        printf("%.*s\n", (int)strcspn(token, "\""), token);
        return EXIT_SUCCESS;
}
