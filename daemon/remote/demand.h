#pragma once

/*
 * Demand: what an error body of a Globus service asks of the user: consent or a session (Globus Auth
 * Requirements Error and its older forms); pure.
 */

#include "proto/fault.h"

/* True: the body demands a new login; *fault is then AGENT_ERROR_LOGIN_NEEDED with reason consent or session,
 * the scopes and session parameters, and a message with the service's own words made harmless. */
bool demand_parse(struct fault *fault, const char *body, size_t n);

/* code and detail (or message, title) of an error body (envelope of Auth, Groups, Transfer), each owned, NULL
 * if absent. */
void demand_describe(char **ret_code, char **ret_detail, const char *body, size_t n);
