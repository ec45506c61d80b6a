#include "client/status-text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "client/reply.h"
#include "client/table.h"
#include "client/text.h"
#include "proto/json.h"

/* One line or a part of it; what comes from outside stays on its line. */
static int append(struct buffer *out, const char *end, const char *format, ...) _printf_(3, 4);

static int append(struct buffer *out, const char *end, const char *format, ...) {
        _cleanup_(freep) char *text = NULL;
        va_list ap;
        int n, r;

        va_start(ap, format);
        n = vasprintf(&text, format, ap);
        va_end(ap);
        if (n < 0) {
                text = NULL;
                return -ENOMEM;
        }

        r = text_append_safe(out, text, (size_t)n);
        return r ?: buffer_append_string(out, end);
}

static const char *member(struct json_object *object, const char *name) {
        return json_get_string(object, name) ?: "";
}

enum { TIME_SIZE = 48 };

static void format_time(char ret[TIME_SIZE], int64_t seconds) {
        time_t t = (time_t)seconds;
        struct tm local;

        if (!localtime_r(&t, &local) || strftime(ret, TIME_SIZE, "%Y-%m-%d %H:%M:%S", &local) == 0)
                snprintf(ret, TIME_SIZE, "%" PRIi64, seconds);
}

static int table_add_string(struct table *table, const char *text) {
        return table_add(table, text, strlen(text));
}

static int append_store(struct buffer *out, struct json_object *store) {
        const char *error = json_get_string(store, "error"), *state = member(store, "state");
        int r;

        r = append(out, "", "Store       %s (", member(store, "path"));
        if (!r && streq(state, "none"))
                r = append(out, ")\n", "%s",
                           reply_bool(store, "saved") ? "nothing saved yet" : "not saved yet");
        else if (!r && streq(state, "opening"))
                r = append(out, ")\n", "%s", state);
        else if (!r)
                r = append(out, ")\n", "%s, %s", state, reply_bool(store, "saved") ? "saved" : "not saved");
        r = r ?: append(out, "\n", "Protection  %s", member(store, "protection"));
        if (!r && error)
                r = append(out, "\n", "            %s", error);

        return r;
}

static int append_daemon(struct buffer *out, struct json_object *status) {
        char since[TIME_SIZE];
        int r;

        format_time(since, reply_int(status, "started_at", 0));
        r = append(out, "\n", "globus-agent %s, process %" PRIi64 ", since %s", member(status, "version"),
                   reply_int(status, "pid", 0), since);
        r = r
                    ?: append(out, "\n", "Socket      %s (%" PRIi64 " of %" PRIi64 " connections)",
                              member(status, "socket"), reply_int(status, "connections", 0),
                              reply_int(status, "connections_max", 0));
        r = r ?: append_store(out, json_get_object(status, "store"));
        if (!r && reply_int(status, "pending_logins", 0) > 0)
                r = append(out, "\n", "Logins      %" PRIi64 " waiting for a code",
                           reply_int(status, "pending_logins", 0));

        return r;
}

static int append_problems(struct buffer *out, struct json_object *status) {
        size_t n = reply_length(status, "problems");
        int r = 0;

        for (size_t i = 0; i < n && !r; i++) {
                const char *problem = json_object_get_string(reply_element(status, "problems", i));

                r = append(out, "\n", "%s%s", i == 0 ? "Problem     " : "            ", problem ?: "");
        }

        return r;
}

static int append_settings(struct buffer *out, struct json_object *status) {
        _cleanup_(table_deinit) struct table table = TABLE_INIT(3);
        size_t n = reply_length(status, "settings");
        int r = 0;

        if (n == 0)
                return 0;

        for (size_t i = 0; i < n && !r; i++) {
                struct json_object *setting = reply_element(status, "settings", i);
                _cleanup_(freep) char *origin = NULL;

                if (asprintf(&origin, "(%s)", member(setting, "origin")) < 0) {
                        origin = NULL;
                        return -ENOMEM;
                }
                r = table_add_string(&table, member(setting, "name"));
                r = r ?: table_add_string(&table, member(setting, "value"));
                r = r ?: table_add_string(&table, origin);
        }

        r = r ?: buffer_append_string(out, "\nSettings\n");
        return r ?: table_write(&table, out, "  ");
}

/* Without a scope: the login brings back all that has ended. */
static int append_login_needed(struct buffer *out, const char *profile) {
        int r = append(out, "", "a login is needed: globus-agentctl login");

        return r || streq(profile, "default") ? r : append(out, "", " --profile '%s'", profile);
}

