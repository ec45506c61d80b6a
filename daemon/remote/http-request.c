#include "daemon/remote/http.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/remote/http-private.h"
#include "daemon/remote/words.h"
#include "proto/error.h"

enum { CONNECT_TIMEOUT_MSEC = 20000, CONTENT_TYPE_MAX = 127 };

/* curl reads up to 100 of these at a time, and so long nobody else has a turn. */
enum { READ_SIZE = 2048 };

#define AUTHORIZATION "Authorization: Bearer "

static const char *const header_lines[] = {
        "Accept: application/json", "Accept-Encoding: identity",
        ("X-Globus-Client-Info: product=globus-agent,version=" PROJECT_VERSION),
        "Expect:", /* curl's own would cost a round trip, or a second where the server does not know it */
};

struct http_request {
        struct http *http; /* borrowed */
        struct list link; /* http.running, finished or cancelled */
        CURL *easy; /* NULL once finished */
        char *host;
        struct secret *form; /* curl reads it from here */
        struct secret *authorization; /* a header line */
        struct curl_slist headers[ARRAY_SIZE(header_lines) + 1]; /* by hand: curl would copy the last one */
        http_data_fn on_data;
        http_done_fn done;
        void *userdata;

        size_t body_max;
        struct buffer body;
        size_t received;
        bool cancelled, too_large;
        int r; /* why we gave the transfer up; 0: we did not */

        struct http_reply reply;
        char content_type[CONTENT_TYPE_MAX + 1];
        struct fault fault; /* of a finished one without an answer */
        char sentence[CURL_ERROR_SIZE]; /* curl's */
};

struct http_request *http_request_of(struct list *link) {
        return CONTAINER(link, struct http_request, link);
}

void http_request_destroy(struct http_request *request) {
        if (request->easy)
                (void)curl_multi_remove_handle(request->http->multi, request->easy);

        curl_easy_cleanup(request->easy);
        list_unlink(&request->link);
        free(request->host);
        secret_free(request->form);
        secret_free(request->authorization);
        buffer_deinit(&request->body);
        fault_deinit(&request->fault);
        free(request);
}

struct http_request *http_request_free(struct http_request *request) {
        if (!request)
                return NULL;

        if (request->http->in_curl && request->easy) {
                request->cancelled = true;
                list_unlink(&request->link);
                list_append(&request->http->cancelled, &request->link);
        } else {
                http_request_destroy(request);
        }

        return NULL;
}

/* Of what is collected, a body of status 200 is as long as was agreed, that of an error as is usual. */
static int request_take(struct http_request *request, const char *data, size_t n) {
        bool streams;
        size_t max;
        long status = 0;

        (void)curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
        streams = request->on_data && status == 200;
        max = status == 200 ? request->body_max : MIN(request->body_max, (size_t)HTTP_BODY_MAX);

        if (request->received > max || n > max - request->received) {
                request->too_large = true;
                return -EFBIG;
        }

        request->received += n;
        return streams ? request->on_data(request->userdata, data, n) : buffer_append(&request->body, data, n);
}

static size_t request_on_write(char *data, size_t size, size_t n, void *userdata) {
        struct http_request *request = userdata;

        if (!request->cancelled)
                request->r = request_take(request, data, size * n);

        return request->cancelled || request->r ? CURL_WRITEFUNC_ERROR : size * n;
}

/* The media type alone. */
static void request_set_content_type(struct http_request *request, const char *value) {
        size_t n = strcspn(value, "; \t");

        if (n > CONTENT_TYPE_MAX)
                n = 0;

        for (size_t i = 0; i < n; i++)
                request->content_type[i] = (char)tolower((unsigned char)value[i]);
        request->content_type[n] = '\0';
}

static void request_set_reply(struct http_request *request) {
        char *content_type = NULL;
        curl_off_t retry_after = 0;
        struct curl_header *date;
        long status = 0;

        if (curl_easy_header(request->easy, "Date", 0, CURLH_HEADER, -1, &date) == CURLHE_OK)
                skew_note(&request->http->skew, date->value);

        (void)curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
        (void)curl_easy_getinfo(request->easy, CURLINFO_RETRY_AFTER, &retry_after);
        (void)curl_easy_getinfo(request->easy, CURLINFO_CONTENT_TYPE, &content_type);
        request_set_content_type(request, content_type ? content_type : "");

        request->reply.status = (int)status;
        request->reply.retry_after = MAX(retry_after, 0);
        request->reply.content_type = request->content_type;
        request->reply.body = buffer_size(&request->body) > 0 ? buffer_bytes(&request->body) : "";
        request->reply.body_size = buffer_size(&request->body);
}

