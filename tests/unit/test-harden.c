/* What is left of the environment, and what the process can no longer do. */

#include "tests/unit/unit.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/harden.h"
#include "proto/macro.h"

static bool in_environment(const char *variable) {
        for (char **p = environ; *p; p++)
                if (streq(*p, variable))
                        return true;

        return false;
}

static char *given[] = {
        "HOME=/home/me",
        "SSLKEYLOGFILE=/tmp/keys",
        "MALLOC_TRACE=/tmp/trace",
        "LC_ALL=C",
        "LC_=",
        "LD_PRELOAD=",
        "HTTPS_PROXY=p",
        "https_proxy=q",
        "HTTP_PROXY=x",
        "OPENSSL_CONF=x",
        "LANGUAGE=x",
        "HOMEX=x",
        "HOM=x",
        "GLIBC_TUNABLES=t",
        "BEARER_TOKEN=secret",
        "=x",
        "TZ",
        "GLOBUS_SDK_VERIFY_SSL=1",
        "GLOBUS_SDK_ENVIRONMENT=x",
        "NOTIFY_SOCKET=@n",
        NULL,
};

static const char *const kept[] = {"HOME=/home/me",
                                   "LC_ALL=C",
                                   "LC_=",
                                   "HTTPS_PROXY=p",
                                   "https_proxy=q",
                                   "GLIBC_TUNABLES=t",
                                   "NOTIFY_SOCKET=@n",
                                   "GLOBUS_SDK_VERIFY_SSL=1"};

static void test_environment(void **state) {
        char **before = environ;
        size_t n = 0;

        environ = given;
        assert_int_equal(harden_environment(), 0);

        for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
                assert_true(in_environment(kept[i]));
        while (environ[n])
                n++;
        assert_int_equal(n, ARRAY_SIZE(kept));
        assert_string_equal(getenv("HOME"), "/home/me");

        free(environ);
        environ = before;
}

static void test_empty_environment(void **state) {
        char **before = environ;

        environ = NULL;
        assert_int_equal(harden_environment(), 0);
        assert_null(*environ);

        free(environ);
        environ = before;
}

/* 0, or the number of the first thing that is not as it should be. */
static int check_process(void) {
        struct rlimit core;
        struct sigaction pipe_action;

        harden_process();

        if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
                return 1;
        if (getrlimit(RLIMIT_CORE, &core) < 0 || core.rlim_cur != 0 || core.rlim_max != 0)
                return 2;
        if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
                return 3;
        if (umask(0) != 077)
                return 4;
        if (sigaction(SIGPIPE, NULL, &pipe_action) < 0 || pipe_action.sa_handler != SIG_IGN)
                return 5;
        return 0;
}

static void test_process(void **state) {
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0)
                _exit(check_process());

        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_descriptor_limit(void **state) {
        struct rlimit limit;

        assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
        limit.rlim_cur = limit.rlim_max / 2;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);

        assert_int_equal(harden_descriptor_limit(), limit.rlim_max);
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
        assert_int_equal(limit.rlim_cur, limit.rlim_max);
        assert_int_equal(harden_descriptor_limit(), limit.rlim_max); /* again is nothing */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_environment),
                cmocka_unit_test(test_empty_environment),
                cmocka_unit_test(test_process),
                cmocka_unit_test(test_descriptor_limit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
