/* A profile's name, its account on disk, and its grants. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/model/account.h"
#include "tests/unit/logins.h"

static void test_profile(void **state) {
        char longest[PROFILE_NAME_MAX + 2];

        assert_true(account_profile_is_valid("default"));
        assert_true(account_profile_is_valid("a.B_9@x-y"));
        assert_false(account_profile_is_valid(""));
        assert_false(account_profile_is_valid("a b"));
        assert_false(account_profile_is_valid("a/b"));
        assert_false(account_profile_is_valid("\xc3\xa9"));

        memset(longest, 'x', sizeof(longest));
        longest[PROFILE_NAME_MAX + 1] = '\0';
        assert_false(account_profile_is_valid(longest));
        longest[PROFILE_NAME_MAX] = '\0';
        assert_true(account_profile_is_valid(longest));
}

static struct account *make_account(void) {
        _cleanup_(token_set_freep) struct token_set *tokens = make_tokens("3c1f", 0);
        struct account *account;

        assert_int_equal(account_new(&account, "default"), 0);
        assert_true(account->generation == 1);
        assert_int_equal(origin_copy(&account->origin, &some_origin), 0);
        account->identity = TAKE(tokens->identity);
        return account;
}

static void test_saved_and_loaded(void **state) {
        _cleanup_(account_freep) struct account *account = make_account(), *again = NULL;
        _cleanup_(buffer_deinit) struct buffer text = {0};
        struct writer writer = WRITER_INIT(&text);

        account_write(account, &writer);
        assert_int_equal(writer_end(&writer), 0);
        assert_int_equal(account_parse(&again, buffer_bytes(&text), buffer_size(&text)), 0);
        assert_string_equal(again->profile, "default");
        assert_true(origin_equal(&again->origin, &some_origin));
        assert_true(identity_equal(again->identity, account->identity));
        assert_true(list_is_empty(&again->grants));
}

static void test_what_is_no_account(void **state) {
        static const char *const texts[] = {
                "",
                "7",
                "{}",
                "{\"profile\":\"p\",\"environment\":\"e\",\"auth_url\":\"a\",\"groups_url\":\"g\",\"client_"
                "id\":\"c\"}",
                "{\"profile\":\"p\",\"environment\":\"e\",\"auth_url\":\"a\",\"groups_url\":\"g\",\"client_"
                "id\":\"c\","
                "\"identity\":{\"sub\":\"x\"}}",
                "{\"profile\":\"a/"
                "b\",\"environment\":\"e\",\"auth_url\":\"a\",\"groups_url\":\"g\",\"client_id\":\"c\","
                "\"identity\":{\"sub\":\"x\",\"username\":\"y\"}}",
                "{\"profile\":\"p\",\"environment\":1,\"auth_url\":\"a\",\"groups_url\":\"g\",\"client_id\":"
                "\"c\","
                "\"identity\":{\"sub\":\"x\",\"username\":\"y\"}}",
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                struct account *account = NULL;

                assert_int_equal(account_parse(&account, texts[i], strlen(texts[i])), -EBADMSG);
                assert_null(account);
        }
}

static void test_grants(void **state) {
        _cleanup_(account_freep) struct account *account = make_account();
        struct grant *groups, *transfer;

        assert_null(account_find(account, GROUPS));
        assert_int_equal(grant_new(&groups, GROUPS), 0);
        assert_int_equal(grant_new(&transfer, TRANSFER), 0);
        list_append(&account->grants, &groups->link);
        list_append(&account->grants, &transfer->link);
        assert_ptr_equal(account_find(account, GROUPS), groups);
        assert_ptr_equal(account_find(account, TRANSFER), transfer);

        grant_free(groups);
        assert_null(account_find(account, GROUPS));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_profile),
                cmocka_unit_test(test_saved_and_loaded),
                cmocka_unit_test(test_what_is_no_account),
                cmocka_unit_test(test_grants),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
