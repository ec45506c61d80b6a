/*
 * keeper FILE: a service that has its manager keep one secret, its own process id, as text.
 *
 * At each start it adds a line to FILE: what came back, or "nothing". On SIGUSR1 it forgets.
 */

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/base/fd-store.h"
#include "daemon/base/service.h"

static struct fd_store *store;

static int on_forget(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        fd_store_forget(store, "pid");
        service_notify_ready("forgotten");
        return 0;
}

static int on_end(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        return sd_event_exit(userdata, 0);
}

static int keep(const char *path) {
        _cleanup_(secret_freep) struct secret *secret = NULL;
        FILE *file = fopen(path, "ae");
        char text[16];

        if (!file || (fd_store_get(store, "pid", &secret) == 0) == !secret)
                return -1;

        fprintf(file, "%s\n", secret ? secret_string(secret) : "nothing");
        fclose(file);
        snprintf(text, sizeof(text), "%d", getpid());
        return fd_store_put(store, "pid", (struct bytes){text, strlen(text)});
}

int main(int argc, char **argv) {
        sd_event *event;
        sigset_t signals;

        sigemptyset(&signals);
        sigaddset(&signals, SIGTERM);
        sigaddset(&signals, SIGUSR1);
        sigprocmask(SIG_BLOCK, &signals, NULL);

        if (argc != 2 || sd_event_new(&event) < 0 || fd_store_new(&store, event))
                return EXIT_FAILURE;

        (void)service_take_passed(store);
        if (keep(argv[1]) || sd_event_add_signal(event, NULL, SIGTERM, on_end, event) < 0 ||
            sd_event_add_signal(event, NULL, SIGUSR1, on_forget, NULL) < 0)
                return EXIT_FAILURE;

        service_notify_ready("kept");
        return sd_event_loop(event) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
