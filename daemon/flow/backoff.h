#pragma once

/* Backoff: how long to leave somebody alone who has failed. */

#include <stdint.h>

#include "proto/fault.h"

/* Anything from 1 s up to a bound that doubles, to 5 min; but never before the time that the fault names, an
 * hour at most. failures: in a row, before this one. */
uint64_t backoff_usec(unsigned failures, const struct fault *fault);
