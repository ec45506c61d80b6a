#pragma once

/*
 * Trust: the CA certificates of a bundle that the user named, read once, on the worker.
 *
 * Parsing takes tens of milliseconds, which the loop has not, and curl would parse at each new connection. It
 * begins when somebody asks for it: a start with nothing to send has other things to read.
 */

#include <openssl/x509.h>

#include "daemon/base/worker.h"
#include "proto/fault.h"

struct trust;

enum trust_state {
        TRUST_UNUSED,
        TRUST_LOADING,
        TRUST_LOADED,
        TRUST_FAILED,
};

/* Called when loading has come to its end, from the loop. */
typedef void (*trust_fn)(void *userdata);

int trust_new(struct trust **ret, struct worker *worker, const char *file, trust_fn ended, void *userdata);
struct trust *trust_free(struct trust *trust);

/* Begins, or begins once more after TRUST_FAILED; ended is told unless it has failed at once. */
void trust_load(struct trust *trust);

enum trust_state trust_state(const struct trust *trust);
const char *trust_file(const struct trust *trust);

/* Of TRUST_LOADED; borrowed. */
X509_STORE *trust_store(const struct trust *trust);

/* Of TRUST_FAILED: a sentence with the file and what is wrong with it; or -ENOMEM. */
const struct fault *trust_fault(const struct trust *trust);

/* Whether OpenSSL finds certificates in a directory: by names that are hashes. A bundle alone is not found.
 * Looks at the directory. */
bool trust_directory_is_hashed(const char *directory);

DEFINE_CLEANUP(struct trust, trust_free);
