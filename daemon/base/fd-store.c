#include "daemon/base/fd-store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "daemon/base/notify.h"
#include "daemon/base/sealed.h"
#include "proto/list.h"

enum { NAME_SIZE = 64 };

enum kept_state {
        KEPT_NEW, /* to be sent */
        KEPT_SENT, /* the manager has it, or had no room for it */
        KEPT_OBSOLETE, /* empty; the manager is to be told so */
};

/* What the manager knows as NAME-GENERATION. */
struct kept {
        struct list link; /* fd_store.kept */
        enum kept_state state;
        char name[NAME_SIZE];
        uint64_t generation;
        size_t size;
        int fd;
};

struct fd_store {
        sd_event *event; /* borrowed */
        struct list kept;
        sd_event_source *room; /* until the manager has read some of what was sent; owns its socket */
};

static void closep(int *fd) {
        if (*fd >= 0)
                close(*fd);
}

static struct kept *kept_free(struct kept *kept) {
        if (!kept)
                return NULL;

        list_unlink(&kept->link);
        if (kept->fd >= 0)
                close(kept->fd);
        free(kept);
        return NULL;
}

DEFINE_CLEANUP(struct kept, kept_free);

static int kept_new(struct kept **ret) {
        struct kept *kept = calloc(1, sizeof(*kept));

        if (!kept)
                return -ENOMEM;

        list_init(&kept->link);
        kept->fd = -1;
        *ret = kept;
        return 0;
}

static struct kept *fd_store_find(const struct fd_store *store, const char *name) {
        struct kept *newest = NULL;

        for (struct list *l = store->kept.next; l != &store->kept; l = l->next) {
                struct kept *kept = CONTAINER(l, struct kept, link);

                if (kept->state != KEPT_OBSOLETE && streq(kept->name, name) &&
                    (!newest || kept->generation > newest->generation))
                        newest = kept;
        }

        return newest;
}

/* Empties it for all who hold it. */
static void kept_give_up(struct kept *kept) {
        (void)sealed_empty(kept->fd);
        if (kept->state == KEPT_NEW)
                kept_free(kept);
        else
                kept->state = KEPT_OBSOLETE;
}

/* All of this name below this generation. */
static void fd_store_give_up(struct fd_store *store, const char *name, uint64_t generation) {
        struct list *next;

        for (struct list *l = store->kept.next; l != &store->kept; l = next) {
                struct kept *kept = CONTAINER(l, struct kept, link);

                next = l->next;
                if (kept->state != KEPT_OBSOLETE && kept->generation < generation && streq(kept->name, name))
                        kept_give_up(kept);
        }
}

static int send_kept(int socket_fd, const struct kept *kept) {
        char text[NAME_SIZE + 64];

        snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s-%" PRIu64 "\nFDPOLL=0", kept->name,
                 kept->generation);
        return notify_send(socket_fd, text, kept->fd);
}

static int send_removal(int socket_fd, const struct kept *kept) {
        char text[NAME_SIZE + 64];

        snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s-%" PRIu64, kept->name, kept->generation);
        return notify_send(socket_fd, text, -1);
}

/* What is new goes first, so that what it replaces is not given up too soon. */
static int send_all(struct fd_store *store, int socket_fd) {
        struct list *next;
        int r;

        for (struct list *l = store->kept.next; l != &store->kept; l = l->next) {
                struct kept *kept = CONTAINER(l, struct kept, link);

                if (kept->state != KEPT_NEW)
                        continue;
                r = send_kept(socket_fd, kept);
                if (r)
                        return r;

                kept->state = KEPT_SENT;
                fd_store_give_up(store, kept->name, kept->generation);
        }

        for (struct list *l = store->kept.next; l != &store->kept; l = next) {
                struct kept *kept = CONTAINER(l, struct kept, link);

                next = l->next;
                if (kept->state != KEPT_OBSOLETE)
                        continue;
                r = send_removal(socket_fd, kept);
                if (r)
                        return r;

                kept_free(kept);
        }

        return 0;
}

static int fd_store_flush(struct fd_store *store);

static int fd_store_on_room(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct fd_store *store = userdata;

        store->room = sd_event_source_disable_unref(store->room);
        (void)fd_store_flush(store); /* what cannot be sent waits for the next occasion */
        return 0;
}

/* Takes over the socket, also on failure. */
static int fd_store_wait(struct fd_store *store, int socket_fd) {
        int r;

        r = sd_event_add_io(store->event, &store->room, socket_fd, EPOLLOUT, fd_store_on_room, store);
        if (r < 0) {
                close(socket_fd);
                return r;
        }

        r = sd_event_source_set_io_fd_own(store->room, true);
        return r < 0 ? r : 0;
}

