/* The service of systemd's, played by a thread: what it is told, what of its answers is taken, and how long. */

#include "tests/unit/unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/base/base64.h"
#include "daemon/base/credentials.h"
#include "proto/client.h"

#define NAME "globus-agent-key"
#define HOST "\x55\xb9\xed\x1d\x38\x59\x4d\x43\xa8\x31\x9d\x2e\xbb\x33\x2a\xc6"
#define TPM "\xef\x4a\xc1\x36\x79\xa9\x48\x0e\xa7\xdb\x68\x89\x7f\x9f\x16\x5d"
#define TPM_SIGNED "\xad\xbc\x4c\xa3\xef\xb6\x42\x01\xba\x88\x1b\x6f\x2e\x40\x95\xea"
#define TPM_PINNED "\x2a\x1f\x87\x7a\x42\x75\x43\x1a\xb3\xf9\xed\x1f\x5d\x8f\x66\x01"
#define NULL_KEY "\x05\x84\x69\xda\xf6\xf5\x43\x24\x80\x05\x49\xda\x0f\x8e\xa2\xfb"
#define OF_THE_SYSTEM "\x5a\x1c\x6a\x86\xdf\x9d\x40\x96\xb1\xd5\xa6\x5e\x08\x62\xf1\x9a"
#define SILENCE "..."

static char directory[64], path[96];
static int listener;
static uid_t uid_offset; /* to be somebody else's service */

int getsockopt(int fd, int level, int name, void *value, socklen_t *size) {
        int r = (int)syscall(SYS_getsockopt, fd, level, name, value, size);

        if (r == 0 && name == SO_PEERCRED)
                ((struct ucred *)value)->uid += uid_offset;
        return r;
}

/* Takes one connection and answers call after call, the last answer followed by the end; SILENCE waits for the
 * other side to end it. */
static struct service {
        pthread_t thread;
        const char *answers[3];
        char calls[3][4096];
} service;

static bool read_call(int fd, char *call) {
        for (size_t n = 0; n < sizeof(service.calls[0]); n++)
                if (read(fd, call + n, 1) != 1)
                        return false;
                else if (!call[n])
                        return true;

        return false;
}

static void *service_run(void *unused) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        char byte;

        for (size_t i = 0; service.answers[i] && read_call(fd, service.calls[i]); i++)
                if (strcmp(service.answers[i], SILENCE) == 0)
                        assert_int_equal(read(fd, &byte, 1), 0);
                else
                        (void)!write(fd, service.answers[i], strlen(service.answers[i]) + 1);

        close(fd);
        return NULL;
}

static void service_start(const char *first, const char *second) {
        memset(&service, 0, sizeof(service));
        service.answers[0] = first;
        service.answers[1] = second;
        assert_int_equal(pthread_create(&service.thread, NULL, service_run, NULL), 0);
}

static int setup(void **state) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        strcpy(directory, "/tmp/test-credentials-XXXXXX");
        if (!mkdtemp(directory))
                return -1;

        snprintf(path, sizeof(path), "%s/socket", directory);
        strcpy(address.sun_path, path);
        uid_offset = 0;
        listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        return bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ? -1 : listen(listener, 1);
}

static int teardown(void **state) {
        close(listener);
        unlink(path);
        return rmdir(directory);
}

static const struct credentials_service *here(uint64_t timeout_usec) {
        static struct credentials_service found;

        found = (struct credentials_service){path, timeout_usec};
        return &found;
}

/* {"parameters":{MEMBER: bytes}} */
static const char *reply_of(const char *member, const char *bytes, size_t n) {
        _cleanup_(buffer_deinit) struct buffer text = {};
        static char reply[512];

        assert_int_equal(base64_encode(&text, (struct bytes){bytes, n}), 0);
        snprintf(reply, sizeof(reply), "{\"parameters\":{\"%s\":\"%.*s\"}}", member, (int)buffer_size(&text),
                 buffer_bytes(&text));
        return reply;
}

#define BLOB(id) reply_of("blob", id "sealed", sizeof(id "sealed") - 1)

/* Both say what went wrong in the words of one line. */
static void assert_fault(const struct fault *fault, int r, const char *part) {
        assert_int_equal(fault->r, r);
        if (!strstr(fault_message(fault), part))
                fail_msg("\"%s\" does not say \"%s\"", fault_message(fault), part);
}

