#pragma once

/*
 * Http: curl's multi interface inside the event loop: one request, one end.
 *
 * Only https, never a redirect followed, TLS always verified, every answer bounded in size and time.
 * Connections are reused until the settings change or the machine has slept; there are at most
 * HTTP_CONNECTIONS_MAX, not all of them to one host. A form is sent at most once. What comes with status 200
 * and is not JSON is no answer of Globus.
 */

#include <systemd/sd-event.h>

#include "daemon/base/worker.h"
#include "proto/buffer.h"
#include "proto/fault.h"
#include "proto/macro.h"
#include "proto/secret.h"

enum {
        HTTP_CONNECTIONS_MAX = 6,
        HTTP_CONNECTIONS_HOST_MAX = 4, /* a silent host leaves room for others */
        HTTP_BODY_MAX = 1024 * 1024, /* where the request names no other limit */
        HTTP_ERROR_MAX = 128 * 1024, /* of an answer of another status than 200 */
};

struct http;
struct http_request;

/* From the configuration; borrowed for the call of http_new() or http_configure(). */
struct http_settings {
        const char *ca_file; /* NULL: the system's trust store */
        const char *proxy; /* NULL: the environment's, if any */
        uint64_t timeout_usec;
};

int http_new(struct http **ret, sd_event *event, struct worker *worker, const struct http_settings *settings);

/* For the requests from now on; a ca_file is read again. Requests wait until it is there, no longer than for an
 * answer; if it cannot be read, they fail, and the next one tries again. */
int http_configure(struct http *http, const struct http_settings *settings);

/* By the latest answer (daemon/remote/skew.h). */
int64_t http_skew(const struct http *http);

/* No request may be left. */
struct http *http_free(struct http *http);

struct http_reply {
        int status;
        const char *content_type; /* lower case, without parameters; "" if none */
        int64_t retry_after; /* seconds from now (RFC 9110 section 10.2.3, both forms); 0: not said */
        const char *body; /* whole, unless on_data took it */
        size_t body_size;
        uint64_t started_usec; /* CLOCK_BOOTTIME of the request's start */
};

/* A part of a body, as it arrives or later, of an answer of status 200: as many in one turn of the loop as it
 * allows. Not 0: the transfer is given up with this result. It may not free the request. */
typedef int (*http_data_fn)(void *userdata, const char *data, size_t n);

/* reply: any answer, whatever its status; fault is NULL then. Without an answer: fault,
 * AGENT_ERROR_UNAVAILABLE with curl's sentence, or what on_data returned. All borrowed. Called exactly once,
 * later, from the loop. May free the request. */
typedef void (*http_done_fn)(void *userdata, const struct fault *fault, const struct http_reply *reply);

struct http_spec {
        const char *url;
        struct secret *form; /* a POST's body, application/x-www-form-urlencoded; taken over; NULL: GET */
        const struct secret *bearer; /* copied; NULL: none */
        size_t body_max; /* 0: HTTP_BODY_MAX */
        http_data_fn on_data; /* NULL: collect the body */
        http_done_fn done;
        void *userdata;
};

/* Takes spec->form over, also on failure. */
int http_send(struct http_request **ret, struct http *http, const struct http_spec *spec);

/* Whether the server may have got a part of its form. */
bool http_request_is_sent(const struct http_request *request);

/* Cancels: done is not called any more. */
struct http_request *http_request_free(struct http_request *request);

DEFINE_CLEANUP(struct http, http_free);
DEFINE_CLEANUP(struct http_request, http_request_free);
