#include "daemon/base/config-file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/config-policy.h"
#include "daemon/base/config-value.h"
#include "proto/buffer.h"
#include "proto/error.h"
#include "proto/json.h"

#define SETTING_NAMES                                                                                          \
        "environment, auth_url, groups_url, client_id, ca_file, proxy, http_timeout, protector, "              \
        "keep_unlocked, policy"

enum { FILE_MAX = 64 * 1024 };

void config_file_deinit(struct config_file *file) {
        for (size_t i = 0; i < _SETTING_MAX; i++)
                free(file->text[i]);
}

static void closep(int *fd) {
        if (*fd >= 0)
                close(*fd);
}

/* The whole file, or as much of it as shows that it is too large. */
static int read_contents(struct buffer *out, int fd) {
        while (buffer_size(out) <= FILE_MAX) {
                char *room;
                ssize_t n;
                int r;

                r = buffer_reserve(out, FILE_MAX + 1, &room);
                if (r)
                        return r;

                n = read(fd, room, FILE_MAX + 1);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : 0;
                buffer_commit(out, (size_t)n);
        }

        return 0;
}

static int bad_file(struct fault *fault, const char *path, const char *why) {
        return fault_set(fault, AGENT_ERROR_NOT_CONFIGURED, "%s %s", path, why);
}

static int unreadable(struct fault *fault, const char *path, int error) {
        return fault_set(fault, AGENT_ERROR_NOT_CONFIGURED, "%s cannot be read: %s", path,
                         strerrordesc_np(error));
}

/* Whoever may write the file decides whom tokens are sent to. -ENOENT: there is none. */
static int read_file(struct buffer *out, const char *path, mode_t forbidden, struct fault *fault) {
        _cleanup_(closep) int fd = -1;
        struct stat st;
        int r;

        fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
                return -ENOENT;
        if (fd < 0 || fstat(fd, &st) < 0)
                return unreadable(fault, path, errno);

        if (!S_ISREG(st.st_mode))
                return bad_file(fault, path, "must be a regular file");
        if (st.st_uid != 0 && st.st_uid != geteuid())
                return bad_file(fault, path, "must belong to you or to root");
        if (st.st_mode & forbidden)
                return bad_file(fault, path, "must not be writable by other users");

        r = read_contents(out, fd);
        if (r == -ENOMEM)
                return r;
        if (r)
                return unreadable(fault, path, -r);
        if (buffer_size(out) > FILE_MAX)
                return bad_file(fault, path, "must not be larger than 64 KiB");
        return 0;
}

static bool is_of_type(struct json_object *value, enum json_type type) {
        if (type == json_type_double && json_object_is_type(value, json_type_int))
                return true;

        return json_object_is_type(value, type);
}

static int parse_member(struct config_file *file, const char *path, const char *name, struct json_object *value,
                        struct fault *fault) {
        enum setting setting;
        enum json_type type;
        int r = -EINVAL;

        if (config_value_find(&setting, name))
                return fault_set(fault, AGENT_ERROR_NOT_CONFIGURED,
                                 "%s: unknown key \"%s\" (allowed are " SETTING_NAMES ")", path, name);
        if (!value)
                return 0;

        type = config_value_type(setting);
        if (type == json_type_object && is_of_type(value, type))
                r = config_policy_read(&file->text[setting], value);
        else if (is_of_type(value, type))
                r = config_value_check(&file->text[setting], setting, json_object_get_string(value));
        if (r == -EINVAL)
                return fault_set(fault, AGENT_ERROR_NOT_CONFIGURED, "%s: \"%s\" must be %s", path, name,
                                 config_value_allowed(setting));
        return r;
}

static int parse_file(struct config_file *file, const char *path, struct bytes text, struct fault *fault) {
        _cleanup_(json_freep) struct json_object *object = NULL;
        int r;

        r = json_parse(&object, text.data, text.n, JSON_COMMENTS);
        if (r == -ENOMEM)
                return r;
        if (r || !json_object_is_type(object, json_type_object))
                return bad_file(fault, path, "must be one JSON object (comments are allowed)");

        json_object_object_foreach(object, name, value) {
                r = parse_member(file, path, name, value, fault);
                if (r)
                        return r;
        }

        return 0;
}

int config_file_read(struct config_file *file, const char *path, mode_t forbidden, struct fault *fault) {
        _cleanup_(buffer_deinit) struct buffer contents = {0};
        int r;

        r = read_file(&contents, path, forbidden, fault);
        if (r)
                return r == -ENOENT ? 0 : r;

        return parse_file(file, path, (struct bytes){buffer_bytes(&contents), buffer_size(&contents)}, fault);
}
