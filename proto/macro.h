#pragma once

/* Ownership in four words: cleaned up, taken, contained, defined. And the few things every file needs. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define _cleanup_(fn) __attribute__((cleanup(fn), unused))
#define _printf_(fmt, first) __attribute__((format(printf, fmt, first)))

/* Hands a pointer over and leaves NULL behind. */
#define TAKE(p)                                                                                                \
        ({                                                                                                     \
                __auto_type _taken = (p);                                                                      \
                (p) = NULL;                                                                                    \
                _taken;                                                                                        \
        })

#define CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Defines fnp(), which frees *p; for _cleanup_(fnp). */
#define DEFINE_CLEANUP(type, fn)                                                                               \
        static inline void fn##p(type **p) {                                                                   \
                fn(*p);                                                                                        \
        }                                                                                                      \
        struct _semicolon

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC UINT64_C(1000000)
#define USEC_INFINITY UINT64_MAX

/* For a local char * from malloc(). */
static inline void freep(void *p) {
        void *owned;

        memcpy(&owned, p, sizeof(owned));
        free(owned);
}

static inline bool streq(const char *a, const char *b) {
        return strcmp(a, b) == 0;
}
