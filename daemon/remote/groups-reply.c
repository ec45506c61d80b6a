#include "daemon/remote/groups-reply.h"

#include <errno.h>

#include "proto/json.h"
#include "proto/strv.h"
#include "proto/writer.h"

/* Where in the top-level array the next byte stands. */
enum reply_state {
        REPLY_BEFORE, /* [ */
        REPLY_FIRST, /* an element, or ] */
        REPLY_ELEMENT, /* an element */
        REPLY_INSIDE, /* within an element */
        REPLY_BEHIND, /* , or ] */
        REPLY_AFTER, /* nothing */
};

struct groups_reply {
        enum reply_state state;
        size_t received;
        struct buffer element; /* the one that is arriving */
        size_t depth; /* of objects and arrays, within it */
        bool in_string, escaped;
        struct buffer out; /* the head, and the array that it becomes */
        struct writer writer; /* into out */
};

int groups_reply_new(struct groups_reply **ret, struct bytes head) {
        _cleanup_(groups_reply_freep) struct groups_reply *reply = NULL;

        reply = calloc(1, sizeof(*reply));
        if (!reply)
                return -ENOMEM;

        reply->writer = WRITER_INIT(&reply->out);
        write_bytes(&reply->writer, head.data, head.n);
        write_array_begin(&reply->writer);
        if (writer_end(&reply->writer))
                return writer_end(&reply->writer);

        *ret = TAKE(reply);
        return 0;
}

struct groups_reply *groups_reply_free(struct groups_reply *reply) {
        if (!reply)
                return NULL;

        buffer_deinit(&reply->element);
        buffer_deinit(&reply->out);
        free(reply);
        return NULL;
}

/* One whose status is no text is not taken for one without a status, which counts as active. */
static bool is_membership(struct json_object *object) {
        struct json_object *status = NULL;

        if (!json_object_is_type(object, json_type_object))
                return false;

        return !json_object_object_get_ex(object, "status", &status) || !status ||
               json_object_is_type(status, json_type_string);
}

/* Distinct, of the memberships that are active or say nothing of it. */
static int collect_roles(char ***ret, struct json_object *memberships) {
        _cleanup_(strv_freep) char **roles = NULL;
        size_t n = memberships ? json_object_array_length(memberships) : 0, n_roles = 0;

        roles = calloc(n + 1, sizeof(*roles));
        if (!roles)
                return -ENOMEM;

        for (size_t i = 0; i < n; i++) {
                struct json_object *membership = json_object_array_get_idx(memberships, i);
                const char *role = json_get_string(membership, "role");
                const char *status = json_get_string(membership, "status");

                if (!is_membership(membership) || !role || (status && !streq(status, "active")))
                        continue;

                roles[n_roles] = strdup(role);
                if (!roles[n_roles++])
                        return -ENOMEM;
        }

        strv_sort(roles);
        *ret = TAKE(roles);
        return 0;
}

static void write_memberships(struct writer *writer, struct json_object *memberships) {
        static const char *const members[] = {"identity_id", "username", "role", "status"};
        size_t n = memberships ? json_object_array_length(memberships) : 0;

        write_name(writer, "memberships");
        write_array_begin(writer);
        for (size_t i = 0; i < n; i++) {
                struct json_object *membership = json_object_array_get_idx(memberships, i);

                if (!is_membership(membership))
                        continue;

                write_object_begin(writer);
                for (size_t k = 0; k < ARRAY_SIZE(members); k++)
                        write_string_member(writer, members[k], json_get_string(membership, members[k]));
                write_object_end(writer);
        }

        write_array_end(writer);
}

static int write_group(struct writer *writer, struct json_object *group) {
        struct json_object *memberships = json_get_array(group, "my_memberships");
        const char *id = json_get_string(group, "id"), *name = json_get_string(group, "name");
        const char *type = json_get_string(group, "group_type");
        _cleanup_(strv_freep) char **roles = NULL;
        int r;

        if (!id || !name)
                return -EBADMSG;

        r = collect_roles(&roles, memberships);
        if (r)
                return r;

        write_object_begin(writer);
        write_string_member(writer, "id", id);
        write_string_member(writer, "name", name);
        write_string_member(writer, "description", json_get_string(group, "description"));
        write_string_member(writer, "group_type", type ? type : "regular");
        write_string_member(writer, "parent_id", json_get_string(group, "parent_id"));
        write_name(writer, "roles");
        write_strings(writer, roles);
        write_memberships(writer, memberships);
        write_object_end(writer);
        return writer_end(writer);
}