static int fd_store_flush(struct fd_store *store) {
        _cleanup_(closep) int fd = -1;
        int r;

        if (store->room)
                return 0;

        r = notify_connect(&fd);
        if (!r)
                r = send_all(store, fd);
        if (r == -EAGAIN) {
                r = fd_store_wait(store, fd);
                fd = -1;
        }

        return r;
}

static bool name_is_valid(const char *name, size_t n) {
        return n > 0 && n < NAME_SIZE && strspn(name, "abcdefghijklmnopqrstuvwxyz-") >= n;
}

/* Takes NAME-GENERATION apart. */
static bool parse_passed_name(struct kept *kept, const char *text) {
        const char *dash = strrchr(text, '-');
        size_t n = dash ? (size_t)(dash - text) : 0;
        char end;

        if (!name_is_valid(text, n) || strspn(dash + 1, "0123456789") != strlen(dash + 1) ||
            sscanf(dash + 1, "%" SCNu64 "%c", &kept->generation, &end) != 1)
                return false;

        memcpy(kept->name, text, n);
        return kept->generation < UINT64_MAX;
}

int fd_store_adopt(struct fd_store *store, int fd, const char *passed_name) {
        _cleanup_(kept_freep) struct kept *kept = NULL;
        struct kept *newest;
        int r;

        r = kept_new(&kept);
        if (r)
                return r;
        if (!parse_passed_name(kept, passed_name) || !sealed_check(fd, &kept->size) ||
            kept->size > FD_STORE_SIZE_MAX)
                return -EINVAL;

        kept->fd = fd;
        kept->state = kept->size > 0 ? KEPT_SENT : KEPT_OBSOLETE;
        list_append(&store->kept, &kept->link);

        /* of two, the older one was about to be given up */
        newest = fd_store_find(store, kept->name);
        if (newest)
                fd_store_give_up(store, newest->name, newest->generation);
        kept = NULL;
        (void)fd_store_flush(store);
        return 0;
}

static uint64_t next_generation(const struct fd_store *store, const char *name) {
        uint64_t next = 1;

        for (struct list *l = store->kept.next; l != &store->kept; l = l->next) {
                const struct kept *kept = CONTAINER(l, struct kept, link);

                if (streq(kept->name, name))
                        next = MAX(next, kept->generation + 1);
        }

        return next;
}

/* However often a name is put while the manager does not listen, one waits to be sent. */
static void fd_store_drop_unsent(struct fd_store *store, const struct kept *newest) {
        struct list *next;

        for (struct list *l = store->kept.next; l != &store->kept; l = next) {
                struct kept *kept = CONTAINER(l, struct kept, link);

                next = l->next;
                if (kept != newest && kept->state == KEPT_NEW && streq(kept->name, newest->name))
                        kept_free(kept);
        }
}

int fd_store_put(struct fd_store *store, const char *name, struct bytes data) {
        _cleanup_(kept_freep) struct kept *kept = NULL;
        size_t n = strlen(name);
        int r;

        if (!name_is_valid(name, n) || data.n == 0 || data.n > FD_STORE_SIZE_MAX)
                return -EINVAL;
        if (!notify_is_wanted())
                return -ENOENT;

        r = kept_new(&kept);
        if (!r)
                r = sealed_new(&kept->fd, name, data);
        if (r)
                return r;

        memcpy(kept->name, name, n);
        kept->generation = next_generation(store, name);
        kept->size = data.n;
        list_append(&store->kept, &kept->link);

        r = fd_store_flush(store);
        if (r && kept->state == KEPT_NEW)
                return r;

        fd_store_drop_unsent(store, kept);
        kept = NULL;
        return 0;
}

int fd_store_get(const struct fd_store *store, const char *name, struct secret **ret) {
        _cleanup_(secret_freep) struct secret *secret = NULL;
        const struct kept *kept = fd_store_find(store, name);
        int r;

        if (!kept)
                return -ENOENT;

        r = secret_new_empty(&secret, kept->size);
        if (!r)
                r = sealed_read(kept->fd, secret_data(secret), kept->size);
        if (!r)
                *ret = TAKE(secret);

        return r;
}

void fd_store_forget(struct fd_store *store, const char *name) {
        fd_store_give_up(store, name, UINT64_MAX);
        (void)fd_store_flush(store);
}

int fd_store_new(struct fd_store **ret, sd_event *event) {
        struct fd_store *store = calloc(1, sizeof(*store));

        if (!store)
                return -ENOMEM;

        store->event = event;
        list_init(&store->kept);
        *ret = store;
        return 0;
}

struct fd_store *fd_store_free(struct fd_store *store) {
        struct list *first;

        if (!store)
                return NULL;

        while ((first = list_first(&store->kept)))
                kept_free(CONTAINER(first, struct kept, link));

        sd_event_source_disable_unref(store->room);
        free(store);
        return NULL;
}
