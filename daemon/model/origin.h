#pragma once

/*
 * Origin: where a login was made. A grant carries it, and its tokens go to no other host, whatever the
 * settings say later.
 *
 * Every URL is https and ends in one '/'.
 */

#include "proto/macro.h"

struct origin {
        char *environment; /* production, … */
        char *auth_url, *groups_url;
        char *client_id;
};

void origin_deinit(struct origin *origin);

/* Deep. What *ret held is not released. */
int origin_copy(struct origin *ret, const struct origin *origin);
/* The same environment and URLs, whatever the client. */
bool origin_same_site(const struct origin *a, const struct origin *b);

bool origin_equal(const struct origin *a, const struct origin *b);

/* Base URLs of a Globus environment. Borrowed; NULL: no such environment. */
const char *origin_auth_url(const char *environment);
const char *origin_groups_url(const char *environment);
