#pragma once

/*
 * Echo: what a terminal shows of what is typed, off for as long as it is a secret.
 */

#include <termios.h>

#include "proto/macro.h"

struct echo {
        bool off;
        int fd; /* borrowed */
        struct termios before;
};

/* In the background this stops until the shell has us in the foreground. What was typed before is thrown away.
 * -EINTR: a signal was caught; nothing has changed. */
int echo_off(struct echo *echo, int fd);

/* As it was, unless somebody has set the terminal since. What was typed and not read is thrown away: the shell
 * would show it. */
void echo_on(struct echo *echo);
