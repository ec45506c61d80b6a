#pragma once

/* Agent, between its files: what it owns, and what its parts tell each other. */

#include "daemon/agent.h"
#include "daemon/base/fd-store.h"
#include "daemon/rpc/context.h"
#include "daemon/settings.h"
#include "daemon/socket.h"
#include "daemon/stop.h"

struct agent {
        sd_event *event;
        struct settings settings;
        struct disk_paths disk_paths;
        struct fd_store *fd_store;
        struct own_socket *own_socket;
        char *socket;
        int ready_fd;

        struct worker *worker;
        struct vault *vault;
        struct http *http;
        struct save *save;
        struct claims *claims;
        struct follow *follow;
        struct revoker *revoker;
        struct refresh *refresh;
        struct schedule *schedule;
        struct logins *logins;
        struct membership *membership;
        struct open *open;
        struct lock *lock;
        struct aside *aside;
        struct disk_wish wish;
        struct listener *listener;
        struct context context;

        struct waiter ready; /* of open */
        struct stop *stop;
        bool lost; /* at the end: what changed last is not on disk */
};

/* Has the service manager keep what a restart would lose, or not any more. */
void agent_retain(struct agent *agent);

/* What follows is called by the parts: userdata is the agent. */

bool agent_is_busy(void *userdata); /* something is on the wire */
bool agent_is_vital(void *userdata); /* and may bring a refresh token that exists nowhere else */

void agent_on_stop(void *userdata);
void agent_on_end(void *userdata);
void agent_on_socket_lost(void *userdata);

void agent_on_opened(void *userdata); /* the store was read */
void agent_on_passphrase_needed(void *userdata); /* or it was not */
void agent_on_saved(void *userdata);
void agent_on_lost(void *userdata);
void agent_on_image(void *userdata, const struct secret *image); /* not on disk, and to outlive the process */
void agent_on_followed(void *userdata); /* another daemon has logged in or out, or refreshed */
void agent_on_locked_out(void *userdata); /* or locked the store with a passphrase */
void agent_on_refreshed(void *userdata);
void agent_on_login(void *userdata, const char *profile);

void agent_on_gate_closed(void *userdata); /* the agent is being locked */
void agent_on_gate_reopened(void *userdata);
void agent_on_cancel(void *userdata);
void agent_on_wiped(void *userdata);
