#include "daemon/agent.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "daemon/agent-private.h"
#include "daemon/base/clock.h"
#include "daemon/base/harden.h"
#include "daemon/base/service.h"
#include "daemon/flow/retain.h"
#include "daemon/rpc/listener.h"
#include "proto/log.h"

static void agent_take_settings(struct agent *agent) {
        agent->context.config = agent->settings.config;
        agent->wish = settings_of_disk(agent->settings.config);
}

static int agent_on_hangup(sd_event_source *source, const struct signalfd_siginfo *signal, void *userdata) {
        struct agent *agent = userdata;

        settings_reload(&agent->settings, agent->http);
        agent_take_settings(agent);
        agent_retain(agent);
        return 0;
}

static void agent_on_ready(struct waiter *waiter, const struct fault *fault) {
        struct agent *agent = CONTAINER(waiter, struct agent, ready);

        if (fault)
                return;

        log_info("Serving on %s", agent->socket);
        service_notify_ready(open_trouble(agent->open) ? "Serving from memory only" : "Serving");
        if (agent->ready_fd >= 0 && write(agent->ready_fd, "", 1) < 0)
                log_debug("Nobody waits to hear that the agent is ready");
        if (agent->ready_fd >= 0)
                close(agent->ready_fd);
        agent->ready_fd = -1;
}

static int agent_add_signals(struct agent *agent) {
        sigset_t signals;
        int r;

        sigemptyset(&signals);
        sigaddset(&signals, SIGTERM);
        sigaddset(&signals, SIGINT);
        sigaddset(&signals, SIGHUP);
        if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
                return -errno;

        r = sd_event_add_signal(agent->event, NULL, SIGHUP, agent_on_hangup, agent);
        if (r < 0)
                return r;

        return stop_new(&agent->stop, &(struct stop_deps){
                                              .event = agent->event,
                                              .is_busy = agent_is_busy,
                                              .is_vital = agent_is_vital,
                                              .begun = agent_on_stop,
                                              .ended = agent_on_end,
                                              .userdata = agent,
                                      });
}

/* What is below the flows. The threads of the worker start with the signals blocked. */
static int agent_add_base(struct agent *agent) {
        struct http_settings settings = settings_of_http(agent->settings.config);
        int r;

        r = agent_add_signals(agent);
        if (!r)
                r = worker_new(&agent->worker, agent->event);
        if (!r)
                r = vault_new(&agent->vault);
        if (!r)
                retain_restore(agent->fd_store, agent->vault, config_keep_unlocked(agent->settings.config));
        if (!r)
                r = http_new(&agent->http, agent->event, agent->worker, &settings);

        return r;
}

static int agent_add_disk(struct agent *agent) {
        int r;

        r = save_new(&agent->save, &(struct save_deps){
                                           .event = agent->event,
                                           .vault = agent->vault,
                                           .worker = agent->worker,
                                           .paths = &agent->disk_paths,
                                           .wish = &agent->wish,
                                           .saved = agent_on_saved,
                                           .lost = agent_on_lost,
                                           .keep_image = agent_on_image,
                                           .userdata = agent,
                                   });
        if (!r)
                r = claims_new(&agent->claims, &(struct claims_deps){
                                                       .event = agent->event,
                                                       .vault = agent->vault,
                                                       .worker = agent->worker,
                                                       .paths = &agent->disk_paths,
                                               });
        if (!r)
                r = follow_new(&agent->follow, &(struct follow_deps){
                                                       .event = agent->event,
                                                       .vault = agent->vault,
                                                       .worker = agent->worker,
                                                       .save = agent->save,
                                                       .paths = &agent->disk_paths,
                                                       .followed = agent_on_followed,
                                                       .is_busy = agent_is_busy,
                                                       .locked = agent_on_locked_out,
                                                       .userdata = agent,
                                               });

        return r;
}

static int agent_add_refreshing(struct agent *agent) {
        int r;

        r = revoker_new(&agent->revoker, agent->event, agent->http);
        if (!r)
                r = refresh_new(&agent->refresh, &(struct refresh_deps){
                                                         .vault = agent->vault,
                                                         .http = agent->http,
                                                         .save = agent->save,
                                                         .claims = agent->claims,
                                                         .follow = agent->follow,
                                                         .revoker = agent->revoker,
                                                         .changed = agent_on_refreshed,
                                                         .userdata = agent,
                                                 });
        if (!r)
                r = schedule_new(&agent->schedule, agent->event, agent->vault, agent->refresh);

        agent->context.provide = (struct provide){
                .event = agent->event,
                .vault = agent->vault,
                .refresh = agent->refresh,
        };
        return r;
}

static int agent_add_logins(struct agent *agent) {
        int r;

        r = logins_new(&agent->logins, agent->event,
                       &(struct login_deps){
                               .vault = agent->vault,
                               .http = agent->http,
                               .save = agent->save,
                               .revoker = agent->revoker,
                               .changed = agent_on_login,
                               .userdata = agent,
                       });
        if (!r)
                r = membership_new(&agent->membership, &(struct membership_deps){
                                                               .event = agent->event,
                                                               .provide = &agent->context.provide,
                                                               .http = agent->http,
                                                       });
        return r;
}

