/* The store's bytes: what goes in comes out, and not one byte can be changed or be missing unnoticed. */

#include "tests/unit/unit.h"

#include "daemon/base/crypto.h"
#include "daemon/model/pack.h"
#include "daemon/model/protector.h"
#include "proto/error.h"
#include "tests/unit/records.h"

enum { UID = 1000, FORMAT_OFFSET = 8, HEADER_BEFORE_KEY = 8 + 2 + STORE_ID_SIZE + 1 + 7 + 2 };

struct fixture {
        struct store *store;
        struct secret *keyfile;
        struct buffer file;
};

static int setup(void **state) {
        struct fixture *f = calloc(1, sizeof(*f));

        assert_int_equal(store_new(&f->store), 0);
        assert_int_equal(crypto_random_secret(&f->keyfile, PROTECTOR_KEYFILE_SIZE), 0);
        assert_int_equal(protector_wrap(f->store, PROTECTOR_KEYFILE, f->keyfile, UID), 0);
        list_append(&f->store->records, &make_record(1, 3, "default", NULL)->link);
        list_append(&f->store->records, &make_record(2, 4, "default", "auth.globus.org")->link);
        assert_int_equal(store_encode(&f->file, f->store), 0);
        *state = f;
        return 0;
}

static int teardown(void **state) {
        struct fixture *f = *state;

        store_free(f->store);
        secret_free(f->keyfile);
        buffer_deinit(&f->file);
        free(f);
        return 0;
}

static int decode(struct store **ret, const struct fixture *f, struct bytes file, struct fault *fault) {
        _cleanup_(store_freep) struct store *store = NULL;
        int r;

        r = store_decode_header(&store, file, fault);
        if (r)
                return r;
        if (protector_unwrap(store, f->keyfile, UID))
                return fault_set(fault, AGENT_ERROR_STORAGE_FAILED, "wrong key");
        r = store_decode_body(store, file, fault);
        if (r)
                return r;

        *ret = TAKE(store);
        return 0;
}

static struct bytes whole(const struct fixture *f) {
        return (struct bytes){buffer_bytes(&f->file), buffer_size(&f->file)};
}

/* In a piece of heap of just this size, so that a sanitizer sees a step too far. */
static void assert_refused(const struct fixture *f, const char *data, size_t n) {
        _cleanup_(fault_deinit) struct fault fault = {0};
        _cleanup_(freep) char *exact = malloc(n ?: 1);
        struct store *store = NULL;

        memcpy(exact, data, n);
        assert_int_equal(decode(&store, f, (struct bytes){exact, n}, &fault), AGENT_ERROR_STORAGE_FAILED);
        assert_int_equal(fault.r, AGENT_ERROR_STORAGE_FAILED);
        assert_non_null(fault.message);
        assert_null(store);
}

static void test_round_trip(void **state) {
        _cleanup_(store_freep) struct store *store = NULL;
        _cleanup_(fault_deinit) struct fault fault = {0};
        struct fixture *f = *state;

        assert_int_equal(decode(&store, f, whole(f), &fault), 0);
        assert_memory_equal(store->id, f->store->id, STORE_ID_SIZE);
        assert_string_equal(store->protection.name, "keyfile");
        assert_int_equal(count_records(store), 2);
        assert_int_equal(find_record(store, 1)->kind, RECORD_ACCOUNT);
        assert_int_equal(find_record(store, 1)->generation, 3);
        assert_int_equal(find_record(store, 2)->kind, RECORD_GRANT);
        assert_string_equal(find_record(store, 2)->resource_server, "auth.globus.org");
}

static void test_empty_store(void **state) {
        _cleanup_(store_freep) struct store *store = NULL;
        _cleanup_(fault_deinit) struct fault fault = {0};
        struct fixture *f = *state;

        while (!list_is_empty(&f->store->records))
                record_free(CONTAINER(list_first(&f->store->records), struct record, link));
        buffer_clear(&f->file);
        assert_int_equal(store_encode(&f->file, f->store), 0);
        assert_int_equal(decode(&store, f, whole(f), &fault), 0);
        assert_int_equal(count_records(store), 0);
}

static void test_layout(void **state) {
        struct fixture *f = *state;
        const char *file = buffer_bytes(&f->file);

        assert_memory_equal(file, "GLOBUSAG\0\x01", 10);
        assert_memory_equal(file + 10, f->store->id, STORE_ID_SIZE);
        assert_memory_equal(file + 26, "\x07keyfile\0\0", 10);
        assert_memory_equal(file + 36, "\0\x3c", 2);
        assert_null(memmem(file, buffer_size(&f->file), "auth.globus.org", 15));
}

static void test_nonce_is_fresh(void **state) {
        _cleanup_(buffer_deinit) struct buffer again = {0};
        struct fixture *f = *state;

        assert_int_equal(store_encode(&again, f->store), 0);
        assert_int_equal(buffer_size(&again), buffer_size(&f->file));
        assert_memory_not_equal(buffer_bytes(&again), buffer_bytes(&f->file), buffer_size(&again));
}

