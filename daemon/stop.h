#pragma once

/*
 * Stop: the end of the agent: at once, or when what is on its way to Globus has been answered.
 *
 * A rotated refresh token must reach the disk, and a logout that was begun be carried out; but a Globus that
 * does not answer keeps nobody's logout or reboot waiting for longer than STOP_PATIENCE_USEC.
 */

#include <systemd/sd-event.h>

#include "proto/macro.h"

#define STOP_PATIENCE_USEC (5 * USEC_PER_SEC)

struct stop;

/* is_busy: whether something is on its way; asked after each event once the end has begun. */
typedef bool (*stop_busy_fn)(void *userdata);

/* SIGTERM and SIGINT begin the end. */
int stop_new(struct stop **ret, sd_event *event, stop_busy_fn is_busy, void *userdata);
struct stop *stop_free(struct stop *stop);

void stop_begin(struct stop *stop);
bool stop_has_begun(const struct stop *stop);

DEFINE_CLEANUP(struct stop, stop_free);
