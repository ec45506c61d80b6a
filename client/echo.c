#include "client/echo.h"

#include <errno.h>
#include <unistd.h>

int echo_off(struct echo *echo, int fd) {
        struct termios hidden;

        /* first what stops us in the background, so that what is read then is not how a shell edits its line */
        if (tcflush(fd, TCIFLUSH) < 0 || tcgetattr(fd, &echo->before) < 0)
                return -errno;

        hidden = echo->before;
        hidden.c_lflag &= ~(tcflag_t)ECHO;
        hidden.c_lflag |= ECHONL;
        if (tcsetattr(fd, TCSAFLUSH, &hidden) < 0)
                return -errno;

        echo->fd = fd;
        echo->off = true;
        return 0;
}

void echo_on(struct echo *echo) {
        /* who has the terminal now has set it as they like */
        if (echo->off && tcgetpgrp(echo->fd) == getpgrp())
                while (tcsetattr(echo->fd, TCSAFLUSH, &echo->before) < 0 && errno == EINTR)
                        ;

        echo->off = false;
}
