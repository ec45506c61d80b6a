/* What is to protect the store, who may say so, and who says more. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/base/config-policy.h"
#include "tests/unit/config-files.h"

#define POLICY(list) "{\"policy\": {\"protectors\": [" list "]}}"

static const char *const protectors[] = {"systemd-creds", "keyfile", "passphrase", "memory", "plaintext"};

/* permitted: those of the above, one letter each. */
static void assert_permits(const struct config *config, const char *permitted) {
        for (size_t i = 0; i < ARRAY_SIZE(protectors); i++) {
                bool expected = strchr(permitted, "skpmt"[i]);

                if (config_permits_protector(config, protectors[i]) != expected)
                        fail_msg("%s", protectors[i]);
                assert_int_equal(!config_policy_origin(config, protectors[i]), expected);
        }
}

static void test_settings(void **state) {
        static const char *const good[] = {"auto", "systemd-creds", "keyfile", "memory"};
        _cleanup_(config_freep) struct config *config = NULL;
        char text[64];

        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                _cleanup_(config_freep) struct config *each = NULL;

                snprintf(text, sizeof(text), "{\"protector\": \"%s\"}", good[i]);
                put(user_file, text);
                each = load();
                assert_no_problem(each);
                assert_setting(each, SETTING_PROTECTOR, good[i], user_file);
        }

        put(system_file, "{\"keep_unlocked\": false, \"protector\": \"keyfile\"}");
        config = load();
        assert_setting(config, SETTING_KEEP_UNLOCKED, "false", system_file);
        assert_setting(config, SETTING_PROTECTOR, "memory", user_file);
        assert_false(config_keep_unlocked(config));
}

static void test_bad_values(void **state) {
        static const struct {
                const char *text, *part;
        } bad[] = {
                {"{\"protector\": \"passphrase\"}", "\"protector\" must be one of auto, systemd-creds, "
                                                    "keyfile, memory (passphrase and plaintext are "
                                                    "chosen with: globus-agentctl key)"},
                {"{\"protector\": \"plaintext\"}", "\"protector\" must be one of auto"},
                {"{\"protector\": \"\"}", "\"protector\" must be one of auto"},
                {"{\"protector\": true}", "\"protector\" must be one of auto"},
                {"{\"keep_unlocked\": \"true\"}", "\"keep_unlocked\" must be true or false"},
                {"{\"keep_unlocked\": 1}", "\"keep_unlocked\" must be true or false"},
                {"{\"policy\": \"keyfile\"}", "\"policy\" must be an object with a list \"protectors\""},
                {"{\"policy\": [\"keyfile\"]}", "\"policy\" must be an object"},
                {"{\"policy\": {\"protector\": [\"keyfile\"]}}", "\"policy\" must be an object"},
                {"{\"policy\": {\"protectors\": [\"keyfile\"], \"x\": 1}}", "\"policy\" must be an object"},
                {"{\"policy\": {\"protectors\": \"keyfile\"}}", "\"policy\" must be an object"},
                {POLICY(""), "one or more of systemd-creds, keyfile, passphrase, memory, plaintext"},
                {POLICY("\"keyfile\", \"rot13\""), "\"policy\" must be an object"},
                {POLICY("\"keyfile, memory\""), "\"policy\" must be an object"},
                {POLICY("\"auto\""), "\"policy\" must be an object"},
                {POLICY("\"\""), "\"policy\" must be an object"},
                {POLICY("1"), "\"policy\" must be an object"},
                {"{\"protectors\": [\"keyfile\"]}", "http_timeout, protector, keep_unlocked, policy)"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                put(user_file, bad[i].text);
                assert_problem(user_file, bad[i].part);
        }
}

static void test_no_policy(void **state) {
        static const char *const none[] = {"{}", "{\"policy\": null}", "{\"policy\": {}}",
                                           "{\"policy\": {\"protectors\": null}}"};

        for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
                _cleanup_(config_freep) struct config *config = NULL;

                put(user_file, none[i]);
                config = load();
                assert_no_problem(config);
                assert_setting(config, SETTING_POLICY, NULL, "built in");
                assert_permits(config, "skpmt");
        }
}

