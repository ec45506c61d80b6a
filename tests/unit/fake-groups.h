#pragma once

/* Globus Groups, which answers when told to: it takes the place of daemon/remote/groups-api. */

#include "tests/unit/unit.h"

#include "daemon/remote/groups-api.h"

struct groups_request {
        groups_done_fn done;
        void *userdata;
        char *bearer;
        struct buffer answer; /* the head so far */
};

static struct groups_request *asked; /* the one on its way */
static unsigned n_asked;
static int ask_result;

int groups_fetch(struct groups_request **ret, struct http *http, const struct groups_query *query) {
        struct groups_request *request;

        if (ask_result)
                return ask_result;

        request = calloc(1, sizeof(*request));
        request->done = query->done;
        request->userdata = query->userdata;
        request->bearer = strdup(secret_string(query->bearer));
        assert_int_equal(buffer_append(&request->answer, query->head.data, query->head.n), 0);
        n_asked++;
        *ret = asked = request;
        return 0;
}

struct groups_request *groups_request_free(struct groups_request *request) {
        if (!request)
                return NULL;

        if (asked == request)
                asked = NULL;
        free(request->bearer);
        buffer_deinit(&request->answer);
        free(request);
        return NULL;
}

/* What it says is taken, not copied. */
static inline void service_answers(const char *json) {
        struct groups_request *request = TAKE(asked);
        struct buffer groups = {};

        buffer_swap(&groups, &request->answer);
        assert_int_equal(buffer_append_string(&groups, json), 0);
        request->done(request->userdata, NULL, &groups);
        assert_null(buffer_bytes(&groups));
}

static inline void service_refuses_as(int r, int64_t retry_at) {
        struct groups_request *request = TAKE(asked);
        struct fault fault = {};

        (void)fault_set(&fault, r, "said the service");
        fault.retry_at = retry_at;
        request->done(request->userdata, &fault, NULL);
        fault_deinit(&fault);
}

static inline void service_refuses(int r) {
        service_refuses_as(r, 0);
}

static inline void service_refuses_until(int64_t retry_at) {
        service_refuses_as(AGENT_ERROR_UNAVAILABLE, retry_at);
}
