#pragma once

/* A lock between a vault, a network and a disk that answer when told to. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/flow/lock.h"
#include "tests/unit/callers.h"
#include "tests/unit/cheap-scrypt.h"
#include "tests/unit/fake-alarm.h"
#include "tests/unit/fake-worker.h"
#include "tests/unit/logins.h"

/* The disk, and who reads it, as told. */

static struct list savers = LIST_INIT(savers), protectors = LIST_INIT(protectors);
static struct fault disk_trouble, read_trouble;
static int protect_result;
static char protected_with[32];
static unsigned n_drops, n_withdrawn, n_open_locks;

bool save_join(struct save *save, struct saving *saving, waiter_fn done) {
        waiter_join(&saving->waiter, &savers, done);
        return true;
}

const struct fault *save_trouble(const struct save *save) {
        return disk_trouble.r ? &disk_trouble : NULL;
}

int save_protect(struct save *save, struct protection_change *change, struct waiter *waiter, waiter_fn done,
                 struct fault *fault) {
        _cleanup_(secret_freep) struct secret *passphrase = TAKE(change->passphrase);

        assert_int_equal(change->action, DISK_LOCK);
        if (protect_result)
                return fault_set(fault, protect_result, "it is being changed already");

        strncpy(protected_with, secret_string(passphrase), sizeof(protected_with) - 1);
        waiter_join(waiter, &protectors, done);
        return 0;
}

bool save_is_protecting(const struct save *save) {
        return !list_is_empty(&protectors);
}

void save_cancel_protection(struct save *save) {
        n_withdrawn++;
}

void save_drop(struct save *save) {
        n_drops++;
}

const struct fault *open_trouble(const struct open *open) {
        return read_trouble.r ? &read_trouble : NULL;
}

bool open_is_unlocking(const struct open *open) {
        return false;
}

void open_lock(struct open *open) {
        n_open_locks++;
}

static sd_event *event;
static struct vault *vault;
static struct lock *lock;
static struct caller a, b;
static bool is_busy;
static char said[16]; /* who was told of it, in order */

static bool busy(void *userdata) {
        return is_busy;
}

static void closed(void *userdata) {
        assert_true(lock_is_closed(lock));
        strcat(said, "C");
}

static void cancel(void *userdata) {
        assert_true(lock_is_closed(lock));
        is_busy = false;
        if (!strchr(said, 'X')) /* it may be called twice */
                strcat(said, "X");
}

static void reopened(void *userdata) {
        assert_false(lock_is_closed(lock));
        strcat(said, "O");
}

static void wiped(void *userdata) {
        assert_true(list_is_empty(vault_accounts(vault)));
        strcat(said, "W");
}

static inline void protect_store(enum protector protector) {
        struct store *store;

        assert_int_equal(store_new(&store), 0);
        if (protector == PROTECTOR_PASSPHRASE)
                cheap_wrap(store, "right", cheap_cost);
        else
                assert_int_equal(protector_wrap(store, protector, NULL, 0), 0);
        assert_int_equal(vault_set_protection(vault, store), 0);
        store_free(store);
}

static int set_up(void **state) {
        assert_true(sd_event_new(&event) >= 0);
        assert_int_equal(vault_new(&vault), 0);
        vault_set_state(vault, VAULT_OPEN);
        assert_int_equal(log_in(vault, "default", "ada", GROUPS, "access"), 0);
        vault_changes_saved(vault, vault_changed(vault));
        protect_store(PROTECTOR_PLAINTEXT);
        assert_int_equal(lock_new(&lock,
                                  &(struct lock_deps){
                                          .event = event,
                                          .vault = vault,
                                          .is_busy = busy,
                                          .closed = closed,
                                          .cancel = cancel,
                                          .reopened = reopened,
                                          .wiped = wiped,
                                  }),
                         0);
        caller_init(&a);
        caller_init(&b);
        is_busy = false;
        said[0] = protected_with[0] = '\0';
        protect_result = 0;
        n_drops = n_withdrawn = n_open_locks = 0;
        return 0;
}

static int tear_down(void **state) {
        caller_deinit(&a);
        caller_deinit(&b);
        lock = lock_free(lock);
        vault = vault_free(vault);
        event = sd_event_unref(event);
        fault_deinit(&disk_trouble);
        fault_deinit(&read_trouble);
        while (worker_jobs() > 0)
                worker_work();
        assert_true(list_is_empty(&savers) && list_is_empty(&protectors));
        assert_int_equal(fake_alarm_in(), -1);
        return 0;
}

static int on_nothing(sd_event_source *source, void *userdata) {
        return 0;
}

/* Something happens in the loop. */
static void something_happens(void) {
        sd_event_source *source;

        assert_true(sd_event_add_defer(event, &source, on_nothing, NULL) >= 0);
        while (sd_event_run(event, 0) > 0)
                ;
        sd_event_source_unref(source);
}

static int try_lock(struct caller *caller, const char *password, bool force, struct fault *fault) {
        struct lock_request request = {.password = password ? make_secret(password) : NULL, .force = force};

        int r = lock_begin(lock, &request, &caller->waiter, caller_told, fault);
        assert_null(request.password);
        return r;
}

static inline void begin(struct caller *caller, const char *password, bool force) {
        _cleanup_(fault_deinit) struct fault fault = {};

        assert_int_equal(try_lock(caller, password, force, &fault), 0);
        assert_int_equal(caller->n_told, 0);
        assert_true(lock_is_closed(lock)); /* at once */
}

static inline void assert_refused(const char *password, bool force, int r, const char *words) {
        _cleanup_(fault_deinit) struct fault fault = {};
        bool was_closed = lock_is_closed(lock);

        assert_int_equal(try_lock(&b, password, force, &fault), r);
        assert_int_equal(b.n_told, 0);
        if (words && !strstr(fault_message(&fault), words))
                fail_msg("\"%s\" lacks \"%s\"", fault_message(&fault), words);
        assert_true(lock_is_closed(lock) == was_closed);
}

static inline void change(void) {
        assert_int_equal(log_in(vault, "default", "ada", TRANSFER, "access"), 0);
}

static inline void disk_in_trouble(void) {
        (void)fault_set(&disk_trouble, AGENT_ERROR_STORAGE_FAILED, "the disk is full");
}

/* Not before the worker has let go of what it had at hand. */
static inline void assert_locked(struct caller *caller, const char *order) {
        assert_int_equal(caller->n_told, 0);
        assert_int_equal(worker_jobs(), 1);
        worker_work();
        assert_told(caller, 0);
        assert_string_equal(said, order);
        assert_true(lock_is_closed(lock));
        assert_int_equal(vault_get_state(vault), VAULT_LOCKED);
        assert_int_equal(n_drops, 1);
        assert_int_equal(n_open_locks, 1);
}

static inline void assert_open_again(struct caller *caller, const char *order) {
        assert_told(caller, AGENT_ERROR_STORAGE_FAILED);
        assert_string_equal(said, order);
        assert_false(lock_is_closed(lock));
        assert_non_null(get_grant(vault, "default", GROUPS));
        assert_int_equal(n_drops, 0);
        assert_int_equal(fake_alarm_in(), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
