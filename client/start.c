#include "client/start.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "client/launch.h"
#include "client/manager.h"
#include "proto/address.h"

#define RACE_USEC (5 * USEC_PER_SEC)
#define RACE_TURN_USEC USEC_PER_SEC

enum { RACE_PAUSE_MIN_MSEC = 10, RACE_PAUSE_MAX_MSEC = 160 };

static bool nobody_listens(int r) {
        return r == -ENOENT || r == -ECONNREFUSED;
}

/* A started daemon works in the root directory. */
static int make_absolute(char **path) {
        _cleanup_(freep) char *directory = NULL;
        char *absolute;

        if ((*path)[0] == '/')
                return 0;

        directory = getcwd(NULL, 0);
        if (!directory)
                return -errno;
        if (asprintf(&absolute, "%s/%s", directory, *path) < 0)
                return -ENOMEM;

        free(*path);
        *path = absolute;
        return 0;
}

/* As a rule another one is just about to serve, which shows in a moment. */
static int connect_to_winner(struct client **ret, const char *path, uint64_t deadline_usec,
                             struct fault *fault) {
        uint64_t end_usec = MIN(deadline_usec, client_now_usec() + RACE_TURN_USEC);
        int r;

        for (int pause = RACE_PAUSE_MIN_MSEC;; pause = MIN(pause * 2, (int)RACE_PAUSE_MAX_MSEC)) {
                r = client_connect(ret, path, deadline_usec, fault);
                if (!nobody_listens(r) || client_now_usec() >= end_usec)
                        return r;
                (void)poll(NULL, 0, pause);
        }
}

/* Ours may end without serving because another one is there: about to serve, or about to end. */
static int start_daemon(struct client **ret, const char *path, uint64_t deadline_usec, struct fault *fault) {
        uint64_t end_usec = MIN(deadline_usec, client_now_usec() + RACE_USEC);
        int r;

        for (;;) {
                _cleanup_(freep) char *last_words = NULL;

                r = launch_daemon(path, deadline_usec, &last_words, fault);
                if (r && r != -ENODATA)
                        return r;

                r = connect_to_winner(ret, path, deadline_usec, fault);
                if (!nobody_listens(r))
                        return r;
                if (client_now_usec() >= end_usec)
                        return fault_set(
                                fault, r, "globus-agent does not start: %s",
                                last_words ?: "it ended without a word; try running it by hand: globus-agent");
        }
}

int start_connect(struct client **ret, const struct globals *globals, uint64_t deadline_usec,
                  struct fault *fault) {
        bool named = globals->socket || command_getenv("GLOBUS_AGENT_SOCK");
        _cleanup_(freep) char *path = NULL;
        int r;

        r = address_find(&path, globals->socket, fault);
        if (r)
                return r;

        r = client_connect(ret, path, deadline_usec, fault);
        if (!nobody_listens(r))
                return r;
        if (globals->no_autostart)
                return fault_set(fault, -ENOTCONN, "No globus-agent listens at %s", path);

        if (!named && manager_start_socket(path, deadline_usec)) {
                r = client_connect(ret, path, deadline_usec, fault);
                if (!nobody_listens(r))
                        return r;
        }

        r = make_absolute(&path);
        if (r)
                return fault_set(fault, r,
                                 "The directory that --socket is relative to is gone; name a full path");
        return start_daemon(ret, path, deadline_usec, fault);
}
