#pragma once

/*
 * Paste: the second half of a login: a person opens the URL anywhere and brings back the code that it shows.
 *
 * The code is read from the terminal, or line by line from whatever stdin is.
 */

#include "client/command.h"

/* Asks for codes until one is good, at most three times on a terminal. A login that is given up is cancelled.
 * The exit status, having said what happened. */
int paste_login(const struct globals *globals, const char *login_id, const char *url);

/* Takes one code. If it does not do, the login goes on waiting. */
int paste_finish(const struct globals *globals, const char *login_id);
