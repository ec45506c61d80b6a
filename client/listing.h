#pragma once

/*
 * Listing: the groups of a reply to ListGroups, as text; and whether someone is a member.
 */

#include <json-c/json.h>

#include "proto/buffer.h"
#include "proto/macro.h"

enum listing_format {
        LISTING_TABLE, /* for people */
        LISTING_CSV, /* RFC 4180, but lines end as the system's do: ID,Name,Roles */
        LISTING_JSON, /* an array of the groups */
        LISTING_JSON_LINES,
        _LISTING_FORMAT_MAX,
};

/* -EINVAL: no such format. */
int listing_format_from_string(enum listing_format *ret, const char *name);

/* for_terminal: what a terminal obeys is escaped in CSV, too. */
int listing_write(struct buffer *out, struct json_object *parameters, enum listing_format format,
                  bool for_terminal);

/* member < manager < admin; 0: none of them. */
int listing_role_rank(const char *role);

struct listing_question {
        const char *group_id; /* in either case */
        const char *role; /* at least; NULL: any */
        char *const *statuses; /* of a membership that counts; NULL: active */
};

/* A membership without a status counts. */
bool listing_is_member(struct json_object *parameters, const struct listing_question *question);