static const char *what_failed(CURLcode result) {
        if (result == CURLE_SSL_CACERT_BADFILE)
                return "cannot read the CA certificates to reach";
        if (result == CURLE_SEND_ERROR || result == CURLE_RECV_ERROR || result == CURLE_GOT_NOTHING ||
            result == CURLE_PARTIAL_FILE)
                return "lost the connection to";

        return "cannot reach";
}

static void request_set_fault(struct http_request *request, CURLcode result) {
        const char *sentence = *request->sentence ? request->sentence : curl_easy_strerror(result);
        _cleanup_(freep) char *words = NULL;
        long os_errno = 0;

        if (request->too_large) {
                fault_set(&request->fault, AGENT_ERROR_UNAVAILABLE, "The answer of %s is too long",
                          request->host);
                return;
        }
        if (request->r) {
                fault_set(&request->fault, request->r, NULL);
                return;
        }

        (void)curl_easy_getinfo(request->easy, CURLINFO_OS_ERRNO, &os_errno);
        if (result == CURLE_COULDNT_CONNECT && os_errno > 0)
                sentence = strerror((int)os_errno);

        words = words_clean(sentence);
        fault_set(&request->fault, AGENT_ERROR_UNAVAILABLE, "%s %s: %s", what_failed(result), request->host,
                  words ? words : curl_easy_strerror(result));
}

void http_request_finish(CURL *easy, CURLcode result) {
        struct http_request *request;
        char *private = NULL;

        (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
        request = (struct http_request *)(void *)private;

        if (result)
                request_set_fault(request, result);
        else
                request_set_reply(request);

        (void)curl_multi_remove_handle(request->http->multi, easy);
        curl_easy_cleanup(easy);
        request->easy = NULL;
        list_unlink(&request->link);
        list_append(&request->http->finished, &request->link);
}

void http_request_end(struct http_request *request) {
        _cleanup_(fault_deinit) struct fault fault = request->fault;

        request->fault = (struct fault){};
        request->done(request->userdata, fault.r ? &fault : NULL, fault.r ? NULL : &request->reply);
}

#define SET(easy, option, value) (curl_easy_setopt((easy), (option), (value)) == CURLE_OK)

/* Of a directory of certificates by hash, only the one needed is read; a bundle costs ten times as much. */
static bool set_trust(CURL *easy, const char *ca_file) {
        const char *directory = curl_version_info(CURLVERSION_NOW)->capath;

        if (ca_file)
                directory = NULL;
        else if (!directory || access(directory, R_OK | X_OK) < 0)
                return true;

        return SET(easy, CURLOPT_CAINFO, ca_file) && SET(easy, CURLOPT_CAPATH, directory) &&
               SET(easy, CURLOPT_PROXY_CAINFO, ca_file) && SET(easy, CURLOPT_PROXY_CAPATH, directory);
}

static bool set_security(CURL *easy, const struct http *http) {
        return SET(easy, CURLOPT_PROTOCOLS_STR, "https") && SET(easy, CURLOPT_FOLLOWLOCATION, 0L) &&
               SET(easy, CURLOPT_SSL_VERIFYPEER, 1L) && SET(easy, CURLOPT_SSL_VERIFYHOST, 2L) &&
               SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
               SET(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) && set_trust(easy, http->ca_file) &&
               (!http->proxy || SET(easy, CURLOPT_PROXY, http->proxy));
}

/* QUICK_EXIT: or curl joins the thread that resolves names, and a silent name server stops the loop. */
static bool set_limits(CURL *easy, const struct http *http) {
        uint64_t msec = MIN(MAX(http->timeout_usec / USEC_PER_MSEC, UINT64_C(1)), (uint64_t)INT_MAX);

        return SET(easy, CURLOPT_NOSIGNAL, 1L) && SET(easy, CURLOPT_QUICK_EXIT, 1L) &&
               SET(easy, CURLOPT_BUFFERSIZE, (long)READ_SIZE) && SET(easy, CURLOPT_TIMEOUT_MS, (long)msec) &&
               SET(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)MIN(msec, (uint64_t)CONNECT_TIMEOUT_MSEC));
}

