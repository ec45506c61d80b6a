#include "tests/unit/unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/secret.h"
#include "tests/unit/wiped.h"

static const size_t sizes[] = {0, 1, 40, 63, 64, 100, 4000, 16000, 16384, 16385, 70000, 300000};

static struct secret *make(const void *data, size_t n) {
        struct secret *secret = NULL;

        assert_int_equal(secret_new(&secret, data, n), 0);
        return secret;
}

static void test_holds_bytes(void **state) {
        static char data[300000];

        for (size_t i = 0; i < sizeof(data); i++)
                data[i] = (char)(i * 7);

        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                _cleanup_(secret_freep) struct secret *secret = make(data, sizes[i]), *copy = NULL;

                assert_int_equal(secret_size(secret), sizes[i]);
                assert_memory_equal(secret_bytes(secret), data, sizes[i]);
                assert_int_equal(secret_string(secret)[sizes[i]], 0);
                assert_int_equal((uintptr_t)secret_data(secret) % 16, 0);

                assert_int_equal(secret_copy(&copy, secret), 0);
                assert_ptr_not_equal(secret_bytes(copy), secret_bytes(secret));
                assert_memory_equal(secret_bytes(copy), data, sizes[i]);
        }

        assert_null(secret_free(NULL));
}

/* Neighbours in memory, of sizes around those that fill it: the NUL of one is not a byte of the other. */
static void test_room_for_the_nul(void **state) {
        char data[200];

        memset(data, 'x', sizeof(data));
        for (size_t n = 40; n < sizeof(data); n++) {
                _cleanup_(secret_freep) struct secret *a = make(data, n), *b = make(data, n),
                                                      *c = make(data, n);

                assert_int_equal(strlen(secret_string(a)), n);
                assert_int_equal(strlen(secret_string(b)), n);
                assert_int_equal(strlen(secret_string(c)), n);
        }
}

static void test_impossible_size(void **state) {
        struct secret *secret = NULL;

        assert_int_equal(secret_new_empty(&secret, SIZE_MAX), -ENOMEM);
        assert_int_equal(secret_new_empty(&secret, SIZE_MAX / 2), -ENOMEM);
        assert_null(secret);
}

/* Memory that held another secret comes back clean. */
static void test_wiped_when_freed(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                _cleanup_(secret_freep) struct secret *again = NULL;
                struct secret *secret = NULL;
                uintptr_t at;

                assert_int_equal(secret_new_empty(&secret, sizes[i]), 0);
                memset(secret_data(secret), 'x', sizes[i]);
                at = (uintptr_t)secret_data(secret);

                wiped_forget();
                secret_free(secret);
                assert_true(wiped_includes(at, sizes[i]));

                assert_int_equal(secret_new_empty(&again, sizes[i]), 0);
                for (size_t k = 0; k <= sizes[i]; k++)
                        assert_int_equal(secret_string(again)[k], 0);
        }
}

/* The flags that the kernel has for the mapping of an address, as proc(5) abbreviates them. */
static void mapping_flags(char *ret, size_t n, const void *address) {
        FILE *smaps = fopen("/proc/self/smaps", "re");
        unsigned long begin, end;
        bool inside = false;
        char line[512];

        assert_non_null(smaps);
        ret[0] = '\0';
        while (fgets(line, sizeof(line), smaps)) {
                if (sscanf(line, "%lx-%lx ", &begin, &end) == 2)
                        inside = begin <= (uintptr_t)address && (uintptr_t)address < end;
                else if (inside && strncmp(line, "VmFlags:", 8) == 0)
                        snprintf(ret, n, "%s", line);
        }

        fclose(smaps);
        assert_true(ret[0]);
}

/* Not where the limit is low, nor under AddressSanitizer, which does nothing instead. */
static bool can_lock(void) {
        size_t n = 512 * 1024;
        char flags[512], *pages = mmap(NULL, n, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        bool locked;

        assert_true(pages != MAP_FAILED);
        locked = mlock(pages, n) == 0;
        mapping_flags(flags, sizeof(flags), pages);
        munmap(pages, n);
        return locked && strstr(flags, " lo ");
}

static void test_memory_is_special(void **state) {
        static const size_t both[] = {20, 100000};
        bool lockable = can_lock();

        for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
                _cleanup_(secret_freep) struct secret *secret = NULL;
                char flags[512];

                assert_int_equal(secret_new_empty(&secret, both[i]), 0);
                mapping_flags(flags, sizeof(flags), secret_bytes(secret));
                assert_true(!lockable || strstr(flags, " lo "));
                assert_non_null(strstr(flags, " dd ")); /* not dumped */
                assert_non_null(strstr(flags, " wf ")); /* wiped on fork */
        }
}

