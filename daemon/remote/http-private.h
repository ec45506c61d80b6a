#pragma once

/*
 * The three files of http: one joins curl to the loop (http.c), one is a request (http-request.c), and one says
 * what curl is to do for it (http-options.c).
 *
 * A request is in exactly one list: waiting (for the CA certificates), running (its easy handle is in the multi
 * handle), finished (it waits for its done), or cancelled (out of one of curl's callbacks, where curl lets
 * nothing be removed).
 */

#include <curl/curl.h>

#include "daemon/base/turn.h"
#include "daemon/remote/http.h"
#include "daemon/remote/skew.h"
#include "daemon/remote/trust.h"
#include "proto/list.h"

struct http {
        sd_event *event;
        sd_event_source *timer; /* curl's */
        sd_event_source *ending; /* for a time that is over: enabled while any request is finished */
        sd_event_source *patience; /* enabled while any request is waiting */
        struct worker *worker; /* borrowed */
        CURLM *multi; /* NULL until the first request: what TLS needs is not cheap to set up */
        bool in_curl; /* one of curl's callbacks may be running */
        bool outdated; /* connections of the multi handle were made under other settings, or before a sleep */
        uint64_t asleep_usec; /* clock_asleep_usec() then */

        char *proxy;
        struct trust *trust; /* NULL: the system's */
        const char *ca_directory; /* of the system, curl's; NULL: it has only a bundle */
        uint64_t timeout_usec;
        struct skew skew;
        struct turn turn; /* of whoever takes what has arrived */

        struct list waiting, running, finished, cancelled; /* http_request.link */
};

enum { CONTENT_TYPE_MAX = 127, HEADERS_MAX = 8 };

struct http_request {
        struct http *http; /* borrowed */
        struct list link; /* http.waiting, running, finished or cancelled */
        CURL *easy; /* NULL once finished */
        X509_STORE *store; /* of http.trust when it began */
        char *host;
        struct secret *form;
        size_t form_given; /* bytes of the form that curl has taken */
        struct secret *authorization; /* a header line */
        struct curl_slist headers[HEADERS_MAX]; /* by hand: curl would copy the last one */
        http_data_fn on_data;
        http_done_fn done;
        void *userdata;

        size_t body_max;
        struct buffer body; /* collected, or what on_data has not had yet */
        size_t received;
        bool cancelled, too_large, foreign;
        bool streaming; /* on_data gets the body */
        int r; /* why we gave the transfer up; 0: we did not */

        struct http_reply reply;
        char content_type[CONTENT_TYPE_MAX + 1];
        struct fault fault; /* of a finished one without an answer */
        char sentence[CURL_ERROR_SIZE]; /* curl's */
};

/* A multi handle whose connections are of the present settings and of this waking, or are never used again.
 * -ENOMEM. */
int http_open(struct http *http);

/* Lets it begin, or wait for the CA certificates. */
void http_admit(struct http *http, struct http_request *request);

/* All but what the CA certificates decide. False: no memory. */
bool http_options_set(CURL *easy, struct http_request *request, const char *url);

/* What is left when the CA certificates are there: of the request's store, NULL for the system's. */
bool http_options_set_trust(CURL *easy, struct http_request *request);

/* CURLOPT_WRITEFUNCTION */
size_t http_request_on_write(char *data, size_t size, size_t n, void *userdata);

/* It begins, or has failed. */
void http_request_begin(struct http_request *request);

/* The end of one that never began; fault is borrowed. */
void http_request_fail(struct http_request *request, const struct fault *fault);

/* The transfer of this handle is over. Moves its request to http.finished. */
void http_request_finish(CURL *easy, CURLcode result);

/* Of a running one: where too much waits to be handed on, hands on some, and may finish it. False: it does not
 * keep others from reading on. */
bool http_request_catch_up(struct http_request *request);

/* Of a finished one: hands on what is left. False: the turn was too short. */
bool http_request_complete(struct http_request *request);

/* Tells how it ended. The last thing it touches is the request's callback. */
void http_request_end(struct http_request *request);

/* Of any of the lists. */
struct http_request *http_request_of(struct list *link);

/* Frees it, outside of curl's callbacks. */
void http_request_destroy(struct http_request *request);