static int encrypt_within(struct buffer *out, uint64_t timeout_usec, struct fault *fault) {
        _cleanup_(secret_freep) struct secret *data = NULL;

        assert_int_equal(secret_new(&data, "\0secret?>", 9), 0);
        return credentials_encrypt(out, here(timeout_usec), NAME, data, fault);
}

static void assert_encrypts(const char *first, const char *second, const char *id) {
        _cleanup_(buffer_deinit) struct buffer out = {};
        _cleanup_(fault_deinit) struct fault fault = {};

        assert_int_equal(buffer_append(&out, "before", 6), 0);
        service_start(first, second);
        assert_int_equal(encrypt_within(&out, 30 * USEC_PER_SEC, &fault), 0);
        pthread_join(service.thread, NULL);
        assert_int_equal(fault.r, 0);
        assert_int_equal(buffer_size(&out), 6 + 16 + 6);
        assert_memory_equal(buffer_bytes(&out), "before", 6);
        assert_memory_equal(buffer_bytes(&out) + 6, id, 16);
        assert_memory_equal(buffer_bytes(&out) + 22, "sealed", 6);
}

static void refuse_to_encrypt(const char *first, const char *second, int r, const char *part) {
        _cleanup_(buffer_deinit) struct buffer out = {};
        _cleanup_(fault_deinit) struct fault fault = {};

        service_start(first, second);
        assert_int_equal(encrypt_within(&out, 30 * USEC_PER_SEC, &fault), r);
        pthread_join(service.thread, NULL);
        assert_int_equal(buffer_size(&out), 0);
        assert_fault(&fault, r, part);
}

static int decrypt_within(struct secret **ret, const char *id, uint64_t timeout_usec, struct fault *fault) {
        char blob[32];

        memcpy(blob, id, 16);
        memcpy(blob + 16, "sealed", 6);
        return credentials_decrypt(ret, here(timeout_usec), NAME, (struct bytes){blob, 22}, fault);
}

static void assert_not_decrypted(const char *answer, int r, const char *part) {
        _cleanup_(fault_deinit) struct fault fault = {};
        struct secret *none = NULL;

        service_start(answer, NULL);
        assert_int_equal(decrypt_within(&none, HOST, 30 * USEC_PER_SEC, &fault), r);
        pthread_join(service.thread, NULL);
        assert_null(none);
        assert_fault(&fault, r, part);
}

static void test_encrypt(void **state) {
        assert_encrypts(BLOB(HOST), NULL, HOST);
        assert_string_equal(service.calls[0],
                            "{\"method\":\"io.systemd.Credentials.Encrypt\",\"parameters\":{\"name\":\"" NAME
                            "\",\"data\":\"AHNlY3JldD8+\",\"scope\":\"user\"}}");
}

static void test_decrypt(void **state) {
        static const char *const ids[] = {HOST, TPM, TPM_SIGNED, TPM_PINNED};

        for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
                _cleanup_(secret_freep) struct secret *data = NULL;
                _cleanup_(fault_deinit) struct fault fault = {};

                service_start(reply_of("data", "\0secret?>", 9), NULL);
                assert_int_equal(decrypt_within(&data, ids[i], 30 * USEC_PER_SEC, &fault), 0);
                pthread_join(service.thread, NULL);
                assert_int_equal(secret_size(data), 9);
                assert_memory_equal(secret_bytes(data), "\0secret?>", 9);
        }

        assert_string_equal(service.calls[0],
                            "{\"method\":\"io.systemd.Credentials.Decrypt\",\"parameters\":{\"name\":\"" NAME
                            "\",\"blob\":\"Kh+HekJ1Qxqz+e0fXY9mAXNlYWxlZA==\",\"scope\":\"user\"}}");
}

static void test_key_in_words(void **state) {
        static const char host[] = "the host key of this machine",
                          both[] = "the TPM and the host key of this machine";

        assert_string_equal(credentials_key((struct bytes){HOST, 16}), host);
        assert_string_equal(credentials_key((struct bytes){TPM "more", 20}), both);
        assert_string_equal(credentials_key((struct bytes){TPM_SIGNED, 16}), both);
        assert_string_equal(credentials_key((struct bytes){TPM_PINNED, 16}), both);
        assert_null(credentials_key((struct bytes){HOST, 15}));
        assert_null(credentials_key((struct bytes){NULL, 0}));
        assert_null(credentials_key((struct bytes){NULL_KEY, 16}));
        assert_null(credentials_key((struct bytes){OF_THE_SYSTEM, 16}));
}

