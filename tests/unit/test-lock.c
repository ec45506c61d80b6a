/* lock, unlock and key, where stdin is no terminal. */

#include "tests/unit/unit.h"

#include <errno.h>
#include <time.h>

#include "tests/unit/captured.h"
#include "tests/unit/fake-agent.h"

#define CALL(method, parameters) "{\"method\":\"org.globus.Agent." method "\",\"parameters\":{" parameters "}}"
#define STORE(members) "{\"store\":{" members "}}"

static const struct globals globals = {.timeout = 60};
static struct captured captured;

/* As main() does. The exit status; what is said is in captured. */
static int run(const struct command *command, const char *typed, char **argv) {
        const struct option_scope scopes[] = {{command->options, malloc(command->size)}, {}};
        char *error = NULL;
        int fds[2], status;

        assert_int_equal(pipe(fds), 0);
        assert_int_equal(write(fds[1], typed, strlen(typed)), (ssize_t)strlen(typed));
        close(fds[1]);
        assert_true(dup2(fds[0], STDIN_FILENO) >= 0);
        close(fds[0]);

        memcpy(scopes[0].record, command->defaults, command->size);
        assert_int_equal(option_parse(&argv, scopes, &error), 0);
        capture(&captured);
        status = command->run(&globals, scopes[0].record);
        release(&captured);
        free(scopes[0].record);
        return status;
}

#define RUN(command, typed, ...) run(&command, typed, (char *[]){__VA_ARGS__ __VA_OPT__(, ) NULL})
#define OPTION(text) ((char *)(text))

static void assert_said(const char *expected) {
        assert_string_equal(captured.text, expected);
}

static void assert_mentions(const char *words) {
        if (!strstr(captured.text, words))
                fail_msg("'%s' is not in '%s'", words, captured.text);
}

static void test_lock(void **state) {
        agent_will({.text = "{}"});
        assert_int_equal(RUN(command_lock, ""), 0);
        assert_string_equal(agent.calls[0], CALL("Lock", ""));
        assert_said("Locked; it opens again with: globus-agentctl unlock\n");
        assert_true(agent.no_autostart);
}

/* What is locked twice is locked; with a passphrase it may be another one that counts then. */
static void test_lock_is_repeated(void **state) {
        {
                agent_will({-EPIPE, NULL, NULL}, {.text = "{}"});
                assert_int_equal(RUN(command_lock, ""), 0);
                assert_int_equal(agent.n_calls, 2);
        }
        {
                agent_will({-EPIPE, NULL, NULL});
                assert_int_equal(RUN(command_lock, "p\n", OPTION("--password"), OPTION("--stdin")),
                                 EXIT_STATUS_FAILED);
                assert_int_equal(agent.n_calls, 1);
        }
}

static void test_lock_with_password(void **state) {
        agent_will({.text = "{}"});
        assert_int_equal(
                RUN(command_lock, " pass word\n", OPTION("--password"), OPTION("--stdin"), OPTION("--force")),
                0);
        assert_string_equal(agent.calls[0], CALL("Lock", "\"passphrase\":\" pass word\",\"force\":true"));
        assert_said("Locked; what is on disk opens again with this passphrase only: globus-agentctl unlock\n");
        assert_false(agent.no_autostart);
}

static void test_nothing_to_lock(void **state) {
        {
                agent_will();
                agent.unreachable = -ENOTCONN;
                assert_int_equal(RUN(command_lock, ""), 0);
                assert_said("nobody there: there is nothing to lock\n");
        }
        {
                agent_will();
                agent.unreachable = -ENOTCONN; /* there was somebody to tell the passphrase to */
                assert_int_equal(RUN(command_lock, "p\n", OPTION("--password"), OPTION("--stdin")),
                                 EXIT_STATUS_NO_AGENT);
        }
        {
                agent_will();
                agent.unreachable = -EACCES;
                assert_int_equal(RUN(command_lock, ""), EXIT_STATUS_NO_AGENT);
                assert_said("globus-agentctl: nobody there\n");
        }
}

