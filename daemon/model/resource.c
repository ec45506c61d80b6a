#include "daemon/model/resource.h"

#include <errno.h>

#include "daemon/model/scope.h"
#include "proto/error.h"
#include "proto/strv.h"

#define URN "urn:globus:auth:scope:"
#define URL "https://auth.globus.org/scopes/" /* in every environment */
#define FLOWS_ID "eec9b274-0c81-4334-bdc2-54e90e689b9a"
#define TIMERS_ID "524230d7-ea86-4a52-8312-86065a9e0417"
#define COMPUTE_ID "facd7ccc-c5f4-42aa-916b-a0e270e2c2a9"
#define GROUPS_SCOPE URN RESOURCE_SERVER_GROUPS ":view_my_groups_and_memberships"

enum { SERVER_MAX = 255, SHOWN_MAX = 80, UUID_LENGTH = 36 };

static char *const identity_scopes[] = {"email", "openid", "profile", NULL};
static char *const default_scopes[] = {"email", "openid", "profile", GROUPS_SCOPE, NULL};

static const struct service {
        const char *alias, *server;
        const char *scope_id; /* what its scopes name instead of the server; NULL: the server */
        char *const scopes[4]; /* sorted */
} services[] = {
        {"auth", RESOURCE_SERVER_AUTH, NULL, {"email", "openid", "profile"}},
        {"groups", RESOURCE_SERVER_GROUPS, NULL, {GROUPS_SCOPE}},
        {"transfer", "transfer.api.globus.org", NULL, {URN "transfer.api.globus.org:all"}},
        {"search", "search.api.globus.org", NULL, {URN "search.api.globus.org:search"}},
        {"flows", "flows.globus.org", FLOWS_ID, {URL FLOWS_ID "/all"}},
        {"timers", TIMERS_ID, TIMERS_ID, {URL TIMERS_ID "/timer"}},
        {"compute", "funcx_service", COMPUTE_ID, {URL COMPUTE_ID "/all"}},
};

#define ALIASES "auth, groups, transfer, search, flows, timers, compute"

void resource_deinit(struct resource *resource) {
        free(resource->server);
        strv_free(resource->scopes);
        *resource = (struct resource){0};
}

char *const *resource_default_scopes(void) {
        return default_scopes;
}

char *const *resource_identity_scopes(void) {
        return identity_scopes;
}

/* Text of a caller's for a message: cut, and only visible ASCII, which is all that a resource can be made
 * of. */
