/* systemd-creds, played here: what protects the store when it can, when it cannot, and when the policy has a
 * say. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/base/credentials.h"
#include "daemon/base/filesystem.h"
#include "tests/unit/captured.h"
#include "tests/unit/homes.h"

#define ONLY(protector) (1U << (protector))

/* These take the place of the service and of the file system. What is sealed is the data key itself. */

static int service_result, opening_result;
static bool local;

static int service_answer(struct fault *fault, int r) {
        return r ? fault_set(fault, r, "the service has a cold") : 0;
}

int credentials_encrypt(struct buffer *out, const struct credentials_service *service, const char *name,
                        const struct secret *data, struct fault *fault) {
        return service_answer(fault, service_result)
                       ?: buffer_append(out, secret_bytes(data), secret_size(data));
}

int credentials_decrypt(struct secret **ret, const struct credentials_service *service, const char *name,
                        struct bytes encrypted, struct fault *fault) {
        return service_answer(fault, opening_result) ?: secret_new(ret, encrypted.data, encrypted.n);
}

const char *credentials_key(struct bytes encrypted) {
        return "a key";
}

bool filesystem_is_local(int fd) {
        return local;
}

static int set_up(void **state) {
        service_result = opening_result = 0;
        local = true;
        return setup_home(state);
}

/* What protects the store then; PROTECTOR_UNKNOWN: it was refused. */
static enum protector protect(const struct home *home, const struct disk_wish *wish, enum disk_action action,
                              struct fault *fault) {
        struct disk_commit commit = {.changes = LIST_INIT(commit.changes), .wish = *wish, .action = action};
        enum protector protector = PROTECTOR_UNKNOWN;

        add_change(&commit.changes, CHANGE_ADD, make_record(1, 1, "default", NULL));
        if (!disk_commit(&commit, &home->paths, fault))
                protector = protector_of(commit.store);
        disk_commit_deinit(&commit);
        return protector;
}

/* Of the first login, or of 'key auto'. */
static enum protector choose(const struct home *home, unsigned permitted, enum disk_action action) {
        const struct disk_wish wish = {.automatic = true, .permitted = permitted};
        _cleanup_(fault_deinit) struct fault fault = {};

        return protect(home, &wish, action, &fault);
}

static void assert_refused(const struct home *home, unsigned permitted, const char *a, const char *b) {
        const struct disk_wish wish = {.automatic = true, .permitted = permitted};
        _cleanup_(fault_deinit) struct fault fault = {};

        assert_int_equal(protect(home, &wish, DISK_SAVE, &fault), PROTECTOR_UNKNOWN);
        assert_int_equal(fault.r, AGENT_ERROR_REFUSED);
        if (!strstr(fault_message(&fault), a) || !strstr(fault_message(&fault), b))
                fail_msg("\"%s\" lacks \"%s\" or \"%s\"", fault_message(&fault), a, b);
        assert_int_equal(access(home->store, F_OK), -1);
}

static void test_it_is_chosen(void **state) {
        assert_int_equal(choose(*state, ~0U, DISK_SAVE), PROTECTOR_SYSTEMD_CREDS);
}

static void test_without_it_a_key_file(void **state) {
        local = false;
        assert_int_equal(choose(*state, ~0U, DISK_SAVE), PROTECTOR_KEYFILE);
}

static void test_why_it_was_not_chosen_is_told(void **state) {
        struct captured captured;

        capture(&captured);
        service_result = -EKEYREJECTED;
        assert_int_equal(choose(*state, ~0U, DISK_SAVE), PROTECTOR_KEYFILE);
        assert_non_null(strstr(release(&captured), "the service has a cold"));
}

static void test_older_systemd_is_no_news(void **state) {
        struct captured captured;

        capture(&captured);
        service_result = -ENOENT;
        assert_int_equal(choose(*state, ~0U, DISK_SAVE), PROTECTOR_KEYFILE);
        assert_string_equal(release(&captured), "");
}