/* "valid for 47 h 20 min, to be refreshed in 46 h, saved" */
static int append_grant_state(struct buffer *out, struct json_object *grant, const char *profile) {
        const char *state = member(grant, "state");
        int64_t expires_in = reply_int(grant, "expires_in", 0), refresh_at = reply_int(grant, "refresh_at", 0);
        char left[TEXT_DURATION_SIZE], refresh[TEXT_DURATION_SIZE];
        int r;

        text_duration(left, expires_in);
        text_duration(refresh, refresh_at - time(NULL));

        if (streq(state, "valid"))
                r = append(out, "", "valid for %s", left);
        else if (streq(state, "expired"))
                r = append(out, "", "expired, will be refreshed when it is asked for");
        else if (streq(state, "login_needed"))
                r = append_login_needed(out, profile);
        else
                r = append(out, "", "%s", state);

        if (!r && streq(state, "valid") && !reply_bool(grant, "refreshable"))
                r = append(out, "", ", without a refresh token");
        else if (!r && refresh_at > 0)
                r = append(out, "", ", next refresh in %s", refresh);

        return r ?: append(out, "\n", ", %s", reply_bool(grant, "saved") ? "saved" : "not saved");
}

/* "last error at 2026-11-23 10:00:00, 3 tries so far, no other for 40 s: connection refused" */
static int append_grant_error(struct buffer *out, struct json_object *grant) {
        int64_t at = reply_int(grant, "last_error_at", 0), tries = reply_int(grant, "tries", 0),
                retry_at = reply_int(grant, "retry_at", 0);
        const char *last_error = json_get_string(grant, "last_error");
        char when[TIME_SIZE], retry[TEXT_DURATION_SIZE];
        int r;

        if (!last_error)
                return 0;

        format_time(when, at);
        text_duration(retry, retry_at - time(NULL));
        r = buffer_append_string(out, "    last error");
        if (!r && at > 0)
                r = append(out, "", " at %s", when);
        if (!r && tries > 0)
                r = append(out, "", ", %" PRIi64 " %s so far", tries, tries == 1 ? "try" : "tries");
        if (!r && retry_at > 0)
                r = append(out, "", ", no other for %s", retry);

        return r ?: append(out, "\n", ": %s", last_error);
}

static int append_grant_success(struct buffer *out, struct json_object *grant) {
        int64_t refreshed_at = reply_int(grant, "refreshed_at", 0);
        char when[TIME_SIZE];

        if (refreshed_at <= 0)
                return 0;

        format_time(when, refreshed_at);
        return append(out, "\n", "    last success at %s", when);
}

static int append_grant(struct buffer *out, struct json_object *grant, const char *profile) {
        size_t n = reply_length(grant, "scopes");
        int r;

        r = append(out, "\n", "  %s", member(grant, "resource_server"));
        r = r ?: buffer_append_string(out, "    ");
        r = r ?: append_grant_state(out, grant, profile);
        for (size_t i = 0; i < n && !r; i++)
                r = append(out, "\n", "    %s %s", i == 0 ? "scopes" : "      ",
                           json_object_get_string(reply_element(grant, "scopes", i)) ?: "");
        r = r ?: append_grant_success(out, grant);
        r = r ?: append_grant_error(out, grant);
        if (!r && reply_bool(grant, "expiring_soon"))
                r = append(
                        out, "\n",
                        "    expires soon: Globus ends what is not refreshed for 6 months; see that it can be "
                        "reached");

        return r;
}

static int append_profile(struct buffer *out, struct json_object *profile) {
        size_t n = reply_length(profile, "grants");
        int r;

        r = buffer_append_string(out, "\n");
        r = r
                    ?: append(out, "\n", "Profile '%s': %s (%s)", member(profile, "profile"),
                              json_get_string(profile, "username") ?: "nobody", member(profile, "environment"));
        for (size_t i = 0; i < n && !r; i++)
                r = append_grant(out, reply_element(profile, "grants", i), member(profile, "profile"));

        return r;
}

/* Why no profile is shown, or none that can be used. */
static int append_state(struct buffer *out, struct json_object *store, size_t n_profiles) {
        const char *state = member(store, "state");

        if (streq(state, "locked"))
                return buffer_append_string(out, "\nLocked: globus-agentctl unlock\n");
        if (n_profiles > 0)
                return 0;
        if (streq(state, "opening") || streq(state, "unreadable"))
                return buffer_append_string(out,
                                            "\nWho is logged in is not known, as the store was not read\n");

        return buffer_append_string(out, "\nNobody is logged in: globus-agentctl login\n");
}

int status_text_write(struct buffer *out, struct json_object *status) {
        size_t n = reply_length(status, "profiles");
        int r;

        r = append_daemon(out, status);
        r = r ?: append_problems(out, status);
        r = r ?: append_settings(out, status);
        for (size_t i = 0; i < n && !r; i++)
                r = append_profile(out, reply_element(status, "profiles", i));

        return r ?: append_state(out, json_get_object(status, "store"), n);
}