/* Asks the kernel, which fails instead of crashing. */
static bool is_readable(const char *address) {
        int ends[2];
        bool readable;

        assert_int_equal(pipe(ends), 0);
        readable = write(ends[1], address, 1) == 1;
        close(ends[0]);
        close(ends[1]);
        return readable;
}

static void test_guard_pages(void **state) {
        _cleanup_(secret_freep) struct secret *secret = NULL;
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        const char *begin, *end;

        assert_int_equal(secret_new_empty(&secret, 100000), 0);
        begin = (const char *)((uintptr_t)secret_bytes(secret) / page * page);
        end = (const char *)(((uintptr_t)secret_bytes(secret) + 100000 + page) / page * page);

        assert_true(is_readable(begin));
        assert_false(is_readable(begin - 1));
        assert_true(is_readable(end - 1));
        assert_false(is_readable(end));
}

static void test_forked_child_has_nothing(void **state) {
        _cleanup_(secret_freep) struct secret *small = make("secret", 6), *again = NULL;
        static char data[100000] = "large";
        _cleanup_(secret_freep) struct secret *large = make(data, sizeof(data));
        int status;
        pid_t pid;

        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                bool gone = secret_size(small) == 0 && secret_string(small)[0] == 0 && secret_size(large) == 0;

                secret_free(TAKE(small));
                secret_free(TAKE(large));
                gone = gone && secret_new(&again, "new", 3) == 0 && streq(secret_string(again), "new");
                _exit(gone ? 0 : 1);
        }

        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_string_equal(secret_string(small), "secret");
}

static void test_equal(void **state) {
        _cleanup_(secret_freep) struct secret *a = make("abc", 3), *b = make("abc", 3), *c = make("abd", 3),
                                              *d = make("ab", 2), *e = make("xbc", 3);

        assert_true(secret_equal(a, b));
        assert_false(secret_equal(a, c));
        assert_false(secret_equal(a, d));
        assert_false(secret_equal(d, a));
        assert_false(secret_equal(a, e));
        assert_false(secret_equal(a, NULL));
        assert_false(secret_equal(NULL, a));
        assert_true(secret_equal(NULL, NULL));
}

/* More than one part of the arena, freed out of order and used again: nobody gets somebody else's bytes. */
static void test_many(void **state) {
        enum { COUNT = 3000 };
        static struct secret *secrets[COUNT];
        unsigned int random = 1;

        for (size_t turn = 0; turn < 3; turn++) {
                for (size_t i = turn; i < COUNT; i += turn + 1) {
                        random = random * 1103515245 + 12345;
                        secret_free(secrets[i]);
                        assert_int_equal(secret_new_empty(&secrets[i], random / 65536 % 600), 0);
                        memset(secret_data(secrets[i]), (int)i, secret_size(secrets[i]));
                }

                for (size_t i = 0; i < COUNT; i++)
                        for (size_t k = 0; secrets[i] && k < secret_size(secrets[i]); k++)
                                assert_int_equal(secret_string(secrets[i])[k], (char)i);
        }

        for (size_t i = 0; i < COUNT; i++)
                secrets[i] = secret_free(secrets[i]);
}

static void *churn(void *failed) {
        for (unsigned int i = 0; i < 20000; i++) {
                _cleanup_(secret_freep) struct secret *secret = NULL;
                int mark = (int)(pthread_self() >> 12) + (int)i;

                if (secret_new(&secret, &mark, sizeof(mark)) != 0 ||
                    memcmp(secret_bytes(secret), &mark, sizeof(mark)) != 0)
                        *(bool *)failed = true;
        }

        return NULL;
}

static void test_threads(void **state) {
        bool failed[4] = {};
        pthread_t threads[4];

        for (size_t i = 0; i < 4; i++)
                assert_int_equal(pthread_create(&threads[i], NULL, churn, &failed[i]), 0);

        for (size_t i = 0; i < 4; i++) {
                pthread_join(threads[i], NULL);
                assert_false(failed[i]);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_holds_bytes),
                cmocka_unit_test(test_room_for_the_nul),
                cmocka_unit_test(test_impossible_size),
                cmocka_unit_test(test_wiped_when_freed),
                cmocka_unit_test(test_memory_is_special),
                cmocka_unit_test(test_guard_pages),
                cmocka_unit_test(test_forked_child_has_nothing),
                cmocka_unit_test(test_equal),
                cmocka_unit_test(test_many),
                cmocka_unit_test(test_threads),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
