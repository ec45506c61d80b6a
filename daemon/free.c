/*
 * The daemon's own free() and realloc(), in the place of the C library's: what is given back is wiped first.
 *
 * The program's definition goes before that of any library, so it serves them all: curl, OpenSSL, json-c and
 * the C library itself copy tokens into memory that they free as it is. malloc() and the like stay those of
 * the C library, which allows for it: it calls free() as others do, and exports what they would have called
 * under names that begin with __libc_.
 *
 * What is wiped is all that the allocator gave, which may be more than was asked for. Memory that was
 * aligned on demand is freed no differently.
 *
 * Not in builds with a sanitizer, which has a free() of its own, nor in the unit tests. valgrind replaces it.
 */

#include <malloc.h>
#include <string.h>

#include "proto/macro.h"

void __libc_free(void *memory);

/* A compiler that optimizes the program as a whole sees how much was asked for, and that more is touched: what
 * is compiled with _FORTIFY_SOURCE ends for that. */
static void *whole(void *memory) {
        __asm__("" : "+r"(memory));
        return memory;
}

void free(void *memory) {
        if (!memory)
                return;

        explicit_bzero(whole(memory), malloc_usable_size(memory));
        __libc_free(memory);
}

/* The C library leaves the old bytes behind where it moves them. So what still fits stays, unless it would
 * waste half of its place, and the rest is moved by hand. */
void *realloc(void *memory, size_t n) {
        size_t place = memory ? malloc_usable_size(memory) : 0;
        void *moved;

        if (memory && n == 0) {
                free(memory);
                return NULL; /* as the C library has it */
        }
        if (memory && n <= place && n >= place / 2)
                return memory;

        moved = malloc(n);
        if (!moved)
                return NULL;

        if (memory)
                memcpy(moved, whole(memory), MIN(n, place));
        free(memory);
        return moved;
}
