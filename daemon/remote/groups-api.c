#include "daemon/remote/groups-api.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/base/clock.h"
#include "daemon/remote/demand.h"
#include "daemon/remote/form.h"
#include "daemon/remote/groups-reply.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/strv.h"

#define SCOPE_PREFIX "urn:globus:auth:scope:groups.api.globus.org:"
#define SCOPE_VIEW SCOPE_PREFIX "view_my_groups_and_memberships"
#define SCOPE_ALL SCOPE_PREFIX "all"

struct groups_request {
        struct http_request *http;
        struct groups_reply *reply;
        groups_done_fn done;
        void *userdata;
};

struct groups_request *groups_request_free(struct groups_request *request) {
        if (!request)
                return NULL;

        http_request_free(request->http);
        groups_reply_free(request->reply);
        free(request);
        return NULL;
}

static int groups_on_data(void *userdata, const char *data, size_t n) {
        struct groups_request *request = userdata;

        return groups_reply_feed(request->reply, data, n);
}

/* A 403 that names the scopes which the token has, none of them one that allows the listing. */
static bool lacks_scope(const struct http_reply *reply) {
        _cleanup_(json_freep) struct json_object *body = NULL;
        _cleanup_(strv_freep) char **scopes = NULL;
        struct json_object *provided;

        if (json_parse(&body, reply->body, reply->body_size, JSON_LENIENT_STRINGS))
                return false;

        provided = json_get_array(body, "provided_scopes");
        if (!provided || json_get_strings(&scopes, provided))
                return false;

        return !strv_contains(scopes, SCOPE_VIEW) && !strv_contains(scopes, SCOPE_ALL);
}

static void explain_refusal(struct fault *fault, const struct http_reply *reply) {
        char *const scopes[] = {(char *)SCOPE_VIEW, NULL};
        _cleanup_(freep) char *code = NULL, *detail = NULL;
        int r = reply->status == 401 ? -EKEYREJECTED : AGENT_ERROR_UNAVAILABLE;

        if ((reply->status == 401 || reply->status == 403) &&
            demand_parse(fault, reply->body, reply->body_size))
                return;

        demand_describe(&code, &detail, reply->body, reply->body_size);
        if (reply->status == 403 && lacks_scope(reply))
                fault_set_login_needed(fault, &(const struct login_need){.reason = "consent", .scopes = scopes},
                                       "The login does not cover reading the groups%s%s", detail ? ": " : "",
                                       detail ? detail : "");
        else
                fault_set(fault, r, "Globus Groups answered with HTTP status %d%s%s%s%s", reply->status,
                          code ? ": " : "", code ? code : "", detail ? ": " : "", detail ? detail : "");

        if (reply->retry_after > 0)
                fault->retry_at = (int64_t)(clock_realtime_usec() / USEC_PER_SEC) + reply->retry_after;
}

static const char *answer_fault(int r) {
        switch (r) {
        case -EFBIG:
                return "the list of groups that Globus sent is too long";
        case -EBADMSG:
                return "the answer of Globus Groups is no list of groups, or was cut short";
        }

        return strerror(-r);
}

static void groups_on_done(void *userdata, const struct fault *fault, const struct http_reply *reply) {
        _cleanup_(fault_deinit) struct fault own = {};
        _cleanup_(buffer_deinit) struct buffer groups = {};
        struct groups_request *request = userdata;
        int r = 0;

        if (reply && reply->status == 200)
                r = groups_reply_finish(request->reply, &groups);
        else if (reply)
                explain_refusal(&own, reply);
        else if (fault->r < 0)
                r = fault->r;
        else
                (void)fault_copy(&own, fault);

        if (r)
                fault_set(&own, AGENT_ERROR_UNAVAILABLE, "%s", answer_fault(r));

        request->done(request->userdata, own.r ? &own : NULL, own.r ? NULL : &groups);
}

static int make_url(char **ret, const struct groups_query *query) {
        _cleanup_(buffer_deinit) struct buffer url = {};
        _cleanup_(freep) char *statuses = NULL;
        int r;

        r = buffer_append_string(&url, query->origin->groups_url);
        if (!r)
                r = buffer_append_string(&url, "v2/groups/my_groups");
        if (!r && strv_length(query->statuses) > 0) {
                r = strv_join(&statuses, query->statuses, ",");
                if (!r)
                        r = buffer_append_string(&url, "?");
                if (!r)
                        r = form_add(&url, "statuses", statuses);
        }
        if (r)
                return r;

        *ret = strndup(buffer_bytes(&url), buffer_size(&url));
        return *ret ? 0 : -ENOMEM;
}

int groups_fetch(struct groups_request **ret, struct http *http, const struct groups_query *query) {
        _cleanup_(groups_request_freep) struct groups_request *request = NULL;
        _cleanup_(freep) char *url = NULL;
        int r;

        request = malloc(sizeof(*request));
        if (!request)
                return -ENOMEM;

        *request = (struct groups_request){.done = query->done, .userdata = query->userdata};
        r = groups_reply_new(&request->reply, query->head);
        if (!r)
                r = make_url(&url, query);
        if (r)
                return r;

        r = http_send(&request->http, http,
                      &(const struct http_spec){
                              .url = url,
                              .bearer = query->bearer,
                              .body_max = GROUPS_BODY_MAX,
                              .on_data = groups_on_data,
                              .done = groups_on_done,
                              .userdata = request,
                      });
        if (r)
                return r;

        *ret = TAKE(request);
        return 0;
}
