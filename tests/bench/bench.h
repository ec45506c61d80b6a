#pragma once

/* What the programs of the benchmark share. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define NSEC_PER_SEC INT64_C(1000000000)
#define NSEC_PER_MSEC INT64_C(1000000)

static inline _Noreturn void die(const char *what) {
        perror(what);
        exit(EXIT_FAILURE);
}

static inline int64_t now_nsec(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

/* Of samples in order. */
static inline int64_t quantile(const int64_t *samples, size_t n, double q) {
        return samples[(size_t)((double)(n - 1) * q)];
}

static inline int compare_samples(const void *a, const void *b) {
        int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

        return (x > y) - (x < y);
}

static inline void set_address(struct sockaddr_un *ret, const char *path) {
        *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
        if (strlen(path) >= sizeof(ret->sun_path)) {
                fprintf(stderr, "%s is too long for a socket\n", path);
                exit(EXIT_FAILURE);
        }
        strcpy(ret->sun_path, path);
}

/* A file as it is; exits where it cannot be read. */
static inline char *read_file(const char *path, size_t *ret_n) {
        FILE *file = fopen(path, "re");
        size_t allocated = 4096, n = 0, got;
        char *text = malloc(allocated);

        if (!file || !text)
                die(path);

        while ((got = fread(text + n, 1, allocated - n, file)) > 0) {
                n += got;
                if (n == allocated)
                        text = realloc(text, allocated *= 2);
                if (!text)
                        die(path);
        }

        if (ferror(file))
                die(path);
        fclose(file);
        *ret_n = n;
        return text;
}
