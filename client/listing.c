#include "client/listing.h"

#include <errno.h>
#include <strings.h>

#include "client/reply.h"
#include "client/table.h"
#include "client/text.h"
#include "proto/json.h"
#include "proto/strv.h"

static const char *const format_names[_LISTING_FORMAT_MAX] = {
        [LISTING_TABLE] = "table",
        [LISTING_CSV] = "csv",
        [LISTING_JSON] = "json",
        [LISTING_JSON_LINES] = "jsonl",
};

int listing_format_from_string(enum listing_format *ret, const char *name) {
        for (int format = 0; format < _LISTING_FORMAT_MAX; format++)
                if (streq(format_names[format], name)) {
                        *ret = (enum listing_format)format;
                        return 0;
                }

        return -EINVAL;
}

/* A string with its length, since it may hold a NUL. */
static const char *member(struct json_object *object, const char *name, size_t *ret_n) {
        struct json_object *value;

        *ret_n = 0;
        if (!object || !json_object_object_get_ex(object, name, &value) ||
            !json_object_is_type(value, json_type_string))
                return "";

        *ret_n = (size_t)json_object_get_string_len(value);
        return json_object_get_string(value);
}

static int append_roles(struct buffer *out, struct json_object *group) {
        size_t n = reply_length(group, "roles");
        int r = 0;

        for (size_t i = 0; i < n && !r; i++) {
                struct json_object *role = reply_element(group, "roles", i);

                if (i > 0)
                        r = buffer_append(out, "|", 1);
                if (!r && json_object_is_type(role, json_type_string))
                        r = buffer_append_string(out, json_object_get_string(role));
        }

        return r;
}

static int table_add_group(struct table *table, struct json_object *group) {
        _cleanup_(buffer_deinit) struct buffer roles = {};
        const char *text;
        size_t n;
        int r;

        text = member(group, "id", &n);
        r = table_add(table, text, n);
        if (r)
                return r;

        text = member(group, "name", &n);
        r = table_add(table, text, n);
        if (r)
                return r;

        r = append_roles(&roles, group);
        return r ?: table_add(table, buffer_bytes(&roles) ?: "", buffer_size(&roles));
}

static int listing_write_table(struct buffer *out, struct json_object *parameters) {
        static const char *const titles[] = {"ID", "Name", "Roles"};
        _cleanup_(table_deinit) struct table table = TABLE_INIT(ARRAY_SIZE(titles));
        size_t n = reply_length(parameters, "groups");
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(titles) && !r; i++)
                r = table_add(&table, titles[i], strlen(titles[i]));
        for (size_t i = 0; i < n && !r; i++)
                r = table_add_group(&table, reply_element(parameters, "groups", i));

        return r ?: table_write(&table, out, "");
}

static bool needs_quotes(const char *text, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (text[i] == '"' || text[i] == ',' || text[i] == '\r' || text[i] == '\n' || text[i] == '\0')
                        return true;

        return false;
}

/* A field that is quoted only where it has to be. */
static int append_csv_plain(struct buffer *out, const char *text, size_t n) {
        return needs_quotes(text, n) ? text_append_csv(out, text, n) : buffer_append(out, text, n);
}

static int append_csv_record(struct buffer *out, struct json_object *group) {
        _cleanup_(buffer_deinit) struct buffer roles = {};
        const char *text;
        size_t n;
        int r;

        text = member(group, "id", &n);
        r = append_csv_plain(out, text, n);
        r = r ?: buffer_append(out, ",", 1);
        if (r)
                return r;

        text = member(group, "name", &n);
        r = text_append_csv(out, text, n);
        r = r ?: buffer_append(out, ",", 1);
        r = r ?: append_roles(&roles, group);
        return r ?: append_csv_plain(out, buffer_bytes(&roles), buffer_size(&roles));
}

static int listing_write_csv(struct buffer *out, struct json_object *parameters, bool for_terminal) {
        size_t n = reply_length(parameters, "groups");
        int r = buffer_append_string(out, "ID,Name,Roles\n");

        for (size_t i = 0; i < n && !r; i++) {
                _cleanup_(buffer_deinit) struct buffer record = {};

                r = append_csv_record(&record, reply_element(parameters, "groups", i));
                if (!r && for_terminal)
                        r = text_append_safe(out, buffer_bytes(&record), buffer_size(&record));
                else if (!r)
                        r = buffer_append(out, buffer_bytes(&record), buffer_size(&record));
                r = r ?: buffer_append(out, "\n", 1);
        }

        return r;
}

/* One group a line in both, so that the array can be read by eye, too. */
static int listing_write_json(struct buffer *out, struct json_object *parameters, bool lines) {
        size_t n = reply_length(parameters, "groups");
        int r = lines ? 0 : buffer_append(out, "[", 1);

        for (size_t i = 0; i < n && !r; i++) {
                if (!lines)
                        r = buffer_append_string(out, i > 0 ? ",\n " : "\n ");
                r = r ?: reply_append_json(out, reply_element(parameters, "groups", i));
                if (lines)
                        r = r ?: buffer_append(out, "\n", 1);
        }

        if (!lines)
                r = r ?: buffer_append_string(out, n > 0 ? "\n]\n" : "]\n");
        return r;
}

int listing_write(struct buffer *out, struct json_object *parameters, enum listing_format format,
                  bool for_terminal) {
        switch (format) {

        case LISTING_TABLE:
                return listing_write_table(out, parameters);

        case LISTING_CSV:
                return listing_write_csv(out, parameters, for_terminal);

        case LISTING_JSON:
        case LISTING_JSON_LINES:
                return listing_write_json(out, parameters, format == LISTING_JSON_LINES);

        case _LISTING_FORMAT_MAX:
                break;
        }

        return -EINVAL;
}

int listing_role_rank(const char *role) {
        static const char *const roles[] = {"member", "manager", "admin"};

        for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
                if (streq(roles[i], role))
                        return (int)i + 1;

        return 0;
}

static bool membership_counts(struct json_object *membership, const struct listing_question *question) {
        const char *status = json_get_string(membership, "status"), *role = json_get_string(membership, "role");

        if (status &&
            (question->statuses ? !strv_contains(question->statuses, status) : !streq(status, "active")))
                return false;

        return !question->role || (role && listing_role_rank(role) >= listing_role_rank(question->role));
}

bool listing_is_member(struct json_object *parameters, const struct listing_question *question) {
        size_t n = reply_length(parameters, "groups");

        for (size_t i = 0; i < n; i++) {
                struct json_object *group = reply_element(parameters, "groups", i);
                const char *id = json_get_string(group, "id");
                size_t n_memberships = reply_length(group, "memberships");

                if (!id || strcasecmp(id, question->group_id) != 0)
                        continue;
                for (size_t k = 0; k < n_memberships; k++)
                        if (membership_counts(reply_element(group, "memberships", k), question))
                                return true;
        }

        return false;
}
