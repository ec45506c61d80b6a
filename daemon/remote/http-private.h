#pragma once

/*
 * The two halves of http: one joins curl to the loop (http.c), the other is a request (http-request.c).
 *
 * A request is in exactly one list: running (its easy handle is in the multi handle), finished (it waits for
 * its done), or cancelled (out of one of curl's callbacks, where curl lets nothing be removed).
 */

#include <curl/curl.h>

#include "daemon/remote/http.h"
#include "daemon/remote/skew.h"
#include "proto/list.h"

struct http {
        sd_event *event;
        sd_event_source *timer; /* curl's */
        sd_event_source *ending; /* enabled while any request is finished */
        CURLM *multi; /* NULL until the first request: what TLS needs is not cheap to set up */
        bool in_curl; /* one of curl's callbacks may be running */

        char *ca_file, *proxy;
        uint64_t timeout_usec;
        struct skew skew;

        struct list running, finished, cancelled; /* http_request.link */
};

/* Makes the multi handle, if there is none yet. -ENOMEM. */
int http_open(struct http *http);

/* The transfer of this handle is over. Moves its request to http.finished. */
void http_request_finish(CURL *easy, CURLcode result);

/* Tells how it ended. The last thing it touches is the request's callback. */
void http_request_end(struct http_request *request);

/* Of http.running, http.finished or http.cancelled. */
struct http_request *http_request_of(struct list *link);

/* Frees it, outside of curl's callbacks. */
void http_request_destroy(struct http_request *request);
