#pragma once

/*
 * Stop: the end of the agent: at once, or when what is on its way to Globus has been answered.
 *
 * A logout or login that was begun gets a moment to be carried out. What would lose a login, a refresh token
 * that Globus may have rotated already, is waited for much longer.
 */

#include <systemd/sd-event.h>

#include "proto/macro.h"

#define STOP_PATIENCE_USEC (5 * USEC_PER_SEC)
#define STOP_VITAL_PATIENCE_USEC (30 * USEC_PER_SEC) /* systemd/globus-agent.service.in has a little more */

struct stop;

/* is_busy, and later is_vital, is asked after each event once the end has begun. ended is called when nothing
 * is waited for any more, while the loop is still whole; it is left then. */
struct stop_deps {
        sd_event *event;
        bool (*is_busy)(void *userdata); /* whether something is on its way */
        bool (*is_vital)(void *userdata); /* whether a login depends on it */
        void (*begun)(void *userdata); /* nothing new is to be begun */
        void (*ended)(void *userdata);
        void *userdata;
}; /* all borrowed */

/* SIGTERM and SIGINT begin the end. */
int stop_new(struct stop **ret, const struct stop_deps *deps);
struct stop *stop_free(struct stop *stop);

void stop_begin(struct stop *stop);
bool stop_has_begun(const struct stop *stop);

DEFINE_CLEANUP(struct stop, stop_free);
