#include "tests/unit/unit.h"

#include "proto/json.h"
#include "tests/unit/door.h"

extern const char interface_text[];

/* The reply's parameters. */
static struct json_object *ask_n(const char *call, size_t n) {
        struct message_reply reply = {};
        int fd = knock();
        const char *heard;

        say_n(fd, call, n);
        settle();
        heard = hear(fd);
        close(fd);
        assert_int_equal(message_parse_reply(&reply, heard, strlen(heard) - 1), 0);
        assert_null(reply.error);
        return reply.parameters;
}

#define ask(literal) ask_n(literal, sizeof(literal))

static void test_info(void **state) {
        struct json_object *info = ask("{\"method\":\"org.varlink.service.GetInfo\"}"), *interfaces;

        assert_string_equal(json_get_string(info, "product"), "globus-agent");
        assert_string_equal(json_get_string(info, "version"), PROJECT_VERSION);
        assert_non_null(json_get_string(info, "vendor"));
        assert_non_null(json_get_string(info, "url"));
        assert_true(json_object_object_get_ex(info, "interfaces", &interfaces));
        assert_int_equal(json_object_array_length(interfaces), 2);
        assert_string_equal(json_object_get_string(json_object_array_get_idx(interfaces, 0)),
                            "org.varlink.service");
        assert_string_equal(json_object_get_string(json_object_array_get_idx(interfaces, 1)),
                            MESSAGE_INTERFACE);
        json_wipe(info);
}

#define DESCRIBE(name)                                                                                         \
        "{\"method\":\"org.varlink.service.GetInterfaceDescription\",\"parameters\":{\"interface\":\"" name    \
        "\"}}"

static void test_descriptions(void **state) {
        struct json_object *ours = ask(DESCRIBE("org.globus.Agent")),
                           *service = ask(DESCRIBE("org.varlink.service"));

        assert_string_equal(json_get_string(ours, "description"), interface_text);
        assert_non_null(strstr(interface_text, "\ninterface org.globus.Agent\n"));
        assert_non_null(strstr(json_get_string(service, "description"), "\ninterface org.varlink.service\n"));
        json_wipe(ours);
        json_wipe(service);
}

static void test_unknown_interface(void **state) {
        int fd = knock();

        say(fd, DESCRIBE("org.globus.Agents"));
        settle();
        assert_heard(fd, "{\"error\":\"org.varlink.service.InterfaceNotFound\",\"parameters\":{\"interface\":"
                         "\"org.globus.Agents\"}}\n");
        close(fd);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_door, teardown_door)
        const struct CMUnitTest tests[] = {
                TEST(test_info),
                TEST(test_descriptions),
                TEST(test_unknown_interface),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