/* What lets the store in, and shuts it out again. */
static int agent_add_opening(struct agent *agent) {
        int r;

        r = open_new(&agent->open, &(struct open_deps){
                                           .event = agent->event,
                                           .vault = agent->vault,
                                           .worker = agent->worker,
                                           .paths = &agent->disk_paths,
                                           .opened = agent_on_opened,
                                           .locked = agent_on_passphrase_needed,
                                           .userdata = agent,
                                   });
        if (!r)
                r = lock_new(&agent->lock, &(struct lock_deps){
                                                   .event = agent->event,
                                                   .vault = agent->vault,
                                                   .worker = agent->worker,
                                                   .save = agent->save,
                                                   .open = agent->open,
                                                   .is_busy = agent_is_busy,
                                                   .closed = agent_on_gate_closed,
                                                   .cancel = agent_on_cancel,
                                                   .reopened = agent_on_gate_reopened,
                                                   .wiped = agent_on_wiped,
                                                   .userdata = agent,
                                           });

        if (!r)
                r = aside_new(&agent->aside, &(struct aside_deps){
                                                     .vault = agent->vault,
                                                     .worker = agent->worker,
                                                     .open = agent->open,
                                                     .paths = &agent->disk_paths,
                                             });

        return r;
}

static int agent_add_door(struct agent *agent, int fd) {
        struct context *context = &agent->context;
        uint64_t limit = harden_descriptor_limit();
        int r;

        agent_take_settings(agent);
        context->reload_trouble = &agent->settings.trouble;
        context->vault = agent->vault;
        context->save = agent->save;
        context->open = agent->open;
        context->lock = agent->lock;
        context->aside = agent->aside;
        context->wish = &agent->wish;
        context->follow = agent->follow;
        context->http = agent->http;
        context->revoker = agent->revoker;
        context->schedule = agent->schedule;
        context->logins = agent->logins;
        context->membership = agent->membership;
        context->paths = &agent->disk_paths;
        context->socket = agent->socket;
        context->started_at = clock_to_unix(clock_boottime_usec());

        r = listener_new(&agent->listener, agent->event, context, fd, limit);
        if (r)
                return r;

        context->listener = agent->listener;
        if (agent->own_socket)
                r = own_socket_watch(agent->own_socket, agent->event, agent_on_socket_lost, agent);
        if (!r)
                r = service_watch(agent->event);
        if (!r && !open_join(agent->open, &agent->ready, agent_on_ready))
                agent_on_ready(&agent->ready, NULL);

        return r < 0 ? r : 0;
}

/* *ret_fd listens. */
static int agent_open_socket(struct agent *agent, int *ret_fd, const char *path, struct fault *fault) {
        int r;

        r = sd_event_new(&agent->event);
        if (r >= 0)
                r = fd_store_new(&agent->fd_store, agent->event);
        if (r < 0)
                return fault_set(fault, r, NULL);

        return own_socket_open(&agent->own_socket, ret_fd, &agent->socket,
                               &(struct own_socket_options){.path = path, .store = agent->fd_store}, fault);
}

int agent_new(struct agent **ret, const struct agent_options *options, struct fault *fault) {
        _cleanup_(agent_freep) struct agent *agent = NULL;
        int fd = -1, r;

        agent = calloc(1, sizeof(*agent));
        if (!agent)
                return fault_set(fault, -ENOMEM, NULL);

        agent->ready_fd = options->ready_fd;
        waiter_init(&agent->ready);

        r = disk_paths_init(&agent->disk_paths);
        if (r)
                return fault_set(fault, r, "No home directory is known to keep the store in: set HOME");

        r = agent_open_socket(agent, &fd, options->socket, fault);
        if (r)
                return r;

        r = settings_init(&agent->settings, options->config_file);
        if (!r)
                r = agent_add_base(agent);
        if (!r)
                r = agent_add_disk(agent);
        if (!r)
                r = agent_add_refreshing(agent);
        if (!r)
                r = agent_add_logins(agent);
        if (!r)
                r = agent_add_opening(agent);
        if (r)
                close(fd);
        else
                r = agent_add_door(agent, fd);
        if (r)
                return fault_set(fault, r, "Cannot start: %s", error_sentence(r));

        *ret = TAKE(agent);
        return 0;
}

int agent_run(struct agent *agent) {
        return sd_event_loop(agent->event);
}

/* Whoever waits is answered first; what changed is handed to the worker before it ends. */
int agent_stop(struct agent *agent) {
        int r = 0;

        agent->listener = listener_free(agent->listener);
        agent->membership = membership_free(agent->membership);
        agent->logins = logins_free(agent->logins);
        agent->refresh = refresh_free(agent->refresh);
        agent->lock = lock_free(agent->lock);
        agent->aside = aside_free(agent->aside);
        agent->open = open_free(agent->open);
        agent->revoker = revoker_free(agent->revoker);
        agent->schedule = schedule_free(agent->schedule);
        agent->http = http_free(agent->http);
        agent->follow = follow_free(agent->follow);
        agent->save = save_free(agent->save);
        agent->claims = claims_free(agent->claims); /* what is saved last is written before they are let go */
        if (agent->worker)
                r = worker_stop(agent->worker, STOP_PATIENCE_USEC);
        agent->own_socket = own_socket_free(agent->own_socket);
        return r ?: agent->lost ? -EIO : 0;
}

struct agent *agent_free(struct agent *agent) {
        if (!agent)
                return NULL;

        (void)agent_stop(agent);
        worker_free(agent->worker);
        vault_free(agent->vault);
        stop_free(agent->stop);
        fd_store_free(agent->fd_store);
        sd_event_unref(agent->event);
        settings_deinit(&agent->settings);
        disk_paths_deinit(&agent->disk_paths);
        if (agent->ready_fd >= 0)
                close(agent->ready_fd);
        free(agent->socket);
        free(agent);
        return NULL;
}
