/* The status, for people. */

#include "tests/unit/unit.h"

#include <stdio.h>

#include "client/status-text.h"
#include "proto/json.h"

static char *status_text(const char *json) {
        _cleanup_(json_freep) struct json_object *status = NULL;
        struct buffer out = {};
        char *text;

        assert_int_equal(json_parse(&status, json, strlen(json), 0), 0);
        assert_int_equal(status_text_write(&out, status), 0);
        text = strndup(buffer_bytes(&out), buffer_size(&out));
        assert_non_null(text);
        buffer_deinit(&out);
        return text;
}

static void assert_says(const char *text, const char *line) {
        if (!strstr(text, line))
                fail_msg("'%s' is not in:\n%s", line, text);
}

static const char head[] =
        "{\"version\":\"0.1.0\",\"pid\":7,\"started_at\":0,\"socket\":\"/run/s\",\"connections\":2,"
        "\"connections_max\":1024,\"pending_logins\":0,";

static void test_whole(void **state) {
        _cleanup_(freep) char *json = NULL, *text = NULL;

        assert_true(
                asprintf(&json,
                         "%s\"settings\":[{\"name\":\"ca_file\",\"value\":\"/x\",\"origin\":\"environment\"}],"
                         "\"problems\":[\"A\\u001b\",\"B\"],\"store\":{\"path\":\"/s\",\"state\":\"open\","
                         "\"protection\":\"encrypted\",\"saved\":false,\"error\":\"disk full\"},"
                         "\"profiles\":[{\"profile\":\"default\",\"environment\":\"production\",\"username\":"
                         "\"ada\","
                         "\"grants\":[{\"resource_server\":\"groups\",\"scopes\":[\"x\",\"y\"],\"state\":"
                         "\"valid\","
                         "\"expires_in\":3660,\"refreshable\":true,\"last_error\":\"refused\",\"saved\":true},"
                         "{\"resource_server\":\"search\",\"scopes\":[],\"state\":\"expired\","
                         "\"refreshed_at\":1700000000,\"refreshable\":true,\"expiring_soon\":true,"
                         "\"last_error\":\"no route\","
                         "\"last_error_at\":1700000060,\"tries\":3,\"retry_at\":1,\"saved\":true},"
                         "{\"resource_server\":\"auth\",\"scopes\":[],\"state\":\"login_needed\","
                         "\"refreshable\":false,\"saved\":false},"
                         "{\"resource_server\":\"flows\",\"scopes\":[],\"state\":\"valid\","
                         "\"expires_in\":60,\"refreshable\":false,\"saved\":true}]}]}",
                         head) > 0);
        text = status_text(json);

        assert_says(text, "globus-agent 0.1.0, process 7, since ");
        assert_says(text, "Socket      /run/s (2 of 1024 connections)\n");
        assert_says(text, "Store       /s (open, not saved)\nProtection  encrypted\n            disk full\n");
        assert_says(text, "Problem     A\\x1b\n            B\n");
        assert_says(text, "\nSettings\n  ca_file  /x  (environment)\n");
        assert_says(text, "\nProfile 'default': ada (production)\n  groups\n    valid for 1 h 1 min, saved\n"
                          "    scopes x\n           y\n    last error: refused\n");
        assert_says(text, "    expired, will be refreshed when it is asked for, saved\n"
                          "    last success at 2023-11-14 22:13:20\n"
                          "    last error at 2023-11-14 22:14:20, 3 tries so far, no other for 0 s: no route\n"
                          "    expires soon: Globus ends what");
        assert_says(text, "  auth\n    a login is needed: globus-agentctl login, not saved\n");
        assert_says(text, "  flows\n    valid for 1 min, without a refresh token, saved\n");
}

/* The command is that for this profile. */
static void test_login_needed(void **state) {
        _cleanup_(freep) char *json = NULL, *text = NULL;

        assert_true(
                asprintf(&json,
                         "%s\"settings\":[],\"problems\":[],\"store\":{},\"profiles\":[{\"profile\":\"lab\","
                         "\"username\":\"ben\",\"grants\":[{\"resource_server\":\"auth\",\"scopes\":[],"
                         "\"state\":\"login_needed\",\"saved\":true}]}]}",
                         head) > 0);
        text = status_text(json);
        assert_says(text, "    a login is needed: globus-agentctl login --profile 'lab', saved\n");
}

static void test_nobody(void **state) {
        _cleanup_(freep) char *json = NULL, *text = NULL;

        assert_true(asprintf(&json, "%s\"settings\":[],\"problems\":[],\"store\":{},\"profiles\":[]}", head) >
                    0);
        text = status_text(json);
        assert_says(text, "\nNobody is logged in: globus-agentctl login\n");
        assert_null(strstr(text, "Problem"));
}

static void test_nothing_saved_yet(void **state) {
        static const char *const saved[] = {"true", "false"};
        static const char *const lines[] = {"Store       /s (nothing saved yet)\n",
                                            "Store       /s (not saved yet)\n"};

        for (size_t i = 0; i < ARRAY_SIZE(saved); i++) {
                _cleanup_(freep) char *json = NULL, *text = NULL;

                assert_true(asprintf(&json,
                                     "%s\"settings\":[],\"problems\":[],\"store\":{\"path\":\"/s\",\"state\":"
                                     "\"none\",\"saved\":%s},\"profiles\":[]}",
                                     head, saved[i]) > 0);
                text = status_text(json);
                assert_says(text, lines[i]);
        }
}

static void test_nobody_knows(void **state) {
        _cleanup_(freep) char *json = NULL, *text = NULL;

        assert_true(asprintf(&json,
                             "%s\"settings\":[],\"problems\":[],\"store\":{\"path\":\"/s\",\"state\":"
                             "\"opening\",\"saved\":true},\"profiles\":[]}",
                             head) > 0);
        text = status_text(json);
        assert_says(text, "Store       /s (opening)\n");
        assert_says(text, "\nWho is logged in is not known, as the store was not read\n");
}

static void test_locked(void **state) {
        _cleanup_(freep) char *json = NULL, *text = NULL;

        assert_true(asprintf(&json,
                             "%s\"settings\":[],\"problems\":[],\"store\":{\"path\":\"/s\",\"state\":"
                             "\"locked\",\"protection\":\"a passphrase\",\"saved\":true},\"profiles\":[]}",
                             head) > 0);
        text = status_text(json);
        assert_says(text, "Store       /s (locked, saved)\nProtection  a passphrase\n");
        assert_says(text, "\nLocked: globus-agentctl unlock\n");
        assert_null(strstr(text, "logged in"));
}

int main(void) {
        setenv("TZ", "UTC", 1);

        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_whole),        cmocka_unit_test(test_login_needed),
                cmocka_unit_test(test_nobody),       cmocka_unit_test(test_nothing_saved_yet),
                cmocka_unit_test(test_nobody_knows), cmocka_unit_test(test_locked),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
