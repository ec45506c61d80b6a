/* An identity comes out of an id_token's claims, and is the same after being saved. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/model/identity.h"
#include "proto/json.h"

static int parse(struct identity **ret, const char *text) {
        _cleanup_(json_freep) struct json_object *claims = NULL;

        assert_int_equal(json_parse(&claims, text, strlen(text), 0), 0);
        return identity_parse(ret, claims);
}

static const char claims[] =
        "{\"sub\":\"3c1f\",\"preferred_username\":\"apark@ridgeway.example\",\"name\":\"Ada \\\"A\\\" Park\","
        "\"email\":null,\"organization\":\"Ridgeway\",\"iss\":\"https://auth.globus.org\",\"identity_set\":["
        "{\"sub\":\"3c1f\",\"username\":\"apark@ridgeway.example\",\"name\":null,\"last_authentication\":1},"
        "\"8a44\",{\"sub\":\"no name\"},"
        "{\"sub\":\"8a44\",\"username\":\"apark@lab.example\",\"email\":\"a@lab.example\"}]}";

static void assert_claims(const struct identity *identity) {
        assert_string_equal(identity->sub, "3c1f");
        assert_string_equal(identity->username, "apark@ridgeway.example");
        assert_string_equal(identity->name, "Ada \"A\" Park");
        assert_null(identity->email);
        assert_string_equal(identity->organization, "Ridgeway");
        assert_string_equal(identity->linked[0]->sub, "3c1f");
        assert_null(identity->linked[0]->name);
        assert_string_equal(identity->linked[1]->username, "apark@lab.example");
        assert_string_equal(identity->linked[1]->email, "a@lab.example");
        assert_null(identity->linked[2]);
}

static void test_parse_and_copy(void **state) {
        _cleanup_(identity_freep) struct identity *identity = NULL, *copy = NULL;

        assert_int_equal(parse(&identity, claims), 0);
        assert_claims(identity);
        assert_int_equal(identity_copy(&copy, identity), 0);
        assert_claims(copy);
        assert_true(identity_equal(identity, copy));

        free(copy->linked[1]->email);
        copy->linked[1]->email = NULL;
        assert_false(identity_equal(identity, copy));
}

static void test_write(void **state) {
        _cleanup_(identity_freep) struct identity *identity = NULL, *again = NULL;
        _cleanup_(buffer_deinit) struct buffer text = {0};
        struct writer writer = WRITER_INIT(&text);

        assert_int_equal(parse(&identity, claims), 0);
        write_object_begin(&writer);
        identity_write(identity, &writer);
        write_object_end(&writer);
        assert_int_equal(buffer_append(&text, "", 1), 0);

        assert_int_equal(parse(&again, buffer_bytes(&text)), 0);
        assert_claims(again);
        assert_true(identity_equal(identity, again));
}

static void test_linked_not_told(void **state) {
        _cleanup_(identity_freep) struct identity *identity = NULL, *other = NULL;

        assert_int_equal(parse(&identity, "{\"sub\":\"a\",\"username\":\"b\"}"), 0);
        assert_null(identity->linked);
        assert_int_equal(parse(&other, "{\"sub\":\"a\",\"username\":\"b\",\"identities\":[]}"), 0);
        assert_non_null(other->linked);
        assert_false(identity_equal(identity, other));
}

static void test_incomplete(void **state) {
        static const char *const texts[] = {
                "{}",
                "{\"sub\":\"a\"}",
                "{\"username\":\"b\"}",
                "{\"sub\":\"\",\"username\":\"b\"}",
                "{\"sub\":\"a\",\"preferred_username\":\"\"}",
                "{\"sub\":7,\"username\":\"b\"}",
                "{\"sub\":\"a\",\"username\":null}",
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                struct identity *identity = NULL;

                assert_int_equal(parse(&identity, texts[i]), -EBADMSG);
                assert_null(identity);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse_and_copy),
                cmocka_unit_test(test_write),
                cmocka_unit_test(test_linked_not_told),
                cmocka_unit_test(test_incomplete),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
