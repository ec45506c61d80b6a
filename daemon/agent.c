#include "daemon/agent.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/harden.h"
#include "daemon/base/service.h"
#include "daemon/flow/alarm.h"
#include "daemon/rpc/context.h"
#include "daemon/rpc/listener.h"
#include "daemon/socket.h"
#include "proto/log.h"

/* How long what is on its way to Globus may keep the end waiting: a rotated refresh token must reach the disk,
 * and a logout that was begun be carried out. */
#define STOP_PATIENCE_USEC (5 * USEC_PER_SEC)

struct agent {
        sd_event *event;
        struct config_paths config_paths;
        struct config *config;
        struct fault reload_trouble;
        struct disk_paths disk_paths;
        struct own_socket *own_socket;
        char *socket;
        int ready_fd;

        struct worker *worker;
        struct vault *vault;
        struct http *http;
        struct save *save;
        struct revoker *revoker;
        struct refresh *refresh;
        struct schedule *schedule;
        struct logins *logins;
        struct membership *membership;
        struct open *open;
        struct listener *listener;
        struct context context;

        struct waiter ready; /* of open */
        struct alarm *stop;
        bool stopping;
};

static struct http_settings agent_http_settings(const struct config *config) {
        return (struct http_settings){
                .ca_file = config_get(config, SETTING_CA_FILE),
                .proxy = config_get(config, SETTING_PROXY),
                .timeout_usec = config_http_timeout_usec(config),
        };
}

static void agent_exit(struct agent *agent) {
        (void)sd_event_exit(agent->event, 0);
}

static void agent_on_stop_patience(void *userdata) {
        log_warning("Stopping although Globus has not answered everything");
        agent_exit(userdata);
}

/* Runs after each event once the end has begun: it comes when nothing is on its way any more. */
static int agent_on_event_over(sd_event_source *source, void *userdata) {
        struct agent *agent = userdata;

        if (refresh_count(agent->refresh) == 0 && !logins_are_exchanging(agent->logins) &&
            revoker_count(agent->revoker) == 0)
                agent_exit(agent);
        return 0;
}

static void agent_begin_stop(struct agent *agent) {
        if (agent->stopping)
                return;

        agent->stopping = true;
        service_notify_stopping();
        alarm_set(agent->stop, clock_boottime_usec() + STOP_PATIENCE_USEC);
        if (sd_event_add_post(agent->event, NULL, agent_on_event_over, agent) < 0)
                agent_exit(agent);
        (void)agent_on_event_over(NULL, agent); /* the event that began the end is not told to the new source */
}

static int agent_on_signal(sd_event_source *source, const struct signalfd_siginfo *signal, void *userdata) {
        log_info("Stopping: signal %u", signal->ssi_signo);
        agent_begin_stop(userdata);
        return 0;
}

static void agent_on_socket_lost(void *userdata) {
        struct agent *agent = userdata;

        log_notice("Stopping: %s is no longer this agent's", agent->socket);
        agent_begin_stop(agent);
}

static void agent_on_refreshed(void *userdata) {
        struct agent *agent = userdata;

        if (!agent->stopping)
                schedule_update(agent->schedule);
}

static void agent_on_login(void *userdata, const char *profile) {
        struct agent *agent = userdata;

        membership_drop(agent->membership, profile);
        schedule_update(agent->schedule);
}

static void agent_on_opened(void *userdata) {
        struct agent *agent = userdata;

        save_kick(agent->save);
        schedule_update(agent->schedule);
}

/* A bad file changes nothing but what status says. */
static void agent_reload(struct agent *agent) {
        _cleanup_(config_freep) struct config *config = NULL;
        struct http_settings settings;
        int r;

        r = config_load(&config, &agent->config_paths);
        if (r)
                (void)fault_set(&agent->reload_trouble, r, NULL);
        else if (config_problem(config))
                (void)fault_copy(&agent->reload_trouble, config_problem(config));
        else
                fault_deinit(&agent->reload_trouble);

        agent->context.reload_trouble = agent->reload_trouble.r ? &agent->reload_trouble : NULL;
        if (agent->reload_trouble.r) {
                log_error("Keeping the settings as they were: %s", fault_message(&agent->reload_trouble));
                return;
        }

        settings = agent_http_settings(config);
        r = http_configure(agent->http, &settings);
        if (r) {
                log_error("Keeping the settings as they were: %s", error_sentence(r));
                return;
        }

        config_free(agent->config);
        agent->context.config = agent->config = TAKE(config);
        log_notice("Settings read anew");
}

