#pragma once

/* Farewell: the last words to each peer, once the loop is over. */

#include "proto/list.h"
#include "proto/macro.h"

/* For all peers: what they have not read by then is lost. */
#define FAREWELL_USEC (500 * USEC_PER_MSEC)

/* Frees the peers, having answered what is pending with Stopping, and waited a moment for those who read.
 * peers: peer.link; epoll_fd: has their sockets, and nothing else. */
void farewell(struct list *peers, int epoll_fd);
