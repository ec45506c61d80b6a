/*
 * ready: the floor of a start: loads what the daemon links, says on descriptor 3 that it is ready, and waits.
 */

#include "tests/bench/bench.h"

#include <curl/curl.h>
#include <json-c/json.h>
#include <openssl/crypto.h>
#include <systemd/sd-event.h>

int main(void) {
        /* so that the linker drops none of them */
        const void *volatile used[] = {curl_version, json_tokener_new, OPENSSL_cleanse, sd_event_new};

        if (!used[0] || write(3, "", 1) < 0)
                die("descriptor 3");

        pause();
        return EXIT_SUCCESS;
}
