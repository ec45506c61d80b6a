#include "daemon/base/turn.h"

#include "daemon/base/clock.h"

void turn_begin(struct turn *turn) {
        turn->ends_usec = clock_boottime_usec() + TURN_USEC;
}

bool turn_is_over(const struct turn *turn) {
        return clock_boottime_usec() >= turn->ends_usec;
}
