#pragma once

/*
 * Groups API: asks Globus Groups for the groups of the token's owner and all linked identities.
 */

#include "daemon/model/origin.h"
#include "daemon/remote/http.h"
#include "proto/fault.h"
#include "proto/secret.h"

struct groups_request;

/* groups: the head and a JSON array of Group (org.globus.Agent), to be taken with buffer_swap(); NULL with a
 * fault:
 * -EKEYREJECTED the service says the token is invalid (401, and no other demand);
 * AGENT_ERROR_LOGIN_NEEDED it demands consent or a session (authorization_parameters; dependent consent; a
 * 403 for a missing scope), whose parameters the fault has, profile and resource server aside;
 * AGENT_ERROR_UNAVAILABLE all else, with retry_at if said. Borrowed. Called exactly once, later, from the
 * loop. */
typedef void (*groups_done_fn)(void *userdata, const struct fault *fault, struct buffer *groups);

struct groups_query {
        const struct origin *origin;
        const struct secret *bearer; /* copied */
        char *const *statuses; /* NULL: as Globus does without: active */
        struct bytes head; /* to stand before the groups; copied */
        groups_done_fn done;
        void *userdata;
};

int groups_fetch(struct groups_request **ret, struct http *http, const struct groups_query *query);

/* Cancels: done is not called any more. */
struct groups_request *groups_request_free(struct groups_request *request);

DEFINE_CLEANUP(struct groups_request, groups_request_free);