static void test_lock_refused(void **state) {
        {
                agent_will({AGENT_ERROR_STORAGE_FAILED, "Not saved: disk full", NULL});
                assert_int_equal(RUN(command_lock, ""), EXIT_STATUS_FAILED);
                assert_said(
                        "globus-agentctl: Not saved: disk full; lock --force locks all the same, and what is "
                        "not on disk is lost\n");
        }
        {
                agent_will({AGENT_ERROR_STORAGE_FAILED, "Disk full", NULL});
                assert_int_equal(RUN(command_lock, "", OPTION("--force")), EXIT_STATUS_FAILED);
                assert_string_equal(agent.calls[0], CALL("Lock", "\"force\":true"));
                assert_said("globus-agentctl: Disk full\n");
        }
        {
                agent_will();
                assert_int_equal(RUN(command_lock, "p\n", OPTION("--stdin")), EXIT_STATUS_USAGE);
        }
        {
                agent_will();
                assert_int_equal(RUN(command_lock, "\n", OPTION("--password"), OPTION("--stdin")),
                                 EXIT_STATUS_FAILED);
                assert_said("globus-agentctl: A passphrase cannot be empty\n");
        }
}

static void test_unlock_without_passphrase(void **state) {
        agent_will({.text = STORE("\"state\":\"locked\",\"needs_passphrase\":false")}, {.text = "{}"});
        assert_int_equal(RUN(command_unlock, ""), 0);
        assert_string_equal(agent.calls[1], CALL("Unlock", ""));
        assert_said("Unlocked\n");
}

static void test_unlock_of_what_is_open(void **state) {
        {
                agent_will({.text = STORE("\"state\":\"open\"")});
                assert_int_equal(RUN(command_unlock, ""), 0);
                assert_said("It is not locked\n");
        }
        {
                agent_will({.text = STORE("\"state\":\"none\"")});
                assert_int_equal(RUN(command_unlock, ""), 0);
        }
}

static void test_unlock_with_passphrase(void **state) {
        agent_will({.text = STORE("\"state\":\"locked\",\"needs_passphrase\":true")}, {.text = "{}"});
        assert_int_equal(RUN(command_unlock, "pass word\n", OPTION("--stdin")), 0);
        assert_int_equal(agent.n_calls, 2);
        assert_string_equal(agent.calls[1], CALL("Unlock", "\"passphrase\":\"pass word\""));
        assert_said("Unlocked\n");
}

/* Whether a passphrase is needed was not known yet when it was asked for. */
static void test_unlock_while_opening(void **state) {
        {
                agent_will({.text = STORE("\"state\":\"opening\"")}, {AGENT_ERROR_LOCKED, "locked", NULL},
                           {.text = "{}"});
                assert_int_equal(RUN(command_unlock, "p\n", OPTION("--stdin")), 0);
                assert_string_equal(agent.calls[2], CALL("Unlock", "\"passphrase\":\"p\""));
                assert_said("Unlocked\n");
        }
        {
                agent_will({.text = STORE("\"state\":\"unreadable\"")},
                           {AGENT_ERROR_STORAGE_FAILED, "damaged", NULL});
                assert_int_equal(RUN(command_unlock, "p\n", OPTION("--stdin")), EXIT_STATUS_FAILED);
                assert_said("globus-agentctl: damaged\n");
        }
}

/* One try: nobody is there to type another one. */
static void test_wrong_passphrase(void **state) {
        agent_will({.text = STORE("\"state\":\"locked\",\"needs_passphrase\":true")},
                   {AGENT_ERROR_WRONG_PASSPHRASE, "Wrong", NULL});
        agent.retry_at = time(NULL) + 7000;
        assert_int_equal(RUN(command_unlock, "one\ntwo\n", OPTION("--stdin")),
                         error_exit_status(AGENT_ERROR_WRONG_PASSPHRASE));
        assert_int_equal(agent.n_calls, 2);
        assert_said("globus-agentctl: Wrong; try again in 1 h 56 min\n");
}

