#include "proto/secret.h"

#include <errno.h>
#include <pthread.h>
#include <stdalign.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
        PART_SIZE = 64 * 1024,
        CHUNK_MIN = 64,
        CLASS_COUNT = 9,
        CHUNK_MAX = CHUNK_MIN << (CLASS_COUNT - 1), /* larger secrets get a mapping of their own */
};

/* At the front of its chunk. All zero is a valid, empty secret: that is what a forked child finds. */
struct secret {
        size_t size;
        alignas(16) char data[];
};

/* A chunk that is not in use: all zero but for this, which gives way to the size. */
struct chunk {
        struct chunk *next;
};

/* A chunk is CHUNK_MIN << class bytes. Parts of the arena are kept for the life of the process. */
static struct {
        pthread_mutex_t lock;
        struct chunk *free[CLASS_COUNT];
        char *rest; /* of the newest part: not yet cut into chunks */
        size_t rest_size;
} arena = {.lock = PTHREAD_MUTEX_INITIALIZER};

static size_t page_size(void) {
        return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t round_to_pages(size_t n) {
        return (n + page_size() - 1) / page_size() * page_size();
}

/* n: whole pages. They stand between two pages that nobody can touch. */
static void *guarded_map(size_t n) {
        size_t guard = page_size();
        char *pages;

        pages = mmap(NULL, n + 2 * guard, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (pages == MAP_FAILED)
                return NULL;

        if (mprotect(pages + guard, n, PROT_READ | PROT_WRITE) < 0) {
                munmap(pages, n + 2 * guard);
                return NULL;
        }

        /* each as far as the kernel and the limits allow: an unlocked secret is better than none */
        (void)mlock(pages + guard, n);
        (void)madvise(pages + guard, n, MADV_DONTDUMP);
        (void)madvise(pages + guard, n, MADV_WIPEONFORK);
        return pages + guard;
}

static void guarded_unmap(void *pages, size_t n) {
        munmap((char *)pages - page_size(), n + 2 * page_size());
}

/* Header and the NUL behind the bytes included. */
static size_t space_of(size_t size) {
        return sizeof(struct secret) + size + 1;
}

static unsigned int class_of(size_t space) {
        unsigned int class = 0;

        while (((size_t)CHUNK_MIN << class) < space)
                class ++;

        return class;
}

static void arena_put(void *memory, unsigned int class) {
        struct chunk *chunk = memory;

        chunk->next = arena.free[class];
        arena.free[class] = chunk;
}

/* Cuts what is left of the newest part into chunks, the largest that fit first, and begins another part. */
static int arena_extend(void) {
        unsigned int class = CLASS_COUNT;
        char *part;

        part = guarded_map(PART_SIZE);
        if (!part)
                return -ENOMEM;

        while (class -- > 0)
                for (; arena.rest_size >= (size_t)CHUNK_MIN << class;
                     arena.rest_size -= (size_t)CHUNK_MIN << class) {
                        arena_put(arena.rest, class);
                        arena.rest += (size_t)CHUNK_MIN << class;
                }

        arena.rest = part;
        arena.rest_size = PART_SIZE;
        return 0;
}

static int arena_take(void **ret, unsigned int class) {
        size_t n = (size_t)CHUNK_MIN << class;
        struct chunk *chunk = arena.free[class];
        int r;

        if (chunk) {
                arena.free[class] = chunk->next;
                *ret = chunk;
                return 0;
        }

        if (arena.rest_size < n) {
                r = arena_extend();
                if (r)
                        return r;
        }

        *ret = arena.rest;
        arena.rest += n;
        arena.rest_size -= n;
        return 0;
}

int secret_new_empty(struct secret **ret, size_t n) {
        struct secret *secret;
        void *memory = NULL;
        int r = 0;

        if (n > SIZE_MAX / 2)
                return -ENOMEM;

        if (space_of(n) > CHUNK_MAX) {
                memory = guarded_map(round_to_pages(space_of(n)));
                r = memory ? 0 : -ENOMEM;
        } else {
                pthread_mutex_lock(&arena.lock);
                r = arena_take(&memory, class_of(space_of(n)));
                pthread_mutex_unlock(&arena.lock);
        }
        if (r)
                return r;

        secret = memory;
        secret->size = n;
        *ret = secret;
        return 0;
}

int secret_new(struct secret **ret, const void *data, size_t n) {
        struct secret *secret;
        int r;

        r = secret_new_empty(&secret, n);
        if (r)
                return r;

        if (n > 0)
                memcpy(secret->data, data, n);

        *ret = secret;
        return 0;
}

int secret_copy(struct secret **ret, const struct secret *secret) {
        return secret_new(ret, secret->data, secret->size);
}

struct secret *secret_free(struct secret *secret) {
        size_t space;

        if (!secret)
                return NULL;

        space = space_of(secret->size);
        explicit_bzero(secret, space);

        if (space > CHUNK_MAX) {
                guarded_unmap(secret, round_to_pages(space));
        } else {
                pthread_mutex_lock(&arena.lock);
                arena_put(secret, class_of(space));
                pthread_mutex_unlock(&arena.lock);
        }

        return NULL;
}

const char *secret_string(const struct secret *secret) {
        return secret->data;
}

void *secret_data(struct secret *secret) {
        return secret->data;
}

const void *secret_bytes(const struct secret *secret) {
        return secret->data;
}

size_t secret_size(const struct secret *secret) {
        return secret->size;
}

bool secret_equal(const struct secret *a, const struct secret *b) {
        volatile unsigned char difference = 0;

        if (!a || !b)
                return a == b;
        if (a->size != b->size)
                return false;

        for (size_t i = 0; i < a->size; i++)
                difference |= (unsigned char)(a->data[i] ^ b->data[i]);

        return difference == 0;
}