static int agent_on_hangup(sd_event_source *source, const struct signalfd_siginfo *signal, void *userdata) {
        agent_reload(userdata);
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

        r = sd_event_add_signal(agent->event, NULL, SIGTERM, agent_on_signal, agent);
        if (r >= 0)
                r = sd_event_add_signal(agent->event, NULL, SIGINT, agent_on_signal, agent);
        if (r >= 0)
                r = sd_event_add_signal(agent->event, NULL, SIGHUP, agent_on_hangup, agent);

        return r < 0 ? r : 0;
}

/* What is below the flows. The threads of the worker start with the signals blocked. */
static int agent_add_base(struct agent *agent) {
        struct http_settings settings = agent_http_settings(agent->config);
        int r;

        r = sd_event_new(&agent->event);
        if (r < 0)
                return r;

        r = agent_add_signals(agent);
        if (!r)
                r = alarm_new(&agent->stop, agent->event, 10 * USEC_PER_MSEC, agent_on_stop_patience, agent);
        if (!r)
                r = worker_new(&agent->worker, agent->event);
        if (!r)
                r = vault_new(&agent->vault);
        if (!r)
                r = http_new(&agent->http, agent->event, &settings);

        return r;
}

static int agent_add_refreshing(struct agent *agent) {
        int r;

        r = save_new(&agent->save, &(struct save_deps){
                                           .event = agent->event,
                                           .vault = agent->vault,
                                           .worker = agent->worker,
                                           .paths = &agent->disk_paths,
                                   });
        if (!r)
                r = revoker_new(&agent->revoker, agent->event, agent->http);
        if (!r)
                r = refresh_new(&agent->refresh, &(struct refresh_deps){
                                                         .vault = agent->vault,
                                                         .http = agent->http,
                                                         .save = agent->save,
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
        if (!r)
                r = open_new(&agent->open, &(struct open_deps){
                                                   .event = agent->event,
                                                   .vault = agent->vault,
                                                   .worker = agent->worker,
                                                   .paths = &agent->disk_paths,
                                                   .opened = agent_on_opened,
                                                   .userdata = agent,
                                           });

        return r;
}

static int agent_add_door(struct agent *agent, int fd) {
        struct context *context = &agent->context;
        uint64_t limit = harden_descriptor_limit();
        int r;

        context->config = agent->config;
        context->vault = agent->vault;
        context->save = agent->save;
        context->open = agent->open;
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

static int agent_configure(struct agent *agent, const struct agent_options *options) {
        int r;

        agent->config_paths = (struct config_paths){.user_file = options->config_file};
        r = config_load(&agent->config, &agent->config_paths);
        if (!r && config_problem(agent->config))
                log_error("Not configured: %s", fault_message(config_problem(agent->config)));

        return r;
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

        r = own_socket_open(&agent->own_socket, &fd, &agent->socket, options->socket, fault);
        if (r)
                return r;

        r = agent_configure(agent, options);
        if (!r)
                r = agent_add_base(agent);
        if (!r)
                r = agent_add_refreshing(agent);
        if (!r)
                r = agent_add_logins(agent);
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

/* Whoever waits is answered while there is a door to answer through; what changed is handed to the worker
 * before it ends. */
bool agent_stop(struct agent *agent) {
        bool stopped = true;

        agent->membership = membership_free(agent->membership);
        agent->logins = logins_free(agent->logins);
        agent->refresh = refresh_free(agent->refresh);
        agent->open = open_free(agent->open);
        agent->listener = listener_free(agent->listener);
        agent->revoker = revoker_free(agent->revoker);
        agent->schedule = schedule_free(agent->schedule);
        agent->http = http_free(agent->http);
        agent->save = save_free(agent->save);
        if (agent->worker)
                stopped = worker_stop(agent->worker, STOP_PATIENCE_USEC) != -ETIMEDOUT;
        agent->own_socket = own_socket_free(agent->own_socket);
        return stopped;
}

struct agent *agent_free(struct agent *agent) {
        if (!agent)
                return NULL;

        (void)agent_stop(agent);
        worker_free(agent->worker);
        vault_free(agent->vault);
        alarm_free(agent->stop);
        sd_event_unref(agent->event);
        config_free(agent->config);
        fault_deinit(&agent->reload_trouble);
        disk_paths_deinit(&agent->disk_paths);
        if (agent->ready_fd >= 0)
                close(agent->ready_fd);
        free(agent->socket);
        free(agent);
        return NULL;
}
