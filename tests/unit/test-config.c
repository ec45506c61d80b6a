/* Who is asked first, what is refused, and in which words. */

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>

#include "tests/unit/config-files.h"

#define OTHER_ID "aaaaaaaa-1111-2222-3333-bbbbbbbbbbbb"

static void test_built_in(void **state) {
        _cleanup_(config_freep) struct config *config = NULL;

        /* these two are the client's */
        setenv("GLOBUS_SDK_ENVIRONMENT", "preview", 1);
        setenv("GLOBUS_SDK_SERVICE_URL_AUTH", "https://auth.example.org", 1);
        config = load();

        assert_no_problem(config);
        assert_setting(config, SETTING_ENVIRONMENT, "production", "built in");
        assert_setting(config, SETTING_AUTH_URL, NULL, "built in");
        assert_setting(config, SETTING_GROUPS_URL, NULL, "built in");
        assert_setting(config, SETTING_CLIENT_ID, "61338d24-54d5-408f-a10d-66c06b59f6d2", "built in");
        assert_setting(config, SETTING_CA_FILE, NULL, "built in");
        assert_setting(config, SETTING_PROXY, NULL, "built in");
        assert_setting(config, SETTING_HTTP_TIMEOUT, "60", "built in");
        assert_setting(config, SETTING_PROTECTOR, "auto", "built in");
        assert_setting(config, SETTING_KEEP_UNLOCKED, "true", "built in");
        assert_setting(config, SETTING_POLICY, NULL, "built in");
        assert_true(config_http_timeout_usec(config) == 60 * USEC_PER_SEC);
        assert_true(config_keep_unlocked(config));
        assert_null(config_display(config, SETTING_PROXY));
        assert_string_equal(config_name(SETTING_HTTP_TIMEOUT), "http_timeout");
}

static void test_precedence(void **state) {
        _cleanup_(config_freep) struct config *config = NULL;
        char text[256];

        snprintf(text, sizeof(text), "{\"ca_file\": \"%s\", \"proxy\": null} // all I need\n", ca_file);
        put(user_file, text);
        put(system_file, "/* for all */ {\"client_id\": \"" OTHER_ID "\", \"ca_file\": \"/etc/passwd\", "
                         "\"http_timeout\": 2.5, \"auth_url\": \"HTTPS://Auth.Example.org/A\"}");
        setenv("GLOBUS_SDK_VERIFY_SSL", "/etc/hostname", 1);
        setenv("GLOBUS_SDK_HTTP_TIMEOUT", "7", 1);
        setenv("https_proxy", "http://proxy.example.org:3128", 1);
        config = load();

        assert_no_problem(config);
        assert_setting(config, SETTING_CA_FILE, ca_file, user_file);
        assert_setting(config, SETTING_CLIENT_ID, OTHER_ID, system_file);
        assert_setting(config, SETTING_AUTH_URL, "https://auth.example.org/A/", system_file);
        assert_setting(config, SETTING_HTTP_TIMEOUT, "2.5", system_file);
        assert_true(config_http_timeout_usec(config) == 2500 * USEC_PER_MSEC);
        assert_setting(config, SETTING_PROXY, "http://proxy.example.org:3128", "environment: https_proxy");
        assert_setting(config, SETTING_ENVIRONMENT, "production", "built in");
}

static void test_default_paths(void **state) {
        _cleanup_(config_freep) struct config *config = NULL;
        char below[128], path[160];

        snprintf(below, sizeof(below), "%s/globus-agent", directory);
        snprintf(path, sizeof(path), "%s/config.json", below);
        assert_int_equal(mkdir(below, 0700), 0);
        put(path, "{\"environment\": \"preview\"}");

        setenv("XDG_CONFIG_HOME", directory, 1);
        assert_int_equal(config_load(&config, NULL), 0);
        assert_setting(config, SETTING_ENVIRONMENT, "preview", path);

        unsetenv("XDG_CONFIG_HOME");
        assert_int_equal(unlink(path), 0);
        assert_int_equal(rmdir(below), 0);
}

static void test_good_values(void **state) {
        static const char *const good[] = {
                "{}",
                "{\"environment\": \"sandbox\"}",
                "{\"proxy\": \"\"}",
                "{\"proxy\": \"proxy.example.org:3128\"}",
                "{\"proxy\": \"socks5h://[::1]:1080\"}",
                "{\"http_timeout\": 1}",
                "{\"http_timeout\": 1e3}",
                "{\"http_timeout\": 0.001}",
                "{\"client_id\": null}",
        };

        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                _cleanup_(config_freep) struct config *config = NULL;

                put(user_file, good[i]);
                config = load();
                assert_no_problem(config);
        }
}

