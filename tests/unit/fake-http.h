#pragma once

/* Http that only remembers what it was asked to send: it takes the place of daemon/remote/http. */

#include "tests/unit/unit.h"

#include "daemon/remote/http.h"
#include "proto/macro.h"

struct http_request {
        struct http_spec spec;
        char *url;
        struct secret *form, *bearer;
};

static struct http_request *sent; /* the one that is on its way */
static int http_send_result;

int http_send(struct http_request **ret, struct http *http, const struct http_spec *spec) {
        struct http_request *request;

        if (http_send_result) {
                secret_free(spec->form);
                return http_send_result;
        }

        assert_null(sent);
        request = calloc(1, sizeof(*request));
        request->spec = *spec;
        request->url = strdup(spec->url);
        request->form = spec->form;
        if (spec->bearer)
                assert_int_equal(secret_copy(&request->bearer, spec->bearer), 0);
        *ret = sent = request;
        return 0;
}

bool http_request_is_sent(const struct http_request *request) {
        return request == sent;
}

struct http_request *http_request_free(struct http_request *request) {
        if (!request)
                return NULL;

        if (sent == request)
                sent = NULL;
        free(request->url);
        secret_free(request->form);
        secret_free(request->bearer);
        free(request);
        return NULL;
}

/* The answer arrives. */
static inline void http_answer(const struct http_reply *reply) {
        const struct http_spec spec = sent->spec;

        sent = NULL;
        spec.done(spec.userdata, NULL, reply);
}

static inline void http_fail(const struct fault *fault) {
        const struct http_spec spec = sent->spec;

        sent = NULL;
        spec.done(spec.userdata, fault, NULL);
}