/* A POST gets a connection of its own: one that was used before may turn out to be closed, and then curl sends
 * the request once more, though nobody knows whether the first had arrived. */
static bool set_form(CURL *easy, struct secret *form) {
        return SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)secret_size(form)) &&
               SET(easy, CURLOPT_POSTFIELDS, secret_string(form)) && SET(easy, CURLOPT_FRESH_CONNECT, 1L);
}

static bool set_callbacks(CURL *easy, struct http_request *request) {
        return SET(easy, CURLOPT_PRIVATE, request) && SET(easy, CURLOPT_ERRORBUFFER, request->sentence) &&
               SET(easy, CURLOPT_WRITEFUNCTION, request_on_write) && SET(easy, CURLOPT_WRITEDATA, request) &&
               SET(easy, CURLOPT_HTTPHEADER, request->headers) &&
               SET(easy, CURLOPT_USERAGENT, "globus-agent/" PROJECT_VERSION);
}

static bool set_up(CURL *easy, struct http_request *request, const char *url) {
        return SET(easy, CURLOPT_URL, url) && set_security(easy, request->http) &&
               set_limits(easy, request->http) && set_callbacks(easy, request) &&
               (!request->form || set_form(easy, request->form));
}

static void request_chain_headers(struct http_request *request) {
        size_t n = ARRAY_SIZE(header_lines);

        for (size_t i = 0; i < n; i++)
                request->headers[i] = (struct curl_slist){
                        .data = (char *)header_lines[i],
                        .next = i + 1 < n ? &request->headers[i + 1] : NULL,
                };

        if (request->authorization) {
                request->headers[n - 1].next = &request->headers[n];
                request->headers[n] = (struct curl_slist){.data = secret_data(request->authorization)};
        }
}

static int make_authorization(struct secret **ret, const struct secret *bearer) {
        const size_t n = strlen(AUTHORIZATION);
        struct secret *line;
        int r;

        r = secret_new_empty(&line, n + secret_size(bearer));
        if (r)
                return r;

        memcpy(secret_data(line), AUTHORIZATION, n);
        memcpy((char *)secret_data(line) + n, secret_bytes(bearer), secret_size(bearer));
        *ret = line;
        return 0;
}

static char *host_of(const char *url) {
        const char *host = strstr(url, "://");

        host = host ? host + strlen("://") : url;
        return strndup(host, strcspn(host, "/?#"));
}

static int request_new(struct http_request **ret, struct http *http, const struct http_spec *spec) {
        _cleanup_(http_request_freep) struct http_request *request = NULL;
        int r = 0;

        request = malloc(sizeof(*request));
        if (!request) {
                secret_free(spec->form);
                return -ENOMEM;
        }

        *request = (struct http_request){
                .http = http,
                .link = LIST_INIT(request->link),
                .host = host_of(spec->url),
                .form = spec->form,
                .on_data = spec->on_data,
                .done = spec->done,
                .userdata = spec->userdata,
                .body_max = spec->body_max > 0 ? spec->body_max : HTTP_BODY_MAX,
                .reply.started_usec = clock_boottime_usec(),
        };
        if (spec->bearer)
                r = make_authorization(&request->authorization, spec->bearer);
        if (r || !request->host)
                return -ENOMEM;

        request_chain_headers(request);
        *ret = TAKE(request);
        return 0;
}

int http_send(struct http_request **ret, struct http *http, const struct http_spec *spec) {
        _cleanup_(http_request_freep) struct http_request *request = NULL;
        CURL *easy;
        int r;

        r = request_new(&request, http, spec);
        if (!r)
                r = http_open(http);
        if (r)
                return r;

        easy = curl_easy_init();
        if (!easy || !set_up(easy, request, spec->url) || curl_multi_add_handle(http->multi, easy)) {
                curl_easy_cleanup(easy);
                return -ENOMEM;
        }

        request->easy = easy;
        list_append(&http->running, &request->link);
        *ret = TAKE(request);
        return 0;
}