static void test_bad_values(void **state) {
        static const struct {
                const char *text, *part;
        } bad[] = {
                {"", "one JSON object"},
                {"null", "one JSON object"},
                {"[]", "one JSON object"},
                {"{\"environment\": \"preview\",}", "one JSON object"},
                {"{\"environment\": \"preview\", \"environment\": \"test\"}", "one JSON object"},
                {"{\"environment\": \"preview\", \"clientid\": 1}",
                 "unknown key \"clientid\" (allowed are environment,"},
                {"{\"environment\": \"Preview\"}", "\"environment\" must be one of production, preview"},
                {"{\"environment\": 1}", "\"environment\" must be one of production"},
                {"{\"environment\": \"preview\", \"auth_url\": \"http://auth\"}", "\"auth_url\" must be a URL"},
                {"{\"groups_url\": [\"https://groups\"]}", "\"groups_url\" must be a URL"},
                {"{\"client_id\": \"61338d24-54d5-408f-a10d-66c06b59f6dg\"}", "\"client_id\" must be the UUID"},
                {"{\"client_id\": \"61338d24054d5-408f-a10d-66c06b59f6d2\"}", "\"client_id\" must be the UUID"},
                {"{\"client_id\": \"\"}", "\"client_id\" must be the UUID"},
                {"{\"ca_file\": \"ca.pem\"}", "\"ca_file\" must be the absolute path"},
                {"{\"ca_file\": \"/nonexistent\"}", "\"ca_file\" must be the absolute path"},
                {"{\"ca_file\": \"/etc\"}", "\"ca_file\" must be the absolute path"},
                {"{\"proxy\": \"ftp://proxy\"}", "\"proxy\" must be [SCHEME://]HOST"},
                {"{\"proxy\": \"http://\"}", "\"proxy\" must be"},
                {"{\"proxy\": \"http://a b\"}", "\"proxy\" must be"},
                {"{\"http_timeout\": \"60\"}", "\"http_timeout\" must be a number of seconds"},
                {"{\"http_timeout\": 0}", "\"http_timeout\" must be"},
                {"{\"http_timeout\": -1}", "\"http_timeout\" must be"},
                {"{\"http_timeout\": 1e-9}", "\"http_timeout\" must be"},
                {"{\"http_timeout\": 1e999}", "\"http_timeout\" must be"},
                {"{\"http_timeout\": true}", "\"http_timeout\" must be"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                put(user_file, bad[i].text);
                assert_problem(user_file, bad[i].part);
        }
}

static void test_bad_file_takes_none_along(void **state) {
        _cleanup_(config_freep) struct config *config = NULL;

        put(user_file, "{\"client_id\": \"" OTHER_ID "\", \"environment\": \"moon\"}");
        put(system_file, "{\"environment\": \"staging\"}");
        setenv("GLOBUS_SDK_HTTP_TIMEOUT", "7.5", 1);
        config = load();

        assert_non_null(config_problem(config));
        assert_non_null(strstr(fault_message(config_problem(config)), user_file));
        assert_setting(config, SETTING_CLIENT_ID, "61338d24-54d5-408f-a10d-66c06b59f6d2", "built in");
        assert_setting(config, SETTING_ENVIRONMENT, "staging", system_file);
        assert_setting(config, SETTING_HTTP_TIMEOUT, "7.5", "environment: GLOBUS_SDK_HTTP_TIMEOUT");
}

static void test_distrust(void **state) {
        _cleanup_(config_freep) struct config *config = NULL;
        static char large[64 * 1024 + 2];

        put(user_file, "{}");
        assert_int_equal(chmod(user_file, 0664), 0);
        assert_problem(user_file, "must not be writable by other users");
        assert_int_equal(unlink(user_file), 0);

        put(system_file, "{}");
        assert_int_equal(chmod(system_file, 0646), 0);
        assert_problem(system_file, "must not be writable by other users");
        assert_int_equal(chmod(system_file, 0664), 0); /* administrators may share it */
        config = load();
        assert_no_problem(config);

        assert_int_equal(mkfifo(user_file, 0600), 0);
        assert_problem(user_file, "must be a regular file"); /* and does not wait for a writer */
        assert_int_equal(unlink(user_file), 0);

        memset(large, ' ', sizeof(large) - 1);
        put(user_file, large);
        assert_problem(user_file, "must not be larger than 64 KiB");

        if (geteuid() == 0) {
                put(user_file, "{}");
                assert_int_equal(chown(user_file, 65534, 65534), 0);
                assert_problem(user_file, "must belong to you");
        }
}

static void test_verify_ssl(void **state) {
        static const char *const yes[] = {"1", "y", "YES", "t", "True", "on"};
        static const char *const no[] = {"0", "N", "no", "f", "False", "OFF"};
        static const char *const bad[] = {"", "maybe", "/nonexistent", "/etc"};

        for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
                _cleanup_(config_freep) struct config *config = NULL;

                setenv("GLOBUS_SDK_VERIFY_SSL", yes[i], 1);
                config = load();
                assert_no_problem(config);
                assert_null(config_get(config, SETTING_CA_FILE));
        }
        for (size_t i = 0; i < ARRAY_SIZE(no); i++) {
                setenv("GLOBUS_SDK_VERIFY_SSL", no[i], 1);
                assert_problem("GLOBUS_SDK_VERIFY_SSL", "TLS is never unverified");
        }
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                setenv("GLOBUS_SDK_VERIFY_SSL", bad[i], 1);
                assert_problem("GLOBUS_SDK_VERIFY_SSL", "the absolute path of a file of certificates");
        }

        setenv("GLOBUS_SDK_VERIFY_SSL", ca_file, 1);
        _cleanup_(config_freep) struct config *config = load();
        assert_no_problem(config);
        assert_setting(config, SETTING_CA_FILE, ca_file, "environment: GLOBUS_SDK_VERIFY_SSL");
}

