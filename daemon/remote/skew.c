#include "daemon/remote/skew.h"

#include <curl/curl.h>

#include "daemon/base/clock.h"
#include "proto/macro.h"

/* No date of an HTTP header is outside of four-digit years, which leaves nothing to overflow below. */
#define DATE_MAX INT64_C(253402300799)

void skew_note(struct skew *skew, const char *date) {
        int64_t seconds = curl_getdate(date, NULL);

        if (seconds < 0 || seconds > DATE_MAX)
                return;

        skew->known = true;
        skew->boot_usec = seconds * (int64_t)USEC_PER_SEC - (int64_t)clock_boottime_usec();
}

int64_t skew_seconds(const struct skew *skew) {
        int64_t ours_usec = (int64_t)clock_realtime_usec() - (int64_t)clock_boottime_usec(), ahead;

        if (!skew->known)
                return 0;

        ahead = (skew->boot_usec - ours_usec) / (int64_t)USEC_PER_SEC;
        return ahead > SKEW_SECONDS_MIN || ahead < -SKEW_SECONDS_MIN ? ahead : 0;
}