static void test_unlock_without_a_passphrase_to_give(void **state) {
        agent_will({.text = STORE("\"state\":\"locked\",\"needs_passphrase\":true")});
        assert_int_equal(RUN(command_unlock, "", OPTION("--stdin")), error_exit_status(AGENT_ERROR_LOCKED));
        assert_int_equal(agent.n_calls, 1);
        assert_said("globus-agentctl: No passphrase was given\n");
}

static void test_key_changes(void **state) {
        {
                agent_will({.text = "{\"protector\":\"keyfile\",\"protection\":\"with a \\u001b file\"}"});
                assert_int_equal(RUN(command_key, "", OPTION("auto")), 0);
                assert_string_equal(agent.calls[0], CALL("SetKey", "\"protector\":\"auto\""));
                assert_said("Now keyfile: with a \\x1b file\n");
        }
        {
                agent_will({.text = "{\"protector\":\"passphrase\",\"protection\":\"with a passphrase\"}"});
                assert_int_equal(RUN(command_key, "pass word\n", OPTION("passphrase"), OPTION("--stdin")), 0);
                assert_string_equal(agent.calls[0], CALL("SetKey", "\"protector\":\"passphrase\","
                                                                   "\"passphrase\":\"pass word\""));
        }
        {
                agent_will({.text = "{\"protector\":\"memory\",\"protection\":\"in memory\"}"});
                assert_int_equal(RUN(command_key, "", OPTION("memory")), 0);
                assert_mentions("Now memory: in memory\nAfter a restart of the machine, ");
        }
        {
                agent_will({.text = "{\"protector\":\"plaintext\",\"protection\":\"by nothing\"}"});
                assert_int_equal(
                        RUN(command_key, "", OPTION("plaintext"), OPTION("--yes-store-tokens-unencrypted")), 0);
                assert_string_equal(agent.calls[0],
                                    CALL("SetKey", "\"protector\":\"plaintext\",\"force\":true"));
        }
}

static void test_key_fails(void **state) {
        {
                agent_will({AGENT_ERROR_REFUSED, "The policy forbids it", NULL});
                assert_int_equal(RUN(command_key, "", OPTION("keyfile")),
                                 error_exit_status(AGENT_ERROR_REFUSED));
                assert_said("globus-agentctl: The policy forbids it\n");
        }
        {
                agent_will({-EPIPE, NULL, NULL}); /* it may be done */
                assert_int_equal(RUN(command_key, "", OPTION("keyfile")), EXIT_STATUS_FAILED);
                assert_int_equal(agent.n_calls, 1);
        }
}

/* Before anybody is called. */
static void test_key_usage(void **state) {
        agent_will();
        assert_int_equal(RUN(command_key, "", OPTION("plaintext")), EXIT_STATUS_USAGE);
        assert_mentions("can act as you; if you want that, add --yes-store-tokens-unencrypted");
        assert_int_equal(RUN(command_key, "", OPTION("tpm")), EXIT_STATUS_USAGE);
        assert_mentions("no 'tpm' protects a store, but auto, systemd-creds, keyfile");
        assert_int_equal(RUN(command_key, "p\n", OPTION("--stdin"), OPTION("keyfile")), EXIT_STATUS_USAGE);
        assert_int_equal(RUN(command_key, "p\n", OPTION("--stdin")), EXIT_STATUS_USAGE);
        assert_int_equal(RUN(command_key, "", OPTION("memory"), OPTION("--yes-store-tokens-unencrypted")),
                         EXIT_STATUS_USAGE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lock),
                cmocka_unit_test(test_lock_is_repeated),
                cmocka_unit_test(test_lock_with_password),
                cmocka_unit_test(test_nothing_to_lock),
                cmocka_unit_test(test_lock_refused),
                cmocka_unit_test(test_unlock_without_passphrase),
                cmocka_unit_test(test_unlock_of_what_is_open),
                cmocka_unit_test(test_unlock_with_passphrase),
                cmocka_unit_test(test_unlock_while_opening),
                cmocka_unit_test(test_wrong_passphrase),
                cmocka_unit_test(test_unlock_without_a_passphrase_to_give),
                cmocka_unit_test(test_key_changes),
                cmocka_unit_test(test_key_fails),
                cmocka_unit_test(test_key_usage),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