static void test_tpm_counts_from_258_on(void **state) {
        static const char *const lasting[] = {"258 (258-1)", "258~rc1", "260.1", "1000"};
        static const char *const before[] = {"257.13 (257.13-1~deb13u1)", "256", "", "v259", "-1"};
        char info[128];

        for (size_t i = 0; i < ARRAY_SIZE(lasting); i++) {
                snprintf(info, sizeof(info), "{\"parameters\":{\"version\":\"%s\"}}", lasting[i]);
                assert_encrypts(BLOB(TPM), info, TPM);
        }
        assert_string_equal(service.calls[1], "{\"method\":\"org.varlink.service.GetInfo\",\"parameters\":{}}");

        for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
                snprintf(info, sizeof(info), "{\"parameters\":{\"version\":\"%s\"}}", before[i]);
                refuse_to_encrypt(BLOB(TPM_SIGNED), info, -EKEYREJECTED, "before systemd 258");
        }
        refuse_to_encrypt(BLOB(TPM), "{}", -EKEYREJECTED, "before systemd 258");
        refuse_to_encrypt(BLOB(TPM), NULL, -ECONNRESET, "went away");
        refuse_to_encrypt(BLOB(TPM), "{\"error\":\"org.varlink.service.MethodNotFound\"}", -EIO,
                          "refuses: org.varlink.service.MethodNotFound");
}

static void test_keys_that_protect_nothing(void **state) {
        static const char *const ids[] = {NULL_KEY, OF_THE_SYSTEM, "sixteen unknown."};

        refuse_to_encrypt(BLOB(NULL_KEY), NULL, -EKEYREJECTED, "the null key");
        refuse_to_encrypt(BLOB(OF_THE_SYSTEM), NULL, -EKEYREJECTED, "does not know");
        refuse_to_encrypt(BLOB("sixteen unknown."), NULL, -EKEYREJECTED, "does not know");
        refuse_to_encrypt(reply_of("blob", HOST, 15), NULL, -EKEYREJECTED, "does not know");
        refuse_to_encrypt(reply_of("blob", "", 0), NULL, -EKEYREJECTED, "does not know");

        /* the service is not even asked: nobody takes the connection */
        for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
                _cleanup_(fault_deinit) struct fault fault = {};
                struct secret *none = NULL;

                assert_int_equal(decrypt_within(&none, ids[i], 30 * USEC_PER_SEC, &fault), -EKEYREJECTED);
                assert_fault(&fault, -EKEYREJECTED, i == 0 ? "the null key" : "does not know");
                assert_null(none);
        }
}

static void test_what_is_not_ours(void **state) {
        static const char *const errors[] = {"BadFormat", "NameMismatch", "BadScope", "NoSuchUser",
                                             "KeyBelongsToOtherTPM"};
        char reply[128];

        for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
                snprintf(reply, sizeof(reply), "{\"error\":\"io.systemd.Credentials.%s\",\"parameters\":{}}",
                         errors[i]);
                assert_not_decrypted(reply, -EBADMSG, "not encrypted on this machine for this user");
                refuse_to_encrypt(reply, NULL, -EIO, errors[i]);
        }

        assert_not_decrypted("{\"error\":\"io.systemd.System\",\"parameters\":{\"errno\":95}}", -EBADMSG,
                             "damaged");
        assert_not_decrypted("{\"error\":\"io.systemd.System\",\"parameters\":{\"errno\":2}}", -ENOKEY,
                             "has lost the key");
}

static void test_refusals(void **state) {
        assert_not_decrypted("{\"error\":\"io.systemd.Credentials.TPMInDictionaryLockout\"}", -EIO,
                             "refuses: io.systemd.Credentials.TPMInDictionaryLockout");
        assert_not_decrypted("{\"error\":\"org.example.BadFormat\"}", -EIO, "org.example.BadFormat");
        assert_not_decrypted("{\"error\":\"org.example.System\",\"parameters\":{\"errno\":2}}", -EIO,
                             "org.example.System");
        assert_not_decrypted("{\"error\":\"io.systemd.System\",\"parameters\":{\"errno\":12}}", -EIO,
                             "refuses: Cannot allocate memory");
        assert_not_decrypted("{\"error\":\"io.systemd.System\"}", -EIO, "refuses: io.systemd.System");
        assert_not_decrypted("{\"error\":\"io.systemd.System\",\"parameters\":{\"errno\":-2}}", -EIO,
                             "refuses: io.systemd.System");
        refuse_to_encrypt("{\"error\":\"io.systemd.System\",\"parameters\":{\"errno\":131}}", NULL, -EIO,
                          "no disk to keep a key on");
        refuse_to_encrypt("{\"error\":\"io.systemd.System\",\"parameters\":{\"errno\":2}}", NULL, -EIO,
                          "refuses: No such file");
}