static void test_http_timeout(void **state) {
        static const char *const bad[] = {"-1", "0", "0.0", "x", "1x", " 1", "inf", "nan", "0x10", "1e9"};
        _cleanup_(config_freep) struct config *config = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                setenv("GLOBUS_SDK_HTTP_TIMEOUT", bad[i], 1);
                assert_problem("GLOBUS_SDK_HTTP_TIMEOUT", "must be a number of seconds");
        }

        setenv("GLOBUS_SDK_HTTP_TIMEOUT", "", 1);
        config = load();
        assert_no_problem(config);
        assert_setting(config, SETTING_HTTP_TIMEOUT, "60", "built in");
}

static void assert_proxy(const char *text, const char *display, const char *origin) {
        _cleanup_(config_freep) struct config *config = load();

        assert_setting(config, SETTING_PROXY, text, origin);
        assert_string_equal(config_display(config, SETTING_PROXY), display);
}

static void test_proxy(void **state) {
        setenv("ALL_PROXY", "socks5://me:pass/w@rd@all.example.org:1080/", 1);
        assert_proxy("socks5://me:pass/w@rd@all.example.org:1080/", "socks5://all.example.org:1080/",
                     "environment: ALL_PROXY");
        setenv("https_proxy", "", 1); /* as if it were not there */
        setenv("HTTPS_PROXY", "me:password@proxy.example.org", 1);
        assert_proxy("me:password@proxy.example.org", "proxy.example.org", "environment: HTTPS_PROXY");
        put(user_file, "{\"proxy\": \"\"}");
        assert_proxy("", "", user_file);
}

static const char *const good_urls[][2] = {
        {"https://auth.globus.org", "https://auth.globus.org/"},
        {"https://auth.globus.org///", "https://auth.globus.org/"},
        {"HTTPS://Auth.Globus.org/Path//", "https://auth.globus.org/Path/"},
        {"https://localhost:8443", "https://localhost:8443/"},
        {"https://[2001:DB8::1]:8443/v2", "https://[2001:db8::1]:8443/v2/"},
};

static const char *const bad_urls[] = {
        "",
        "https://",
        "https:///path",
        "http://h",
        "ftp://h",
        "//h",
        "h",
        "https:/h",
        "https://me@h",
        "https://me:pw@h/",
        "https://h?q",
        "https://h/?q",
        "https://h#f",
        "https://h/#f",
        "https://h/a b",
        "https://h\n",
        "https://h/\x7f",
        "https://\xc3\xa4",
        "https://h:",
        "https://h:0",
        "https://h:65536",
        "https://h:99999999999999999999",
        "https://h:8443x",
        "https://h:+1",
        "https://[::1",
        "https://[]",
        "https://h\\@evil",
        "https://-h",
        "https://.h",
        "https://h/<",
        " https://h",
};

static void test_check_url(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(good_urls); i++) {
                _cleanup_(freep) char *url = NULL;

                assert_int_equal(config_check_url(&url, good_urls[i][0]), 0);
                assert_string_equal(url, good_urls[i][1]);
        }
        for (size_t i = 0; i < ARRAY_SIZE(bad_urls); i++) {
                char *url = NULL;

                if (config_check_url(&url, bad_urls[i]) != -EINVAL)
                        fail_msg("\"%s\" was allowed", bad_urls[i]);
                assert_null(url);
        }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_built_in),    TEST(test_precedence), TEST(test_default_paths),
                TEST(test_good_values), TEST(test_bad_values), TEST(test_bad_file_takes_none_along),
                TEST(test_distrust),    TEST(test_verify_ssl), TEST(test_http_timeout),
                TEST(test_proxy),       TEST(test_check_url)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