/* U+0000 is no text for most who will read this: it becomes U+FFFD, of the same length as an escape. */
static void replace_nul(char *json, size_t n) {
        for (size_t i = 0; i + 6 <= n; i++) {
                if (json[i] != '\\')
                        continue;
                if (memcmp(json + i, "\\u0000", 6) == 0)
                        memcpy(json + i, "\\ufffd", 6);

                i++;
        }
}

static int reply_end_element(struct groups_reply *reply) {
        _cleanup_(json_freep) struct json_object *group = NULL;
        char *text = buffer_bytes(&reply->element);
        size_t n = buffer_size(&reply->element);
        int r;

        replace_nul(text, n);
        r = json_parse(&group, text, n, JSON_LENIENT_STRINGS);
        if (!r)
                r = write_group(&reply->writer, group);
        if (r)
                return r;
        if (buffer_size(&reply->out) >= GROUPS_TEXT_MAX)
                return -EFBIG;

        buffer_consume(&reply->element, n);
        reply->state = REPLY_BEHIND;
        return 0;
}

/* True at the last byte of the element. */
static bool reply_count(struct groups_reply *reply, char c) {
        if (reply->in_string) {
                if (reply->escaped)
                        reply->escaped = false;
                else if (c == '\\')
                        reply->escaped = true;
                else if (c == '"')
                        reply->in_string = false;
                return false;
        }

        if (c == '"')
                reply->in_string = true;
        if (c == '{' || c == '[')
                reply->depth++;
        if (c == '}' || c == ']')
                reply->depth--;

        return reply->depth == 0;
}

/* Takes bytes of the element, up to its end or the last one. */
static int reply_take_inside(struct groups_reply *reply, const char *data, size_t n, size_t *ret_taken) {
        bool ended = false;
        size_t i = 0;
        int r;

        while (i < n && !ended)
                ended = reply_count(reply, data[i++]);

        *ret_taken = i;
        if (buffer_size(&reply->element) + i > GROUPS_ELEMENT_MAX)
                return -EFBIG;

        r = buffer_append(&reply->element, data, i);
        return r || !ended ? r : reply_end_element(reply);
}

/* Takes one byte between the elements, or the first one of an element (not yet consumed). */
static int reply_take_outside(struct groups_reply *reply, char c, size_t *ret_taken) {
        const enum reply_state state = reply->state;

        *ret_taken = 1;
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
                return 0;

        if (state == REPLY_BEFORE && c == '[') {
                reply->state = REPLY_FIRST;
        } else if ((state == REPLY_FIRST || state == REPLY_BEHIND) && c == ']') {
                reply->state = REPLY_AFTER;
        } else if (state == REPLY_BEHIND && c == ',') {
                reply->state = REPLY_ELEMENT;
        } else if ((state == REPLY_FIRST || state == REPLY_ELEMENT) && c == '{') {
                reply->state = REPLY_INSIDE;
                *ret_taken = 0;
        } else {
                return -EBADMSG;
        }

        return 0;
}

int groups_reply_feed(struct groups_reply *reply, const char *data, size_t n) {
        size_t taken;
        int r;

        if (n > GROUPS_BODY_MAX - reply->received)
                return -EFBIG;

        reply->received += n;
        for (; n > 0; data += taken, n -= taken) {
                r = reply->state == REPLY_INSIDE ? reply_take_inside(reply, data, n, &taken)
                                                 : reply_take_outside(reply, *data, &taken);
                if (r)
                        return r;
        }

        return 0;
}

int groups_reply_finish(struct groups_reply *reply, struct buffer *out) {
        int r;

        if (reply->state != REPLY_AFTER)
                return -EBADMSG;

        write_array_end(&reply->writer);
        r = writer_end(&reply->writer);
        if (r)
                return r;

        if (buffer_size(out) > 0)
                return buffer_append(out, buffer_bytes(&reply->out), buffer_size(&reply->out));

        buffer_swap(out, &reply->out);
        return 0;
}
