#include "client/echo.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

/* But for the end of the line. */
static tcflag_t without_echo(tcflag_t flags) {
        return (flags & ~(tcflag_t)ECHO) | ECHONL;
}

int echo_off(struct echo *echo, int fd) {
        struct termios hidden;

        /* first what stops us in the background, so that what is read then is not how a shell edits its line */
        if (tcflush(fd, TCIFLUSH) < 0 || tcgetattr(fd, &echo->before) < 0)
                return -errno;

        hidden = echo->before;
        hidden.c_lflag = without_echo(hidden.c_lflag);
        if (tcsetattr(fd, TCSAFLUSH, &hidden) < 0)
                return -errno;

        echo->fd = fd;
        echo->off = true;
        return 0;
}

void echo_on(struct echo *echo) {
        sigset_t background, others;
        struct termios now;

        if (!echo->off)
                return;

        echo->off = false;
        if (tcgetattr(echo->fd, &now) < 0 || now.c_lflag != without_echo(echo->before.c_lflag))
                return;

        /* a shell that ran us through another program may have put us in the background already */
        sigemptyset(&background);
        sigaddset(&background, SIGTTOU);
        sigprocmask(SIG_BLOCK, &background, &others);
        while (tcsetattr(echo->fd, TCSAFLUSH, &echo->before) < 0 && errno == EINTR)
                ;
        sigprocmask(SIG_SETMASK, &others, NULL);
}
