#pragma once

/* Context: what the methods work with; the agent's, borrowed. */

#include "daemon/base/config.h"
#include "daemon/flow/aside.h"
#include "daemon/flow/disk.h"
#include "daemon/flow/follow.h"
#include "daemon/flow/lock.h"
#include "daemon/flow/logins.h"
#include "daemon/flow/logout.h"
#include "daemon/flow/membership.h"
#include "daemon/flow/open.h"
#include "daemon/flow/provide.h"
#include "daemon/flow/save.h"
#include "daemon/flow/schedule.h"

struct listener;

struct context {
        bool stopping; /* nothing is begun that a call would have to be told about */
        const struct config *config; /* in effect; changes at a reload */
        const struct fault *reload_trouble; /* why the last reload changed nothing */
        struct vault *vault;
        struct save *save;
        struct open *open;
        struct lock *lock;
        struct aside *aside;
        struct follow *follow;
        const struct http *http;
        struct revoker *revoker;
        struct provide provide;
        struct schedule *schedule;
        struct logins *logins;
        struct membership *membership;
        const struct listener *listener;
        const struct disk_paths *paths;
        const struct disk_wish *wish; /* what is to protect a new store */
        const char *socket;
        int64_t started_at; /* Unix seconds */
        uint64_t descriptor_limit;
};
