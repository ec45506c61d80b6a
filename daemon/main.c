/* globus-agent: the daemon. Gives up what it does not need, reads its options, serves. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/agent.h"
#include "daemon/base/harden.h"
#include "proto/log.h"

static const char usage[] =
        "Usage: globus-agent [OPTION]...\n"
        "The token agent of one user: holds Globus logins, keeps them fresh, and hands out access tokens.\n"
        "Usually started by globus-agent.socket or by globus-agentctl, not by hand.\n"
        "\n"
        "  --socket PATH     listen there; its directory must be yours, with mode 0700\n"
        "  --config FILE     in place of the user's configuration file\n"
        "  --ready-fd N      write one byte to this descriptor once the agent serves\n"
        "  --debug           log more: what writers of programs that call the agent want to know\n"
        "  -h, --help        say this\n"
        "  --version         say which version this is\n";

enum { OPTION_SOCKET = 256, OPTION_CONFIG, OPTION_READY_FD, OPTION_DEBUG, OPTION_VERSION };

static const struct option long_options[] = {
        {"socket", required_argument, NULL, OPTION_SOCKET},
        {"config", required_argument, NULL, OPTION_CONFIG},
        {"ready-fd", required_argument, NULL, OPTION_READY_FD},
        {"debug", no_argument, NULL, OPTION_DEBUG},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, OPTION_VERSION},
        {},
};

static int parse_descriptor(int *ret, const char *text) {
        char *end;
        long fd;

        errno = 0;
        fd = strtol(text, &end, 10);
        if (errno || end == text || *end || fd < 3 || fd > INT32_MAX ||
            fcntl((int)fd, F_SETFD, FD_CLOEXEC) < 0) {
                fprintf(stderr, "globus-agent: --ready-fd takes the number of an open descriptor from 3 on\n");
                return -EINVAL;
        }

        *ret = (int)fd;
        return 0;
}

/* 0: go on. 1: all is said. -EINVAL: so is what is wrong. */
static int parse_options(struct agent_options *options, int argc, char **argv) {
        int c;

        while ((c = getopt_long(argc, argv, "h", long_options, NULL)) >= 0) {
                switch (c) {
                case OPTION_SOCKET:
                        options->socket = optarg;
                        break;
                case OPTION_CONFIG:
                        options->config_file = optarg;
                        break;
                case OPTION_READY_FD:
                        if (parse_descriptor(&options->ready_fd, optarg))
                                return -EINVAL;
                        break;
                case OPTION_DEBUG:
                        log_set_level(LOG_LEVEL_DEBUG);
                        break;
                case OPTION_VERSION:
                        puts("globus-agent " PROJECT_VERSION);
                        return 1;
                case 'h':
                        fputs(usage, stdout);
                        return 1;
                default:
                        return -EINVAL;
                }
        }

        if (optind == argc)
                return 0;

        fprintf(stderr, "globus-agent: takes no arguments, but got '%s'; see globus-agent --help\n",
                argv[optind]);
        return -EINVAL;
}

static int serve(const struct agent_options *options) {
        _cleanup_(fault_deinit) struct fault fault = {};
        _cleanup_(agent_freep) struct agent *agent = NULL;
        int r, stopped;

        r = agent_new(&agent, options, &fault);
        if (r) {
                log_error("globus-agent: %s", fault_message(&fault));
                return EXIT_FAILURE;
        }

        r = agent_run(agent);
        if (r < 0)
                log_error("The event loop failed: %s", error_sentence(r));

        stopped = agent_stop(agent);
        if (stopped == -ETIMEDOUT) {
                log_error("Leaving although the disk has not taken everything: it hangs");
                _exit(EXIT_FAILURE); /* a thread is stuck in it */
        }

        return r < 0 || stopped ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv) {
        struct agent_options options = {.ready_fd = -1};
        int r;

        if (harden_environment()) {
                fprintf(stderr, "globus-agent: %s\n", error_sentence(-ENOMEM));
                return EXIT_FAILURE;
        }

        r = parse_options(&options, argc, argv);
        if (r)
                return r < 0 ? EXIT_STATUS_USAGE : EXIT_SUCCESS;

        harden_process();
        return serve(&options);
}