static void test_policy_permits_nothing_that_can_be_had(void **state) {
        assert_refused(*state, ONLY(PROTECTOR_PASSPHRASE), "does not permit the protector keyfile",
                       "run 'globus-agentctl key passphrase'");
        assert_refused(*state, ONLY(PROTECTOR_PLAINTEXT), "policy",
                       "run 'globus-agentctl key plaintext --yes-store-tokens-unencrypted'");
        service_result = -EIO;
        assert_refused(*state, ONLY(PROTECTOR_SYSTEMD_CREDS) | ONLY(PROTECTOR_MEMORY), "the service has a cold",
                       "run 'globus-agentctl key memory'");
        assert_refused(*state, ONLY(PROTECTOR_SYSTEMD_CREDS), "the service has a cold", "policy");
        local = false;
        assert_refused(*state, ONLY(PROTECTOR_SYSTEMD_CREDS), "does not permit the protector keyfile",
                       "run 'globus-agentctl key systemd-creds'");
}

static void test_auto_does_not_lower(void **state) {
        const struct disk_wish wish = {.automatic = true, .permitted = ~0U};
        _cleanup_(fault_deinit) struct fault fault = {};
        _cleanup_(store_freep) struct store *store = NULL;

        assert_int_equal(choose(*state, ~0U, DISK_SAVE), PROTECTOR_SYSTEMD_CREDS);
        service_result = -EIO;
        local = false;
        assert_int_equal(choose(*state, ~0U, DISK_PROTECT), PROTECTOR_UNKNOWN);
        assert_int_equal(protect(*state, &wish, DISK_PROTECT, &fault), PROTECTOR_UNKNOWN);
        assert_says(&fault, "systemd-creds", "the service has a cold");

        store = load(*state);
        assert_int_equal(protector_of(store), PROTECTOR_SYSTEMD_CREDS);
        assert_int_equal(choose(*state, ONLY(PROTECTOR_KEYFILE), DISK_PROTECT), PROTECTOR_KEYFILE);
}

/* Whether it can be read at all decides whether it is tried again; the way out is named in either case. */
static void test_sealed_key_is_not_had(void **state) {
        static const struct {
                int r;
                bool unreadable;
        } cases[] = {{-EBADMSG, true},     {-ENOKEY, true},     {-EKEYREJECTED, true}, {-ENOENT, false},
                     {-ECONNRESET, false}, {-ETIMEDOUT, false}, {-EIO, false}};

        assert_int_equal(choose(*state, ~0U, DISK_SAVE), PROTECTOR_SYSTEMD_CREDS);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(fault_deinit) struct fault fault = {};
                struct home *home = *state;
                struct disk_look look = {};

                opening_result = cases[i].r;
                assert_int_equal(disk_load(&look, &home->paths, &fault), AGENT_ERROR_STORAGE_FAILED);
                assert_says(&fault, home->store, "run 'globus-agentctl logout --all'");
                if (cases[i].r != -EBADMSG)
                        assert_says(&fault, "systemd-creds", "the service has a cold");
                assert_int_equal(look.unreadable, cases[i].unreadable);
                assert_int_equal(look.is_stuck, !cases[i].unreadable);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_it_is_chosen, set_up, teardown_home),
                cmocka_unit_test_setup_teardown(test_without_it_a_key_file, set_up, teardown_home),
                cmocka_unit_test_setup_teardown(test_why_it_was_not_chosen_is_told, set_up, teardown_home),
                cmocka_unit_test_setup_teardown(test_older_systemd_is_no_news, set_up, teardown_home),
                cmocka_unit_test_setup_teardown(test_policy_permits_nothing_that_can_be_had, set_up,
                                                teardown_home),
                cmocka_unit_test_setup_teardown(test_auto_does_not_lower, set_up, teardown_home),
                cmocka_unit_test_setup_teardown(test_sealed_key_is_not_had, set_up, teardown_home),
        };

        return cmocka_run_group_tests_name("disk-creds", tests, NULL, NULL);
}
