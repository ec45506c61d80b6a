#include "tests/unit/unit.h"

#include <stdio.h>

#include "client/command.h"
#include "proto/error.h"
#include "tests/unit/captured.h"

static const struct command *const commands[] = {
        &command_login,  &command_token, &command_groups, &command_whoami, &command_status,
        &command_logout, &command_lock,  &command_unlock, &command_key,
};

static void test_names(void **state) {
        static const char *const names[] = {"login",  "token", "groups", "whoami", "status",
                                            "logout", "lock",  "unlock", "key"};

        for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
                char usage[64];

                assert_string_equal(commands[i]->name, names[i]);
                snprintf(usage, sizeof(usage), "Usage: globus-agentctl %s", names[i]);
                assert_memory_equal(commands[i]->help, usage, strlen(usage));
                assert_in_range(strlen(commands[i]->summary), 10, 60);
                assert_non_null(commands[i]->run);
                assert_non_null(commands[i]->defaults);
        }
}

static const struct option_spec *find(const struct option_spec *table, const char *name, size_t n) {
        for (; table->name; table++)
                if (table->type != OPTION_OPERAND && strlen(table->name) == n &&
                    strncmp(table->name, name, n) == 0)
                        return table;

        return NULL;
}

/* Each --word at the head of a line of the help is an option of the command. */
static void assert_help_is_true(const struct command *command) {
        for (const char *line = command->help; line; line = strchr(line, '\n')) {
                size_t blanks;

                line += *line == '\n';
                blanks = strspn(line, " ");
                if (blanks != 6 || strncmp(line + blanks, "--", 2) != 0)
                        continue;

                line += blanks + 2;
                assert_non_null(find(command->options, line, strcspn(line, " \n")));
        }
}

static void test_help_explains_every_option(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
                for (const struct option_spec *option = commands[i]->options; option->name; option++) {
                        char word[64];

                        snprintf(word, sizeof(word), option->type == OPTION_OPERAND ? "%s" : "--%s",
                                 option->name);
                        assert_non_null(strstr(commands[i]->help, word));
                        assert_true(option->offset < commands[i]->size);
                }
                assert_help_is_true(commands[i]);
        }
}

static void test_usage_error(void **state) {
        struct captured captured;

        capture(&captured);
        assert_int_equal(command_usage_error(&command_token, "no %s", "way"), EXIT_STATUS_USAGE);
        assert_string_equal(release(&captured),
                            "globus-agentctl: token: no way; see globus-agentctl token --help\n");
}

static void test_getenv(void **state) {
        setenv("GLOBUS_TEST", "x", 1);
        assert_string_equal(command_getenv("GLOBUS_TEST"), "x");
        setenv("GLOBUS_TEST", "", 1);
        assert_null(command_getenv("GLOBUS_TEST"));
        unsetenv("GLOBUS_TEST");
        assert_null(command_getenv("GLOBUS_TEST"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_help_explains_every_option),
                cmocka_unit_test(test_usage_error),
                cmocka_unit_test(test_getenv),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