static void test_answers_that_are_none(void **state) {
        static const char *const bad[] = {"nonsense",
                                          "[]",
                                          "{}",
                                          "{\"continues\":true,\"parameters\":{\"blob\":\"\"}}",
                                          "{\"parameters\":{\"blob\":12,\"data\":12}}",
                                          "{\"parameters\":{\"blob\":\"%%%\",\"data\":\"%%%\"}}",
                                          "{\"parameters\":{\"blob\":\"Zm9\",\"data\":\"Zm9\"}}"};

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                refuse_to_encrypt(bad[i], NULL, -EPROTO, "cannot be understood");
                assert_not_decrypted(bad[i], -EPROTO, "cannot be understood");
        }
}

/* Well-formed, but for its length. */
static void test_huge_answer(void **state) {
        static const char format[] = "{\"parameters\":{\"%s\":\"%0*d\"}}";
        _cleanup_(freep) char *blob = NULL, *data = NULL;

        assert_true(asprintf(&blob, format, "blob", 1024 * 1024, 0) > 0);
        assert_true(asprintf(&data, format, "data", 1024 * 1024, 0) > 0);
        refuse_to_encrypt(blob, NULL, -EPROTO, "cannot be understood");
        assert_not_decrypted(data, -EPROTO, "cannot be understood");
}

static void test_service_that_goes_away(void **state) {
        refuse_to_encrypt(NULL, NULL, -ECONNRESET, "went away before it answered");
        assert_not_decrypted(NULL, -ECONNRESET, "went away before it answered");
}

/* The deadline is one for all that is asked. */
static void test_silence(void **state) {
        const char *const answers[][2] = {{SILENCE, NULL}, {BLOB(TPM), SILENCE}};

        for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
                _cleanup_(buffer_deinit) struct buffer out = {};
                _cleanup_(fault_deinit) struct fault fault = {};
                uint64_t begin_usec = client_now_usec();

                service_start(answers[i][0], answers[i][1]);
                assert_int_equal(encrypt_within(&out, 50 * USEC_PER_MSEC, &fault), -ETIMEDOUT);
                assert_in_range(client_now_usec() - begin_usec, 50 * USEC_PER_MSEC, 10 * USEC_PER_SEC);
                pthread_join(service.thread, NULL);
                assert_fault(&fault, -ETIMEDOUT, "does not answer");
                assert_int_equal(buffer_size(&out), 0);
        }
}

static void assert_not_asked(int r, const char *part) {
        _cleanup_(buffer_deinit) struct buffer out = {};
        _cleanup_(fault_deinit) struct fault fault = {}, other_fault = {};
        struct secret *none = NULL;

        assert_int_equal(encrypt_within(&out, 30 * USEC_PER_SEC, &fault), r);
        assert_fault(&fault, r, part);
        assert_int_equal(decrypt_within(&none, HOST, 30 * USEC_PER_SEC, &other_fault), r);
        assert_fault(&other_fault, r, part);
}

static void test_nobody_there(void **state) {
        close(listener);
        assert_not_asked(-ECONNREFUSED, "is not there");
        unlink(path);
        assert_not_asked(-ENOENT, "systemd 256 and later");
        listener = -1;
}

static void test_service_of_somebody_else(void **state) {
        char byte;
        int fd;

        uid_offset = 12345;
        assert_not_asked(-EPERM, "nothing was sent");

        /* and it was told nothing */
        fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        assert_int_equal(read(fd, &byte, 1), 0);
        close(fd);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_encrypt),
                TEST(test_decrypt),
                TEST(test_key_in_words),
                TEST(test_tpm_counts_from_258_on),
                TEST(test_keys_that_protect_nothing),
                TEST(test_what_is_not_ours),
                TEST(test_refusals),
                TEST(test_answers_that_are_none),
                TEST(test_huge_answer),
                TEST(test_service_that_goes_away),
                TEST(test_silence),
                TEST(test_nobody_there),
                TEST(test_service_of_somebody_else),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
