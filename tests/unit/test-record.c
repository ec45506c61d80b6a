/* A record survives being stored; half a record, and a wrong one, is refused. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "tests/unit/records.h"

static void assert_equal(const struct record *a, const struct record *b) {
        assert_int_equal(a->kind, b->kind);
        assert_memory_equal(a->uuid, b->uuid, sizeof(a->uuid));
        assert_true(a->generation == b->generation);
        assert_string_equal(a->profile, b->profile);
        assert_int_equal(!a->resource_server, !b->resource_server);
        if (a->resource_server)
                assert_string_equal(a->resource_server, b->resource_server);
        assert_true(secret_equal(a->payload, b->payload));
}

static void round_trip(struct record *record) {
        _cleanup_(record_freep) struct record *original = record, *copy = NULL, *decoded = NULL;
        _cleanup_(buffer_deinit) struct buffer out = {0};
        struct bytes from;

        assert_int_equal(record_copy(&copy, original), 0);
        assert_equal(copy, original);

        assert_int_equal(record_encode(&out, original), 0);
        from = (struct bytes){buffer_bytes(&out), buffer_size(&out)};
        assert_int_equal(record_decode(&decoded, &from), 0);
        assert_int_equal(from.n, 0);
        assert_equal(decoded, original);
}

static void test_round_trip(void **state) {
        round_trip(make_record(1, 7, "default", NULL));
        round_trip(make_record(2, UINT64_MAX, "work@example.org", "groups.api.globus.org"));
}

static void test_layout(void **state) {
        _cleanup_(record_freep) struct record *record = make_record('u', 258, "p", "rs");
        _cleanup_(buffer_deinit) struct buffer out = {0};
        static const char expected[] = "\x02"
                                       "uuuuuuuuuuuuuuuu"
                                       "\0\0\0\0\0\0\x01\x02"
                                       "\0\x01p"
                                       "\0\x02rs"
                                       "\0\0\0\x02{}";

        set_payload(record, "{}");
        assert_int_equal(record_encode(&out, record), 0);
        assert_int_equal(buffer_size(&out), sizeof(expected) - 1);
        assert_memory_equal(buffer_bytes(&out), expected, sizeof(expected) - 1);
}

static void test_half_a_record_is_refused(void **state) {
        _cleanup_(record_freep) struct record *record = make_record(3, 1, "default", "auth.globus.org");
        _cleanup_(buffer_deinit) struct buffer out = {0};

        assert_int_equal(record_encode(&out, record), 0);

        for (size_t n = 0; n < buffer_size(&out); n++) {
                /* a copy of exactly this size, so that a sanitizer sees a step too far */
                _cleanup_(freep) char *cut = malloc(n ?: 1);
                struct bytes from = {cut, n};
                struct record *decoded = NULL;

                memcpy(cut, buffer_bytes(&out), n);
                assert_int_equal(record_decode(&decoded, &from), -EBADMSG);
                assert_null(decoded);
        }
}

static void refuse(const char *bytes, size_t n) {
        struct record *decoded = NULL;
        struct bytes from = {bytes, n};

        assert_int_equal(record_decode(&decoded, &from), -EBADMSG);
        assert_null(decoded);
}

#define UUID_AND_GENERATION "uuuuuuuuuuuuuuuu\0\0\0\0\0\0\0\x01"
#define REFUSE(text) refuse(text, sizeof(text) - 1)

static void test_wrong_records_are_refused(void **state) {
        REFUSE("\x03" UUID_AND_GENERATION "\0\x01p\0\0\0\0\0\x02{}"); /* unknown kind */
        REFUSE("\x00" UUID_AND_GENERATION "\0\x01p\0\0\0\0\0\x02{}");
        REFUSE("\x01" UUID_AND_GENERATION "\0\x01p\0\x01s\0\0\0\x02{}"); /* account with a resource server */
        REFUSE("\x02" UUID_AND_GENERATION "\0\x01p\0\0\0\0\0\x02{}"); /* grant without */
        REFUSE("\x01" UUID_AND_GENERATION "\0\0\0\0\0\0\0\x02{}"); /* no profile */
        REFUSE("\x01" UUID_AND_GENERATION "\0\x03p\0q\0\0\0\0\0\x02{}"); /* NUL in a name */
        REFUSE("\x01" UUID_AND_GENERATION "\0\x01p\0\0\0\0\0\0"); /* no payload */
        REFUSE("\x01" UUID_AND_GENERATION "\0\x01p\0\0\xff\xff\xff\xff{}");
        REFUSE("\x01" UUID_AND_GENERATION "\xff\xffp\0\0\0\0\0\x02{}");
}

static void test_what_cannot_be_stored(void **state) {
        _cleanup_(record_freep) struct record *account = make_record(1, 1, "default", NULL);
        _cleanup_(record_freep) struct record *grant = make_record(2, 1, "default", "auth.globus.org");
        _cleanup_(buffer_deinit) struct buffer out = {0};
        struct record *copy;

        account->payload = secret_free(account->payload);
        assert_int_equal(record_encode(&out, account), -EINVAL);
        assert_int_equal(record_copy(&copy, account), -EINVAL);

        grant->kind = RECORD_ACCOUNT;
        assert_int_equal(record_encode(&out, grant), -EINVAL);
        assert_int_equal(record_copy(&copy, grant), -EINVAL);
}

static void test_changes_are_freed(void **state) {
        struct list changes = LIST_INIT(changes);

        assert_null(record_free(NULL));
        assert_null(change_free(NULL));
        add_change(&changes, CHANGE_ADD, make_record(1, 1, "default", NULL));
        add_change(&changes, CHANGE_REMOVE, make_record(2, 1, "default", "auth.globus.org"));
        change_free_all(&changes);
        assert_true(list_is_empty(&changes));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round_trip),
                cmocka_unit_test(test_layout),
                cmocka_unit_test(test_half_a_record_is_refused),
                cmocka_unit_test(test_wrong_records_are_refused),
                cmocka_unit_test(test_what_cannot_be_stored),
                cmocka_unit_test(test_changes_are_freed),
        };

        return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
