#include <limits.h>
#include <openssl/ssl.h>

#include "daemon/remote/http-private.h"

enum { CONNECT_TIMEOUT_MSEC = 20000 };

/* Up to 100 of these are read at a time. With less than a frame of HTTP/2, curl 7.88 forgets to read the rest
 * of it, and waits for more until the time is over. */
enum { READ_SIZE = 16384 };

/* A server that is about to close an idle connection must not swallow a form: it is not sent twice. */
enum { FORM_IDLE_SEC_MAX = 2 };

static const char *const header_lines[] = {
        "Accept: application/json", "Accept-Encoding: identity",
        ("X-Globus-Client-Info: product=globus-agent,version=" PROJECT_VERSION),
        "Expect:", /* curl's own would cost a round trip, or a second where the server does not know it */
};

_Static_assert(ARRAY_SIZE(header_lines) < HEADERS_MAX, "one is left for the authorization");

#define SET(easy, option, value) (curl_easy_setopt((easy), (option), (value)) == CURLE_OK)

/* CURLOPT_SSL_CTX_FUNCTION. A store is in place of what curl would read from a file. What was received must not
 * stay in a connection that is kept: its buffer lives as long. */
static CURLcode on_tls(CURL *easy, void *tls, void *userdata) {
        const struct http_request *request = userdata;

        SSL_CTX_set_options(tls, SSL_OP_CLEANSE_PLAINTEXT);
        if (request->store)
                SSL_CTX_set1_cert_store(tls, request->store);
        return CURLE_OK;
}

/* Of a directory of certificates by hash, only the one needed is read; a bundle costs ten times as much. */
bool http_options_set_trust(CURL *easy, struct http_request *request) {
        const char *directory = request->store ? NULL : request->http->ca_directory;

        if (!SET(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls) || !SET(easy, CURLOPT_SSL_CTX_DATA, request))
                return false;
        if (!request->store && !directory)
                return true;

        return SET(easy, CURLOPT_CAINFO, NULL) && SET(easy, CURLOPT_CAPATH, directory) &&
               SET(easy, CURLOPT_PROXY_CAINFO, NULL) && SET(easy, CURLOPT_PROXY_CAPATH, directory);
}

static bool set_security(CURL *easy, const struct http *http) {
        return SET(easy, CURLOPT_PROTOCOLS_STR, "https") && SET(easy, CURLOPT_FOLLOWLOCATION, 0L) &&
               SET(easy, CURLOPT_SSL_VERIFYPEER, 1L) && SET(easy, CURLOPT_SSL_VERIFYHOST, 2L) &&
               SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
               SET(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) &&
               (!http->proxy || SET(easy, CURLOPT_PROXY, http->proxy));
}

/* curl does not know that a connection was made under another trust. */
static bool set_reuse(CURL *easy, const struct http_request *request) {
        if (request->http->outdated)
                return SET(easy, CURLOPT_FRESH_CONNECT, 1L) && SET(easy, CURLOPT_FORBID_REUSE, 1L) &&
                       SET(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);

        return !request->form || SET(easy, CURLOPT_MAXAGE_CONN, (long)FORM_IDLE_SEC_MAX);
}

/* QUICK_EXIT: or curl joins the thread that resolves names, and a silent name server stops the loop. */
static bool set_limits(CURL *easy, const struct http *http) {
        uint64_t msec = MIN(MAX(http->timeout_usec / USEC_PER_MSEC, UINT64_C(1)), (uint64_t)INT_MAX);

        return SET(easy, CURLOPT_NOSIGNAL, 1L) && SET(easy, CURLOPT_QUICK_EXIT, 1L) &&
               SET(easy, CURLOPT_BUFFERSIZE, (long)READ_SIZE) && SET(easy, CURLOPT_TIMEOUT_MS, (long)msec) &&
               SET(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)MIN(msec, (uint64_t)CONNECT_TIMEOUT_MSEC));
}

/* CURLOPT_READFUNCTION. */
static size_t on_read(char *data, size_t size, size_t n, void *userdata) {
        struct http_request *request = userdata;
        size_t left = secret_size(request->form) - request->form_given;

        if (left == 0)
                return CURL_READFUNC_ABORT; /* a new start */

        left = MIN(left, size * n);
        memcpy(data, secret_bytes(request->form) + request->form_given, left);
        request->form_given += left;
        return left;
}

/* CURLOPT_SEEKFUNCTION: also a new start. */
static int on_seek(void *userdata, curl_off_t offset, int origin) {
        return CURL_SEEKFUNC_FAIL;
}

/* A connection that was used before may turn out to be closed. Then curl would send the request once more,
 * though nobody knows whether the first had arrived; so the form is given away only once. */
static bool set_form(CURL *easy, struct http_request *request) {
        return SET(easy, CURLOPT_POST, 1L) &&
               SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)secret_size(request->form)) &&
               SET(easy, CURLOPT_READFUNCTION, on_read) && SET(easy, CURLOPT_READDATA, request) &&
               SET(easy, CURLOPT_SEEKFUNCTION, on_seek);
}

static bool set_callbacks(CURL *easy, struct http_request *request) {
        return SET(easy, CURLOPT_PRIVATE, request) && SET(easy, CURLOPT_ERRORBUFFER, request->sentence) &&
               SET(easy, CURLOPT_WRITEFUNCTION, http_request_on_write) && SET(easy, CURLOPT_WRITEDATA, request);
}

static bool set_headers(CURL *easy, struct http_request *request) {
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

        return SET(easy, CURLOPT_HTTPHEADER, request->headers) &&
               SET(easy, CURLOPT_USERAGENT, "globus-agent/" PROJECT_VERSION);
}

bool http_options_set(CURL *easy, struct http_request *request, const char *url) {
        return SET(easy, CURLOPT_URL, url) && set_security(easy, request->http) && set_reuse(easy, request) &&
               set_limits(easy, request->http) && set_callbacks(easy, request) && set_headers(easy, request) &&
               (!request->form || set_form(easy, request));
}