static void test_policy_of_one_file(void **state) {
        const char *const files[] = {user_file, system_file};

        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                _cleanup_(config_freep) struct config *config = NULL;

                put(files[i], POLICY("\"memory\", \"keyfile\", \"memory\""));
                config = load();
                assert_no_problem(config);
                assert_setting(config, SETTING_POLICY, "keyfile, memory", files[i]);
                assert_permits(config, "km");
                assert_string_equal(config_policy_origin(config, "plaintext"), files[i]);
                assert_false(config_permits_protector(config, "key"));
                assert_false(config_permits_protector(config, "file"));
                assert_false(config_permits_protector(config, ""));
                assert_int_equal(unlink(files[i]), 0);
        }
}

static void assert_both(const char *user, const char *effective, const char *origin, const char *permitted) {
        _cleanup_(config_freep) struct config *config = NULL;

        put(system_file, POLICY("\"systemd-creds\", \"keyfile\", \"passphrase\""));
        put(user_file, user);
        config = load();
        assert_no_problem(config);
        assert_setting(config, SETTING_POLICY, effective, origin);
        assert_permits(config, permitted);
        assert_string_equal(config_policy_origin(config, "plaintext"), system_file);
        if (!strchr(permitted, 'p'))
                assert_string_equal(config_policy_origin(config, "passphrase"), user_file);
}

static void test_user_narrows_and_never_widens(void **state) {
        assert_both("{}", "systemd-creds, keyfile, passphrase", system_file, "skp");
        assert_both(POLICY("\"keyfile\""), "keyfile", user_file, "k");
        assert_both(POLICY("\"memory\", \"plaintext\", \"keyfile\""), "keyfile", user_file, "k");
        assert_both(POLICY("\"passphrase\", \"plaintext\", \"keyfile\", \"systemd-creds\""),
                    "systemd-creds, keyfile, passphrase", system_file, "skp");
}

static void test_nothing_is_left(void **state) {
        _cleanup_(config_freep) struct config *config = NULL;

        put(system_file, POLICY("\"keyfile\", \"passphrase\""));
        put(user_file, POLICY("\"memory\""));
        assert_problem(user_file, "\"policy\" must permit one or more of keyfile, passphrase");
        assert_problem(system_file, "permits");
        config = load();
        assert_permits(config, "");
}

/* A wrong file of the user's leaves what the system's permits. */
static void test_wrong_file(void **state) {
        _cleanup_(config_freep) struct config *config = NULL;

        put(system_file, POLICY("\"keyfile\""));
        put(user_file, "{\"policy\": 1}");
        config = load();
        assert_non_null(config_problem(config));
        assert_setting(config, SETTING_POLICY, "keyfile", system_file);
        assert_permits(config, "k");
}

static void test_lists(void **state) {
        _cleanup_(freep) char *list = NULL, *both = NULL;
        char *none = NULL;

        assert_int_equal(config_policy_check(&list, "plaintext,memory ,, keyfile,memory"), 0);
        assert_string_equal(list, "keyfile, memory, plaintext");
        assert_int_equal(config_policy_narrow(&both, list, "memory, passphrase, keyfile"), 0);
        assert_string_equal(both, "keyfile, memory");
        assert_int_equal(config_policy_narrow(&none, list, "passphrase"), -EINVAL);
        assert_int_equal(config_policy_check(&none, ""), -EINVAL);
        assert_int_equal(config_policy_check(&none, " , "), -EINVAL);
        assert_int_equal(config_policy_check(&none, "Keyfile"), -EINVAL);
        assert_null(none);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
        const struct CMUnitTest tests[] = {
                TEST(test_settings),
                TEST(test_bad_values),
                TEST(test_no_policy),
                TEST(test_policy_of_one_file),
                TEST(test_user_narrows_and_never_widens),
                TEST(test_nothing_is_left),
                TEST(test_wrong_file),
                TEST(test_lists),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
