#pragma once

/*
 * Turn: how long one source of the loop may go on before the others have theirs.
 *
 * What comes in pieces asks before it takes the next one, and leaves the rest for its next turn. So a turn
 * lasts as long as this and one piece.
 */

#include "proto/macro.h"

#define TURN_USEC (2 * USEC_PER_MSEC)

struct turn {
        uint64_t ends_usec;
};

void turn_begin(struct turn *turn);
bool turn_is_over(const struct turn *turn);
