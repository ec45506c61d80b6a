#pragma once

/* A home directory of the test's own, with the paths of a store in it. */

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/flow/disk.h"
#include "proto/error.h"
#include "tests/unit/records.h"

struct home {
        char dir[64];
        char store[96], lock[96], key[96];
        struct disk_paths paths;
};

static inline int setup_home(void **state) {
        struct home *home = calloc(1, sizeof(*home));

        strcpy(home->dir, "/tmp/globus-agent-test-XXXXXX");
        assert_non_null(mkdtemp(home->dir));
        assert_true(asprintf(&home->paths.state_dir, "%s/state", home->dir) > 0);
        assert_true(asprintf(&home->paths.config_dir, "%s/config", home->dir) > 0);
        snprintf(home->store, sizeof(home->store), "%s/state/store", home->dir);
        snprintf(home->lock, sizeof(home->lock), "%s/state/lock", home->dir);
        snprintf(home->key, sizeof(home->key), "%s/config/key", home->dir);
        *state = home;
        return 0;
}

static inline int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        return remove(path);
}

static inline int teardown_home(void **state) {
        struct home *home = *state;

        nftw(home->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
        disk_paths_deinit(&home->paths);
        free(home);
        return 0;
}

/* Of a daemon that is new there, and would have a key file. */
#define COMMIT_INIT(commit)                                                                                    \
        {                                                                                                      \
                .changes = LIST_INIT((commit).changes), .wish = {                                              \
                        .protector = PROTECTOR_KEYFILE,                                                        \
                        .permitted = ~0U                                                                       \
                }                                                                                              \
        }

/* Logs the profile in: an account and, at the resource server, a grant. */
static inline int try_commit(const struct home *home, unsigned char id, const char *profile,
                             struct fault *fault) {
        struct disk_commit commit = COMMIT_INIT(commit);
        int r;

        add_change(&commit.changes, CHANGE_ADD, make_record(id, 1, profile, NULL));
        add_change(&commit.changes, CHANGE_ADD,
                   make_record((unsigned char)(id + 1), 1, profile, "auth.globus.org"));
        r = disk_commit(&commit, &home->paths, fault);
        if (!r)
                assert_non_null(find_record(commit.store, id));
        disk_commit_deinit(&commit);
        return r;
}

static inline void commit(const struct home *home, unsigned char id, const char *profile) {
        _cleanup_(fault_deinit) struct fault fault = {0};

        assert_int_equal(try_commit(home, id, profile, &fault), 0);
}

static inline struct store *load(const struct home *home) {
        _cleanup_(fault_deinit) struct fault fault = {0};
        struct disk_look look = {};

        assert_int_equal(disk_load(&look, &home->paths, &fault), 0);
        assert_false(look.unreadable);
        return look.store;
}

static inline void slurp(struct buffer *out, const char *path) {
        char bytes[4096];
        FILE *file = fopen(path, "re");
        size_t n;

        assert_non_null(file);
        while ((n = fread(bytes, 1, sizeof(bytes), file)) > 0)
                assert_int_equal(buffer_append(out, bytes, n), 0);
        fclose(file);
}

static inline void spill(const char *path, const void *data, size_t n) {
        FILE *file = fopen(path, "we");

        assert_non_null(file);
        assert_int_equal(fwrite(data, 1, n, file), n);
        assert_int_equal(fclose(file), 0);
}

/* One line, all words in it. */
static inline void assert_says(const struct fault *fault, const char *a, const char *b) {
        const char *message = fault_message(fault);

        assert_int_equal(fault->r, AGENT_ERROR_STORAGE_FAILED);
        assert_null(strchr(message, '\n'));
        if (!strstr(message, a) || !strstr(message, b))
                fail_msg("\"%s\" lacks \"%s\" or \"%s\"", message, a, b);
}
