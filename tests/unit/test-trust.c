/* A bundle is read on the worker, once, and what is wrong with it is said with its name. */

#include "tests/unit/unit.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/remote/trust.h"
#include "tests/unit/certificate.h"
#include "tests/unit/fake-worker.h"

static char file[] = "/tmp/test-trust-XXXXXX";
static int ended;

static void on_ended(void *userdata) {
        assert_ptr_equal(userdata, &ended);
        ended++;
}

static int setup(void **state) {
        int fd;

        strcpy(file + strlen(file) - 6, "XXXXXX");
        fd = mkstemp(file);
        assert_true(fd >= 0);
        close(fd);
        return 0;
}

static int teardown(void **state) {
        (void)unlink(file);
        (void)rmdir(file);
        return 0;
}

static void write_file(const char *text, size_t times) {
        FILE *stream = fopen(file, "we");

        assert_non_null(stream);
        while (times-- > 0)
                fputs(text, stream);
        assert_int_equal(fclose(stream), 0);
}

static struct trust *load(void) {
        struct trust *trust;

        ended = 0;
        assert_int_equal(trust_new(&trust, NULL, file, on_ended, &ended), 0);
        assert_int_equal(trust_state(trust), TRUST_UNUSED);
        assert_int_equal(worker_jobs(), 0);
        trust_load(trust);
        assert_int_equal(trust_state(trust), TRUST_LOADING);
        assert_int_equal(ended, 0);
        worker_work();
        assert_int_equal(ended, 1);
        return trust;
}

static int certificates(const struct trust *trust) {
        STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(trust_store(trust));

        return sk_X509_OBJECT_num(objects);
}

static void test_bundle(void **state) {
        _cleanup_(trust_freep) struct trust *trust = NULL;

        write_file(certificate_pem, 1);
        trust = load();
        assert_int_equal(trust_state(trust), TRUST_LOADED);
        assert_string_equal(trust_file(trust), file);
        assert_int_equal(certificates(trust), 1);
}

static void test_same_certificate_twice_is_no_trouble(void **state) {
        _cleanup_(trust_freep) struct trust *trust = NULL;

        write_file(certificate_pem, 3);
        trust = load();
        assert_int_equal(certificates(trust), 1);
}

static void check_fails(const char *why) {
        _cleanup_(trust_freep) struct trust *trust = load();
        char sentence[256];

        snprintf(sentence, sizeof(sentence), "Cannot read the CA certificates in %s: %s", file, why);
        assert_int_equal(trust_state(trust), TRUST_FAILED);
        assert_int_equal(trust_fault(trust)->r, AGENT_ERROR_UNAVAILABLE);
        assert_string_equal(fault_message(trust_fault(trust)), sentence);
}

static void test_no_bundle(void **state) {
        check_fails("it is no bundle of certificates in PEM");
        write_file("<html>", 1000);
        check_fails("it is no bundle of certificates in PEM");
        write_file("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n", 1);
        check_fails("it is no bundle of certificates in PEM");
}

static void test_no_file(void **state) {
        assert_int_equal(unlink(file), 0);
        check_fails("No such file or directory");
        assert_int_equal(mkdir(file, 0700), 0);
        check_fails("Is a directory");
}

static void test_is_tried_again(void **state) {
        _cleanup_(trust_freep) struct trust *trust = load();

        assert_int_equal(trust_state(trust), TRUST_FAILED);
        write_file(certificate_pem, 1);
        trust_load(trust);
        assert_int_equal(trust_state(trust), TRUST_LOADING);
        worker_work();
        assert_int_equal(ended, 2);
        assert_int_equal(trust_state(trust), TRUST_LOADED);
}

static void test_freed_while_loading(void **state) {
        struct trust *trust;

        ended = 0;
        write_file(certificate_pem, 1);
        assert_int_equal(trust_new(&trust, NULL, file, on_ended, &ended), 0);
        trust_load(trust);
        assert_null(trust_free(trust));
        worker_work();
        assert_int_equal(ended, 0);
        assert_int_equal(worker_jobs(), 0);
        assert_null(trust_free(NULL));
}

/* As of a machine that has nothing but ca-certificates.crt. */
static void test_directory(void **state) {
        static const char *const no_hashes[] = {"ca-certificates.crt", "0123456.0", "01234567.1", "0123456g.0"};
        char directory[] = "/tmp/test-trust-XXXXXX", path[64];

        assert_non_null(mkdtemp(directory));
        assert_false(trust_directory_is_hashed(directory));
        for (size_t i = 0; i < ARRAY_SIZE(no_hashes); i++) {
                snprintf(path, sizeof(path), "%s/%s", directory, no_hashes[i]);
                fclose(fopen(path, "we"));
                assert_false(trust_directory_is_hashed(directory));
                unlink(path);
        }

        snprintf(path, sizeof(path), "%s/0a1b2c3d.0", directory);
        fclose(fopen(path, "we"));
        assert_true(trust_directory_is_hashed(directory));
        unlink(path);
        rmdir(directory);
        assert_false(trust_directory_is_hashed(directory));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_directory),
                cmocka_unit_test_setup_teardown(test_bundle, setup, teardown),
                cmocka_unit_test_setup_teardown(test_same_certificate_twice_is_no_trouble, setup, teardown),
                cmocka_unit_test_setup_teardown(test_no_bundle, setup, teardown),
                cmocka_unit_test_setup_teardown(test_no_file, setup, teardown),
                cmocka_unit_test_setup_teardown(test_is_tried_again, setup, teardown),
                cmocka_unit_test_setup_teardown(test_freed_while_loading, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