static const char *shown(char buffer[static SHOWN_MAX + sizeof("...")], const char *text) {
        size_t n = strnlen(text, SHOWN_MAX);

        for (size_t i = 0; i < n; i++)
                buffer[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';

        strcpy(buffer + n, text[n] ? "..." : "");
        return buffer;
}

static bool is_server_text(const char *text, size_t n) {
        return n > 0 && n <= SERVER_MAX &&
               n == strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
}

static bool is_uuid(const char *text) {
        static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

        if (strlen(text) != UUID_LENGTH)
                return false;

        for (size_t i = 0; i < UUID_LENGTH; i++)
                if (form[i] == '-' ? text[i] != '-' : !strchr("0123456789abcdefABCDEF", text[i]))
                        return false;

        return true;
}

static bool is_server(const char *text) {
        return is_server_text(text, strlen(text)) && (strchr(text, '.') || is_uuid(text));
}

static const char *skip_prefix(const char *text, const char *prefix) {
        size_t n = strlen(prefix);

        return strncmp(text, prefix, n) == 0 ? text + n : NULL;
}

/* The id as a scope's URL has it, to the server it stands for. */
static int server_of_id(char **ret, const char *id, size_t n) {
        char *server;

        for (size_t i = 0; i < ARRAY_SIZE(services); i++) {
                const char *known = services[i].scope_id;

                if (known && strlen(known) == n && memcmp(known, id, n) == 0) {
                        id = services[i].server;
                        n = strlen(id);
                        break;
                }
        }

        server = strndup(id, n);
        if (!server)
                return -ENOMEM;

        *ret = server;
        return 0;
}

int resource_of_scope(char **ret, const char *scope) {
        _cleanup_(freep) char *name = NULL;
        const char *rest, *separator = ":";
        size_t n;
        int r;

        r = scope_name(&name, scope);
        if (r)
                return r;

        if (strv_contains(identity_scopes, name))
                return server_of_id(ret, RESOURCE_SERVER_AUTH, strlen(RESOURCE_SERVER_AUTH));

        rest = skip_prefix(name, URN);
        if (!rest) {
                rest = skip_prefix(name, URL);
                separator = "/";
        }
        if (!rest)
                return -EINVAL;

        n = strcspn(rest, separator);
        if (rest[n] == '\0' || rest[n + 1] == '\0')
                return -EINVAL;

        _cleanup_(freep) char *id = strndup(rest, n);
        if (!id)
                return -ENOMEM;
        if (!is_server_text(id, n))
                return -EINVAL;

        return server_of_id(ret, id, n);
}

static int unknown(struct fault *fault, const char *text) {
        char buffer[SHOWN_MAX + sizeof("...")];

        return fault_set(fault, AGENT_ERROR_UNKNOWN_RESOURCE,
                         "No resource '%s' is known: give one of " ALIASES ", a resource server or a scope",
                         shown(buffer, text));
}

static int mixed(struct fault *fault, const char *a, const char *b) {
        char buffer_a[SHOWN_MAX + sizeof("...")], buffer_b[SHOWN_MAX + sizeof("...")];

        return fault_set(
                fault, AGENT_ERROR_UNKNOWN_RESOURCE,
                "These scopes are of different resource servers, %s and %s: a token is for one of them",
                shown(buffer_a, a), shown(buffer_b, b));
}

/* The one server of all scopes. */
static int server_of_scopes(char **ret, char *const *scopes, struct fault *fault) {
        _cleanup_(freep) char *server = NULL;
        int r;

        for (; scopes && *scopes; scopes++) {
                _cleanup_(freep) char *other = NULL;

                r = resource_of_scope(&other, *scopes);
                if (r)
                        return r;

                if (server && !streq(server, other))
                        return mixed(fault, server, other);
                if (!server)
                        server = TAKE(other);
        }

        if (!server)
                return -EINVAL;

        *ret = TAKE(server);
        return 0;
}

/* -EINVAL: not scopes. */
static int resolve_scopes(struct resource *ret, const char *text, struct fault *fault) {
        _cleanup_(strv_freep) char **scopes = NULL;
        char *server = NULL;
        int r;

        r = scope_split(&scopes, text);
        if (r)
                return r;

        r = server_of_scopes(&server, scopes, fault);
        if (r)
                return r;

        strv_sort(scopes);
        *ret = (struct resource){.server = server, .scopes = TAKE(scopes), .by_scope = true};
        return 0;
}

static int resolve_server(struct resource *ret, const char *server, char *const *default_of_it) {
        _cleanup_(strv_freep) char **scopes = NULL;
        char *copy;
        int r;

        r = strv_copy(&scopes, default_of_it);
        if (r)
                return r;

        copy = strdup(server);
        if (!copy)
                return -ENOMEM;

        *ret = (struct resource){.server = copy, .scopes = TAKE(scopes)};
        return 0;
}

int resource_resolve(struct resource *ret, const char *text, struct fault *fault) {
        int r;

        for (size_t i = 0; i < ARRAY_SIZE(services); i++)
                if (streq(text, services[i].alias) || streq(text, services[i].server))
                        return resolve_server(ret, services[i].server, services[i].scopes);

        if (is_server(text))
                return resolve_server(ret, text, NULL);

        r = resolve_scopes(ret, text, fault);
        return r == -EINVAL ? unknown(fault, text) : r;
}
