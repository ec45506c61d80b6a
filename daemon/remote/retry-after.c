#include "daemon/remote/retry-after.h"

#include <curl/curl.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "proto/macro.h"

static int64_t seconds_of_digits(const char *text) {
        int64_t seconds = 0;

        for (; *text && seconds < INT32_MAX; text++)
                seconds = 10 * seconds + (*text - '0');

        return MIN(seconds, (int64_t)INT32_MAX);
}

int64_t retry_after_seconds(const char *value, const char *date) {
        int64_t then, now;

        if (value[strspn(value, "0123456789")] == '\0')
                return seconds_of_digits(value);

        then = curl_getdate(value, NULL);
        now = date ? curl_getdate(date, NULL) : -1;
        if (now < 0)
                now = (int64_t)(clock_realtime_usec() / USEC_PER_SEC);

        return then > now ? MIN(then - now, (int64_t)INT32_MAX) : 0;
}
