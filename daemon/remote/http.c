#include "daemon/remote/http.h"

#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>
#include <time.h>

#include "daemon/base/clock.h"
#include "daemon/remote/http-private.h"
#include "proto/error.h"

#define NAP_USEC (3 * USEC_PER_SEC) /* in all, that a connection outlives */

/* What is left to do once curl has been left: nothing may be removed while it calls back. */
static void http_settle(struct http *http) {
        struct list *first;
        CURLMsg *message;
        int left;

        while ((first = list_first(&http->cancelled)))
                http_request_destroy(http_request_of(first));

        while ((message = curl_multi_info_read(http->multi, &left)))
                if (message->msg == CURLMSG_DONE)
                        http_request_finish(message->easy_handle, message->data.result);

        if (!list_is_empty(&http->finished))
                (void)sd_event_source_set_enabled(http->ending, SD_EVENT_ONESHOT);
}

static void http_act(struct http *http, curl_socket_t fd, int events) {
        int running;

        turn_begin(&http->turn);
        http->in_curl = true;
        (void)curl_multi_socket_action(http->multi, fd, events, &running);
        http->in_curl = false;
        http_settle(http);
}

/* Before curl reads on. True: what has come was too much for its turns, and this one went to that. Whose
 * sockets are whose is curl's secret, so all wait. */
static bool http_catch_up(struct http *http) {
        turn_begin(&http->turn);
        for (struct list *l = http->running.next; l != &http->running; l = l->next)
                if (http_request_catch_up(http_request_of(l))) {
                        http_settle(http);
                        return true;
                }

        return false;
}

static int http_on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        int events = 0;

        if (http_catch_up(userdata))
                return 0;
        if (revents & EPOLLIN)
                events |= CURL_CSELECT_IN;
        if (revents & EPOLLOUT)
                events |= CURL_CSELECT_OUT;
        if (revents & (EPOLLERR | EPOLLHUP))
                events |= CURL_CSELECT_ERR;

        http_act(userdata, fd, events);
        return 0;
}

/* Here, too, it reads on: what it has read ahead of HTTP/2. */
static int http_on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        if (http_catch_up(userdata))
                return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);

        http_act(userdata, CURL_SOCKET_TIMEOUT, 0);
        return 0;
}

/* One a dispatch, since its callback may do anything to the others. */
static int http_on_ending(sd_event_source *source, uint64_t usec, void *userdata) {
        struct http *http = userdata;
        struct list *first = list_first(&http->finished);
        bool ends;

        if (!first)
                return 0;

        turn_begin(&http->turn);
        ends = http_request_complete(http_request_of(first));
        list_unlink(first);
        if (!ends)
                list_append(&http->finished, first);
        if (!list_is_empty(&http->finished))
                (void)sd_event_source_set_enabled(http->ending, SD_EVENT_ONESHOT);

        if (ends)
                http_request_end(http_request_of(first));
        return 0;
}

/* CURLMOPT_SOCKETFUNCTION: what curl waits for on a socket; socketp is its source, once there is one. */
static int http_on_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *socketp) {
        static const uint32_t events[] = {
                [CURL_POLL_IN] = EPOLLIN,
                [CURL_POLL_OUT] = EPOLLOUT,
                [CURL_POLL_INOUT] = EPOLLIN | EPOLLOUT,
        };
        sd_event_source *source = socketp;
        struct http *http = userdata;

        if (what == CURL_POLL_REMOVE) {
                sd_event_source_disable_unref(source);
                (void)curl_multi_assign(http->multi, fd, NULL);
                return 0;
        }
        if (source)
                return sd_event_source_set_io_events(source, events[what]) < 0 ? -1 : 0;

        if (sd_event_add_io(http->event, &source, fd, events[what], http_on_io, http) < 0)
                return -1;

        (void)curl_multi_assign(http->multi, fd, source);
        return 0;
}

/* CURLMOPT_TIMERFUNCTION: -1 for no timer, 0 for as soon as curl has been left. */
static int http_on_timer_wanted(CURLM *multi, long timeout_msec, void *userdata) {
        struct http *http = userdata;

        if (timeout_msec < 0)
                return sd_event_source_set_enabled(http->timer, SD_EVENT_OFF) < 0 ? -1 : 0;
        if (sd_event_source_set_time_relative(http->timer, (uint64_t)timeout_msec * USEC_PER_MSEC) < 0)
                return -1;

        return sd_event_source_set_enabled(http->timer, SD_EVENT_ONESHOT) < 0 ? -1 : 0;
}

static void http_close(struct http *http) {
        if (!http->multi)
                return;

        /* closes connections, and gives up their sources through http_on_socket() */
        curl_multi_cleanup(http->multi);
        curl_global_cleanup();
        http->multi = NULL;
}

/* The other end of a kept connection has forgotten it while the machine slept, or an address changed. curl goes
 * by a clock that stood still, and a request over it would end with a timeout. */
static void http_notice_sleep(struct http *http) {
        uint64_t asleep_usec = clock_asleep_usec();

        if (asleep_usec < http->asleep_usec + NAP_USEC)
                return;

        http->asleep_usec = asleep_usec;
        http->outdated = true;
}

