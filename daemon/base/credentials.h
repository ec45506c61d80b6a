#pragma once

/*
 * Credentials: systemd's service that encrypts for one user of one machine (io.systemd.Credentials over
 * Varlink, scope user; systemd 256 and later).
 *
 * What it gave is opened only on this machine, for this user, under the same name; it asks nobody for anything.
 * Which key it uses is its own choice, told by the first 16 bytes. All of it blocks, for 5 s at most: for the
 * worker. Every failure comes with a fault, in words to follow a colon.
 */

#include "proto/buffer.h"
#include "proto/fault.h"
#include "proto/secret.h"

struct credentials_service {
        const char *path; /* of its socket; it has to be root's or ours */
        uint64_t timeout_usec; /* for all that one function does */
};

/* Appends what the service made of data. name is a file name without ':', at most 255 bytes. service: NULL is
 * the system's. -EKEYREJECTED: it used a key that does not protect, or not for long: the null key, one of a
 * kind that is not known, or before systemd 258 the TPM, whose sealing did not survive a firmware update then.
 * Other errors are as below. */
int credentials_encrypt(struct buffer *out, const struct credentials_service *service, const char *name,
                        const struct secret *data, struct fault *fault);

/* -EBADMSG: this is nothing that the service encrypted for this user, on this machine and under this name, or
 * it is damaged; -ENOKEY: the machine has lost the key; -EKEYREJECTED: the null key, or one that is not known.
 * All others may be gone when tried again: -ENOENT, -ECONNREFUSED (no such service), -ETIMEDOUT, -ECONNRESET,
 * -EIO (what it said is in the fault), .. */
int credentials_decrypt(struct secret **ret, const struct credentials_service *service, const char *name,
                        struct bytes encrypted, struct fault *fault);

/* "the host key of this machine", to follow "with"; NULL: a key that is rejected. Static storage. */
const char *credentials_key(struct bytes encrypted);
