#include "daemon/remote/http.h"

#include <ctype.h>
#include <errno.h>

#include "daemon/base/clock.h"
#include "daemon/remote/http-private.h"
#include "daemon/remote/media-type.h"
#include "daemon/remote/retry-after.h"
#include "daemon/remote/words.h"
#include "proto/error.h"

#define AUTHORIZATION "Authorization: Bearer "

enum {
        PART_SIZE = 2048, /* of a body, for on_data */
        BACKLOG_MAX = 1024 * 1024, /* of what on_data has not had yet */
};

struct http_request *http_request_of(struct list *link) {
        return CONTAINER(link, struct http_request, link);
}

void http_request_destroy(struct http_request *request) {
        if (request->easy)
                (void)curl_multi_remove_handle(request->http->multi, request->easy); /* or was it waiting */

        curl_easy_cleanup(request->easy);
        list_unlink(&request->link);
        X509_STORE_free(request->store);
        free(request->host);
        secret_free(request->form);
        secret_free(request->authorization);
        buffer_deinit(&request->body);
        fault_deinit(&request->fault);
        free(request);
}

bool http_request_is_sent(const struct http_request *request) {
        return request->form_given > 0;
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

/* The media type alone. */
static void request_set_content_type(struct http_request *request) {
        char *value = NULL;
        size_t n;

        (void)curl_easy_getinfo(request->easy, CURLINFO_CONTENT_TYPE, &value);
        n = value ? strcspn(value, "; \t") : 0;
        if (n > CONTENT_TYPE_MAX)
                n = 0;

        for (size_t i = 0; i < n; i++)
                request->content_type[i] = (char)tolower((unsigned char)value[i]);
        request->content_type[n] = '\0';
}

/* As much as the turn allows. */
static int request_hand_on(struct http_request *request) {
        int r = 0;

        while (!r && buffer_size(&request->body) > 0 && !turn_is_over(&request->http->turn)) {
                size_t n = MIN(buffer_size(&request->body), (size_t)PART_SIZE);

                r = request->on_data(request->userdata, buffer_bytes(&request->body), n);
                buffer_consume(&request->body, n);
        }

        return r;
}

/* Of what is collected, a body of status 200 is as long as was agreed, that of an error as is usual. */
static int request_take(struct http_request *request, const char *data, size_t n) {
        size_t max;
        long status = 0;
        int r;

        (void)curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
        max = status == 200 ? request->body_max : MIN(request->body_max, (size_t)HTTP_ERROR_MAX);

        if (status == 200 && request->received == 0) {
                request_set_content_type(request);
                request->foreign = !media_type_is_json(request->content_type);
                request->streaming = request->on_data;
        }
        if (request->foreign)
                return -EBADMSG;
        if (request->received > max || n > max - request->received) {
                request->too_large = true;
                return -EFBIG;
        }

        request->received += n;
        r = buffer_append(&request->body, data, n);
        return r || !request->streaming ? r : request_hand_on(request);
}

size_t http_request_on_write(char *data, size_t size, size_t n, void *userdata) {
        struct http_request *request = userdata;

        if (!request->cancelled)
                request->r = request_take(request, data, size * n);

        return request->cancelled || request->r ? CURL_WRITEFUNC_ERROR : size * n;
}

/* NULL: the answer has none. */
static const char *request_header(const struct http_request *request, const char *name) {
        struct curl_header *header;

        return curl_easy_header(request->easy, name, 0, CURLH_HEADER, -1, &header) ? NULL : header->value;
}

static void request_set_reply(struct http_request *request) {
        const char *date = request_header(request, "Date");
        const char *retry_after = request_header(request, "Retry-After");
        long status = 0;

        if (date)
                skew_note(&request->http->skew, date);
        (void)curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
        request_set_content_type(request);

        request->reply.status = (int)status;
        request->reply.retry_after = retry_after ? retry_after_seconds(retry_after, date) : 0;
        request->reply.content_type = request->content_type;
        request->reply.body = "";
        if (!request->streaming && buffer_size(&request->body) > 0) {
                request->reply.body = buffer_bytes(&request->body);
                request->reply.body_size = buffer_size(&request->body);
        }
}

static const char *what_failed(CURLcode result) {
        if (result == CURLE_SSL_CACERT_BADFILE)
                return "cannot read the CA certificates to reach";
        if (result == CURLE_SEND_ERROR || result == CURLE_RECV_ERROR || result == CURLE_GOT_NOTHING ||
            result == CURLE_PARTIAL_FILE)
                return "lost the connection to";

        return "cannot reach";
}

/* On a connection that was used before, and was closed instead of an answer. */
static bool would_send_twice(const struct http_request *request, CURLcode result) {
        return http_request_is_sent(request) &&
               (result == CURLE_ABORTED_BY_CALLBACK || result == CURLE_SEND_FAIL_REWIND);
}

/* Globus is not who answered, most likely. */
static void request_set_foreign(struct http_request *request) {
        _cleanup_(freep) char *type = words_clean(request->content_type);

        fault_set(&request->fault, AGENT_ERROR_UNAVAILABLE,
                  "What %s answered (HTTP status 200, %s) is not of Globus; does the network want a login of "
                  "its own?",
                  request->host, type && *type ? type : "no content type");
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
        if (request->foreign) {
                request_set_foreign(request);
                return;
        }
        if (request->r) {
                fault_set(&request->fault, request->r, NULL);
                return;
        }

        if (would_send_twice(request, result)) {
                fault_set(&request->fault, AGENT_ERROR_UNAVAILABLE,
                          "lost the connection to %s: it was closed instead of an answer", request->host);
                return;
        }

        (void)curl_easy_getinfo(request->easy, CURLINFO_OS_ERRNO, &os_errno);
        if (result == CURLE_COULDNT_CONNECT && os_errno > 0)
                sentence = strerror((int)os_errno);
        else if (result == CURLE_OPERATION_TIMEDOUT && !*request->sentence)
                sentence = "timed out"; /* curl has a sentence only if it had a connection */

        words = words_clean(sentence);
        fault_set(&request->fault, AGENT_ERROR_UNAVAILABLE, "%s %s: %s", what_failed(result), request->host,
                  words ? words : curl_easy_strerror(result));
}

static void request_move_to_finished(struct http_request *request) {
        curl_easy_cleanup(request->easy);
        request->easy = NULL;
        list_unlink(&request->link);
        list_append(&request->http->finished, &request->link);
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
        request_move_to_finished(request);
}

void http_request_fail(struct http_request *request, const struct fault *fault) {
        (void)fault_copy(&request->fault, fault);
        request_move_to_finished(request);
        (void)sd_event_source_set_enabled(request->http->ending, SD_EVENT_ONESHOT);
}

static int request_begin(struct http_request *request) {
        struct http *http = request->http;
        X509_STORE *store = http->trust ? trust_store(http->trust) : NULL;

        if (store && X509_STORE_up_ref(store))
                request->store = store;
        if (store != request->store || !http_options_set_trust(request->easy, request) ||
            curl_multi_add_handle(http->multi, request->easy))
                return -ENOMEM;

        list_unlink(&request->link);
        list_append(&http->running, &request->link);
        return 0;
}

void http_request_begin(struct http_request *request) {
        _cleanup_(fault_deinit) struct fault fault = {};

        if (request_begin(request)) {
                (void)fault_set(&fault, -ENOMEM, NULL);
                http_request_fail(request, &fault);
        }
}

bool http_request_catch_up(struct http_request *request) {
        if (!request->streaming || buffer_size(&request->body) <= BACKLOG_MAX)
                return false;

        request->r = request_hand_on(request);
        if (request->r)
                http_request_finish(request->easy, CURLE_WRITE_ERROR);

        return true;
}

bool http_request_complete(struct http_request *request) {
        int r;

        if (!request->streaming || request->fault.r)
                return true;

        r = request_hand_on(request);
        if (r)
                fault_set(&request->fault, r, NULL);

        return r || buffer_size(&request->body) == 0;
}

void http_request_end(struct http_request *request) {
        _cleanup_(fault_deinit) struct fault fault = request->fault;

        request->fault = (struct fault){};
        request->done(request->userdata, fault.r ? &fault : NULL, fault.r ? NULL : &request->reply);
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

        *ret = TAKE(request);
        return 0;
}

int http_send(struct http_request **ret, struct http *http, const struct http_spec *spec) {
        _cleanup_(http_request_freep) struct http_request *request = NULL;
        int r;

        r = request_new(&request, http, spec);
        if (!r)
                r = http_open(http);
        if (r)
                return r;

        request->easy = curl_easy_init();
        if (!request->easy || !http_options_set(request->easy, request, spec->url))
                return -ENOMEM;

        http_admit(http, request);

        *ret = TAKE(request);
        return 0;
}