int http_open(struct http *http) {
        CURLM *multi;

        http_notice_sleep(http);
        if (http->outdated && !http->in_curl && list_is_empty(&http->running)) {
                http_close(http);
                http->outdated = false;
        }
        if (http->multi)
                return 0;
        if (curl_global_init(CURL_GLOBAL_DEFAULT))
                return -ENOMEM;

        multi = curl_multi_init();
        if (!multi) {
                curl_global_cleanup();
                return -ENOMEM;
        }

        (void)curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, http_on_socket);
        (void)curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, http);
        (void)curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, http_on_timer_wanted);
        (void)curl_multi_setopt(multi, CURLMOPT_TIMERDATA, http);
        (void)curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)HTTP_CONNECTIONS_MAX);
        (void)curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)HTTP_CONNECTIONS_HOST_MAX);
        (void)curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)HTTP_CONNECTIONS_MAX);
        http->multi = multi;
        return 0;
}

static void http_fail_waiting(struct http *http, const struct fault *fault) {
        struct list *first;

        while ((first = list_first(&http->waiting)))
                http_request_fail(http_request_of(first), fault);
}

/* The CA certificates are there, or are not to be had, or not needed any more. */
static void http_on_trust(void *userdata) {
        struct http *http = userdata;
        struct list *first;

        (void)sd_event_source_set_enabled(http->patience, SD_EVENT_OFF);
        if (http->trust && trust_state(http->trust) == TRUST_FAILED)
                http_fail_waiting(http, trust_fault(http->trust));

        while ((first = list_first(&http->waiting)))
                http_request_begin(http_request_of(first));
}

static int http_on_impatience(sd_event_source *source, uint64_t usec, void *userdata) {
        _cleanup_(fault_deinit) struct fault fault = {};
        struct http *http = userdata;

        (void)fault_set(&fault, AGENT_ERROR_UNAVAILABLE,
                        "Still waiting for the disk to read the CA certificates in %s",
                        trust_file(http->trust));
        http_fail_waiting(http, &fault);
        return 0;
}

/* Those who wait go on, fail, or wait for the CA certificates to be read. */
static void http_continue(struct http *http) {
        if (http->trust && trust_state(http->trust) != TRUST_LOADING &&
            trust_state(http->trust) != TRUST_LOADED)
                trust_load(http->trust);
        if (!http->trust || trust_state(http->trust) != TRUST_LOADING)
                http_on_trust(http);
}

void http_admit(struct http *http, struct http_request *request) {
        bool first = list_is_empty(&http->waiting);

        list_append(&http->waiting, &request->link);
        http_continue(http);
        if (first && !list_is_empty(&http->waiting)) {
                (void)sd_event_source_set_time_relative(http->patience, http->timeout_usec);
                (void)sd_event_source_set_enabled(http->patience, SD_EVENT_ONESHOT);
        }
}

/* For a time that is over, until another is set. */
static int http_add_timer(struct http *http, sd_event_source **ret, sd_event_time_handler_t handler) {
        int r;

        r = sd_event_add_time(http->event, ret, CLOCK_MONOTONIC, 0, USEC_PER_MSEC, handler, http);
        if (r < 0)
                return r;

        return sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
}

/* No deferred source for what ends: once pending it goes before all others, and again and again. */
static int http_add_sources(struct http *http) {
        int r;

        r = http_add_timer(http, &http->timer, http_on_timer);
        if (r >= 0)
                r = http_add_timer(http, &http->patience, http_on_impatience);
        if (r >= 0)
                r = http_add_timer(http, &http->ending, http_on_ending);

        return r < 0 ? r : 0;
}

int http_new(struct http **ret, sd_event *event, struct worker *worker, const struct http_settings *settings) {
        _cleanup_(http_freep) struct http *http = NULL;
        int r;

        http = malloc(sizeof(*http));
        if (!http)
                return -ENOMEM;

        *http = (struct http){
                .event = sd_event_ref(event),
                .worker = worker,
                .asleep_usec = clock_asleep_usec(),
                .waiting = LIST_INIT(http->waiting),
                .running = LIST_INIT(http->running),
                .finished = LIST_INIT(http->finished),
                .cancelled = LIST_INIT(http->cancelled),
        };
        r = http_add_sources(http);
        if (!r)
                r = http_configure(http, settings);
        if (r)
                return r;

        *ret = TAKE(http);
        return 0;
}

static const char *http_find_ca_directory(void) {
        const char *directory = curl_version_info(CURLVERSION_NOW)->capath;

        return directory && trust_directory_is_hashed(directory) ? directory : NULL;
}

int http_configure(struct http *http, const struct http_settings *settings) {
        _cleanup_(freep) char *proxy = settings->proxy ? strdup(settings->proxy) : NULL;
        struct trust *trust = NULL;
        int r = 0;

        if (!proxy != !settings->proxy)
                return -ENOMEM;
        if (settings->ca_file)
                r = trust_new(&trust, http->worker, settings->ca_file, http_on_trust, http);
        if (r)
                return r;

        trust_free(http->trust);
        free(http->proxy);
        http->trust = trust;
        http->proxy = TAKE(proxy);
        http->ca_directory = http_find_ca_directory();
        http->timeout_usec = settings->timeout_usec;
        http->outdated = true;
        if (!list_is_empty(&http->waiting))
                http_continue(http);
        return 0;
}

int64_t http_skew(const struct http *http) {
        return skew_seconds(&http->skew);
}

struct http *http_free(struct http *http) {
        if (!http)
                return NULL;

        assert(list_is_empty(&http->waiting) && list_is_empty(&http->running) &&
               list_is_empty(&http->finished) && list_is_empty(&http->cancelled));

        http_close(http);
        sd_event_source_disable_unref(http->timer);
        sd_event_source_disable_unref(http->patience);
        sd_event_source_disable_unref(http->ending);
        sd_event_unref(http->event);
        trust_free(http->trust);
        free(http->proxy);
        free(http);
        return NULL;
}
