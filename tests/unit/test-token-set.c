/* Entries are found by resource server, wherever they stand. */

#include "tests/unit/unit.h"

#include "daemon/model/token-set.h"

static void test_find(void **state) {
        _cleanup_(token_set_freep) struct token_set *tokens = calloc(1, sizeof(*tokens));
        static const char *const servers[] = {"auth.globus.org", "groups.api.globus.org",
                                              "transfer.api.globus.org"};
        struct token_set_entry *entry;

        assert_non_null(tokens);
        assert_null(token_set_find(tokens, "auth.globus.org"));

        for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
                assert_int_equal(token_set_add(&entry, tokens), 0);
                assert_null(token_set_find(tokens, servers[i])); /* it has no name yet */
                entry->resource_server = strdup(servers[i]);
                assert_int_equal(secret_new(&entry->access_token, servers[i], 4), 0);
        }

        for (size_t i = 0; i < ARRAY_SIZE(servers); i++)
                assert_ptr_equal(token_set_find(tokens, servers[i]), &tokens->entries[i]);
        assert_null(token_set_find(tokens, "search.api.globus.org"));
        assert_null(token_set_free(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_find)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
