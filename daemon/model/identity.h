#pragma once

/* Identity: the resource owner behind a login, as the id_token names them, with the identities linked to it. */

#include <json-c/json.h>

#include "proto/macro.h"
#include "proto/writer.h"

struct identity {
        char *sub; /* UUID */
        char *username;
        char *name, *email, *organization; /* may be NULL */
        struct identity **linked; /* NULL-terminated; NULL: not told. They have no linked ones themselves */
};

struct identity *identity_free(struct identity *identity);
int identity_copy(struct identity **ret, const struct identity *identity);
bool identity_equal(const struct identity *a, const struct identity *b);

/* From the claims of an id_token (preferred_username, identity_set), or from what identity_write() wrote
 * (username, identities). -EBADMSG: without sub or username. */
int identity_parse(struct identity **ret, struct json_object *claims);

/* Members of the object being written: sub, username, name, email, organization, identities. */
void identity_write(const struct identity *identity, struct writer *writer);

DEFINE_CLEANUP(struct identity, identity_free);
