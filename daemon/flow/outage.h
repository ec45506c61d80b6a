#pragma once

/*
 * Outage: a service has failed for a profile: what callers hear until it is asked again.
 *
 * However often they call, it is asked ever more rarely while it fails, and not before it wants to be. With
 * another grant, wherever the login was made, it has not failed yet.
 */

#include <stdint.h>

#include "proto/fault.h"
#include "proto/list.h"

/* The answer while the service is to be left alone; NULL: it may be asked. Borrowed. */
const struct fault *outage_find(const struct list *outages, const char *profile, uint64_t grant_id);

/* It has failed, once more. Unavailable is given the time of the next try. */
void outage_note(struct list *outages, const char *profile, uint64_t grant_id, struct fault *fault);

/* It works again, or the login has changed. profile NULL: all. */
void outage_end(struct list *outages, const char *profile);
