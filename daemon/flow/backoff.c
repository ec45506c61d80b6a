#include "daemon/flow/backoff.h"

#include "daemon/base/clock.h"
#include "daemon/base/crypto.h"

#define LEAST_USEC USEC_PER_SEC
#define MOST_USEC (300 * USEC_PER_SEC)
#define RETRY_AFTER_MAX 3600 /* seconds */

uint64_t backoff_usec(unsigned failures, const struct fault *fault) {
        uint64_t longest = MIN(2 * LEAST_USEC << MIN(failures, 16U), MOST_USEC);
        uint32_t random = UINT32_MAX;
        uint64_t after = 0;

        if (fault->retry_at > 0) {
                int64_t seconds = fault->retry_at - clock_to_unix(clock_boottime_usec());

                after = (uint64_t)MIN(MAX(seconds, 0), RETRY_AFTER_MAX) * USEC_PER_SEC;
        }

        (void)crypto_random(&random, sizeof(random)); /* without it the pause is just the longest */
        return MAX(LEAST_USEC + (longest - LEAST_USEC) * random / UINT32_MAX, after);
}
