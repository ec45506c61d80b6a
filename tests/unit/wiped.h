#pragma once

/*
 * Wiped: sees what is wiped, by standing in for explicit_bzero().
 *
 * Where memory is given back after it was wiped, nobody may look into it any more; so tests ask whether it was
 * wiped. For one file of a program: it defines the functions. Each thread sees its own.
 */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct wiped_range {
        uintptr_t begin, end;
};

static _Thread_local struct wiped_range wiped_ranges[256];
static _Thread_local size_t wiped_count;

/* Under other names here, since <string.h> may have inline functions of those of the linker. The second one is
 * what _FORTIFY_SOURCE makes of the first. */
void wiped_bzero(void *memory, size_t n) __asm__("explicit_bzero");
void wiped_bzero_chk(void *memory, size_t n, size_t size) __asm__("__explicit_bzero_chk");

void wiped_bzero(void *memory, size_t n) {
        volatile unsigned char *bytes = memory;

        for (size_t i = 0; i < n; i++)
                bytes[i] = 0;

        wiped_ranges[wiped_count % 256].begin = (uintptr_t)memory;
        wiped_ranges[wiped_count % 256].end = (uintptr_t)memory + n;
        wiped_count++;
}

void wiped_bzero_chk(void *memory, size_t n, size_t size) {
        wiped_bzero(memory, n);
}

static void wiped_forget(void) {
        wiped_count = 0;
}

/* Was all of it wiped in one go? */
static bool wiped_includes(uintptr_t begin, size_t n) {
        for (size_t i = 0; i < wiped_count && i < 256; i++)
                if (wiped_ranges[i].begin <= begin && wiped_ranges[i].end >= begin + n)
                        return true;

        return false;
}