static void test_every_byte_counts(void **state) {
        struct fixture *f = *state;
        char *file = buffer_bytes(&f->file);
        size_t n = buffer_size(&f->file);

        for (size_t i = 0; i < n; i++) {
                for (unsigned bit = 0; bit < 8; bit++) {
                        file[i] = (char)(file[i] ^ 1 << bit);
                        assert_refused(f, file, n);
                        file[i] = (char)(file[i] ^ 1 << bit);
                }
        }
}

static void test_every_length_counts(void **state) {
        struct fixture *f = *state;
        size_t n = buffer_size(&f->file);

        for (size_t i = 0; i < n; i++)
                assert_refused(f, buffer_bytes(&f->file), i);

        assert_int_equal(buffer_append(&f->file, "", 1), 0);
        assert_refused(f, buffer_bytes(&f->file), n + 1);
}

static void assert_header_says(const char *data, size_t n, const char *words) {
        _cleanup_(fault_deinit) struct fault fault = {0};
        struct store *store = NULL;

        assert_int_equal(store_decode_header(&store, (struct bytes){data, n}, &fault),
                         AGENT_ERROR_STORAGE_FAILED);
        assert_non_null(strstr(fault_message(&fault), words));
        assert_null(store);
}

static void test_words(void **state) {
        struct fixture *f = *state;
        char *file = buffer_bytes(&f->file);

        assert_header_says("SQLite format 3", 15, "is not a store of globus-agent");
        assert_header_says("x", 1, "is not a store of globus-agent");
        assert_header_says("", 0, "is cut short");
        assert_header_says(file, 9, "is cut short");
        assert_header_says(file, HEADER_BEFORE_KEY + 1, "is damaged or cut short");

        file[FORMAT_OFFSET + 1] = STORE_FORMAT + 1;
        assert_header_says(file, buffer_size(&f->file), "was written by a newer globus-agent");
        assert_header_says(file, 10, "was written by a newer globus-agent");
        file[FORMAT_OFFSET + 1] = 0;
        assert_header_says(file, buffer_size(&f->file), "is damaged");
}

static void test_protector_name_is_plain(void **state) {
        struct fixture *f = *state;

        buffer_clear(&f->file);
        f->store->protection.name[3] = '\n';
        assert_int_equal(store_encode(&f->file, f->store), 0);
        assert_header_says(buffer_bytes(&f->file), buffer_size(&f->file), "is damaged");
}

/* Sealed with the right key, so only the decoder of records stands in the way. */
static void test_sealed_nonsense(void **state) {
        _cleanup_(buffer_deinit) struct buffer header = {0};
        struct fixture *f = *state;

        assert_int_equal(store_key_context(&header, f->store), 0);
        assert_int_equal(buffer_size(&header), HEADER_BEFORE_KEY);
        assert_int_equal(pack_bytes(&header, 2,
                                    (struct bytes){buffer_bytes(&f->store->protection.wrapped_key),
                                                   buffer_size(&f->store->protection.wrapped_key)}),
                         0);

        buffer_clear(&f->file);
        assert_int_equal(buffer_append(&f->file, buffer_bytes(&header), buffer_size(&header)), 0);
        assert_int_equal(crypto_seal(&f->file, f->store->data_key,
                                     (struct bytes){buffer_bytes(&header), buffer_size(&header)},
                                     (struct bytes){"\x03nonsense", 9}),
                         0);
        assert_refused(f, buffer_bytes(&f->file), buffer_size(&f->file));
}

/* The body of one store behind the header of another. */
static void test_header_of_another_store(void **state) {
        struct fixture *f = *state;
        _cleanup_(buffer_deinit) struct buffer other = {0};
        size_t header = HEADER_BEFORE_KEY + 2 + buffer_size(&f->store->protection.wrapped_key);

        assert_int_equal(protector_wrap(f->store, PROTECTOR_KEYFILE, f->keyfile, UID),
                         0); /* the same keys, wrapped anew */
        assert_int_equal(store_encode(&other, f->store), 0);
        memcpy(buffer_bytes(&other) + header, buffer_bytes(&f->file) + header, buffer_size(&other) - header);
        assert_refused(f, buffer_bytes(&other), buffer_size(&other));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
                cmocka_unit_test_setup_teardown(test_empty_store, setup, teardown),
                cmocka_unit_test_setup_teardown(test_layout, setup, teardown),
                cmocka_unit_test_setup_teardown(test_nonce_is_fresh, setup, teardown),
                cmocka_unit_test_setup_teardown(test_every_byte_counts, setup, teardown),
                cmocka_unit_test_setup_teardown(test_every_length_counts, setup, teardown),
                cmocka_unit_test_setup_teardown(test_words, setup, teardown),
                cmocka_unit_test_setup_teardown(test_protector_name_is_plain, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sealed_nonsense, setup, teardown),
                cmocka_unit_test_setup_teardown(test_header_of_another_store, setup, teardown),
        };

        return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
