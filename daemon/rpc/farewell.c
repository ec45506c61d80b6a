#include "daemon/rpc/farewell.h"

#include <errno.h>
#include <sys/epoll.h>

#include "daemon/base/clock.h"
#include "daemon/rpc/peer.h"

enum { PEERS_A_WAKE_UP = 16 };

/* Who has nothing more to read is let go at once. */
static void farewell_say(struct list *peers) {
        struct list *next;

        for (struct list *l = peers->next; l != peers; l = next) {
                struct peer *peer = CONTAINER(l, struct peer, link);

                next = l->next;
                if (peer_stop(peer))
                        peer_free(peer);
        }
}

/* There is nobody else to be served meanwhile. */
static void farewell_wait(struct list *peers, int epoll_fd) {
        uint64_t end = clock_boottime_usec() + FAREWELL_USEC, now;
        struct epoll_event events[PEERS_A_WAKE_UP];
        int n;

        while (!list_is_empty(peers) && (now = clock_boottime_usec()) < end) {
                n = epoll_wait(epoll_fd, events, PEERS_A_WAKE_UP, (int)((end - now) / USEC_PER_MSEC) + 1);
                if (n == 0 || (n < 0 && errno != EINTR))
                        return;
                for (int i = 0; i < n; i++)
                        if (peer_flush(events[i].data.ptr))
                                peer_free(events[i].data.ptr);
        }
}

void farewell(struct list *peers, int epoll_fd) {
        struct list *first;

        farewell_say(peers);
        farewell_wait(peers, epoll_fd);
        while ((first = list_first(peers)))
                peer_free(CONTAINER(first, struct peer, link));
}
