#include "daemon/base/config-value.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/config-policy.h"

/* In seconds. Libcurl counts milliseconds, and takes 0 for no limit at all. */
#define TIMEOUT_MIN 0.001
#define TIMEOUT_MAX 86400.0

static int copy(char **ret, const char *text) {
        char *copied = strdup(text);

        if (!copied)
                return -ENOMEM;

        *ret = copied;
        return 0;
}

static bool is_one_of(const char *text, size_t n, const char *const *list) {
        for (; *list; list++)
                if (strlen(*list) == n && strncasecmp(*list, text, n) == 0)
                        return true;

        return false;
}

/* Neither blanks nor control characters nor what is beyond ASCII. */
static bool is_graphic(const char *text) {
        for (; *text; text++)
                if (*text <= ' ' || *text > '~')
                        return false;

        return true;
}

/* known ends with NULL. */
static int check_word(char **ret, const char *text, const char *const *known) {
        for (; *known; known++)
                if (streq(*known, text))
                        return copy(ret, text);

        return -EINVAL;
}

static int check_environment(char **ret, const char *text) {
        static const char *const known[] = {"production", "preview", "sandbox", "integration",
                                            "test",       "staging", NULL};

        return check_word(ret, text, known);
}

/* The others are a decision about one store, made by a call. */
static int check_protector(char **ret, const char *text) {
        static const char *const known[] = {"auto", "systemd-creds", "keyfile", "memory", NULL};

        return check_word(ret, text, known);
}

static int check_keep_unlocked(char **ret, const char *text) {
        static const char *const known[] = {"true", "false", NULL};

        return check_word(ret, text, known);
}

static int check_client_id(char **ret, const char *text) {
        static const char uuid[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

        if (strlen(text) != strlen(uuid))
                return -EINVAL;

        for (size_t i = 0; uuid[i]; i++)
                if (uuid[i] == '-' ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
                        return -EINVAL;

        return copy(ret, text);
}

static int check_ca_file(char **ret, const char *text) {
        struct stat st;

        if (text[0] != '/' || stat(text, &st) < 0 || !S_ISREG(st.st_mode) || access(text, R_OK) < 0)
                return -EINVAL;

        return copy(ret, text);
}

static int check_proxy(char **ret, const char *text) {
        static const char *const schemes[] = {"http", "https", "socks4", "socks4a", "socks5", "socks5h", NULL};
        const char *host = strstr(text, "://");

        if (!is_graphic(text))
                return -EINVAL;
        if (host && (!is_one_of(text, (size_t)(host - text), schemes) || !host[3]))
                return -EINVAL;

        return copy(ret, text);
}

static int check_http_timeout(char **ret, const char *text) {
        double seconds;
        char *end;

        /* strtod() knows more numbers than people would write */
        if (!*text || text[strspn(text, "0123456789.eE+-")])
                return -EINVAL;

        seconds = strtod(text, &end);
        if (*end || !(seconds >= TIMEOUT_MIN && seconds <= TIMEOUT_MAX))
                return -EINVAL;

        return copy(ret, text);
}

/* The length of a host name or of an address in brackets at the start of text; 0: neither. */
static size_t host_length(const char *text) {
        size_t n;

        if (*text != '[') {
                n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");
                return *text == '.' || *text == '-' ? 0 : n;
        }

        n = strspn(text + 1, "0123456789abcdefABCDEF:.");
        return n && text[n + 1] == ']' ? n + 2 : 0;
}

/* True if what follows the host is nothing, or a port and then nothing, or a path. */
static bool is_port_and_path(const char *text) {
        if (*text == ':') {
                unsigned long port;
                char *end;

                if (!isdigit((unsigned char)text[1]))
                        return false;

                port = strtoul(text + 1, &end, 10);
                if (port < 1 || port > 65535)
                        return false;
                text = end;
        }

        return !*text || (*text == '/' && !strpbrk(text, "?#\\\"<>^`{|}"));
}

int config_check_url(char **ret, const char *url) {
        static const char scheme[] = "https://";
        size_t n_scheme = strlen(scheme), n_host, n = strlen(url);
        char *checked;

        if (strncasecmp(url, scheme, n_scheme) != 0 || !is_graphic(url))
                return -EINVAL;

        n_host = host_length(url + n_scheme);
        if (n_host == 0 || !is_port_and_path(url + n_scheme + n_host))
                return -EINVAL;

        while (url[n - 1] == '/')
                n--;
        if (asprintf(&checked, "%.*s/", (int)n, url) < 0)
                return -ENOMEM;

        /* so that one place has one name */
        for (size_t i = 0; i < n_scheme + n_host; i++)
                checked[i] = (char)tolower((unsigned char)checked[i]);

        *ret = checked;
        return 0;
}

static const struct {
        const char *name;
        int (*check)(char **ret, const char *text);
        const char *allowed;
} values[] = {
        [SETTING_ENVIRONMENT] = {"environment", check_environment,
                                 "one of production, preview, sandbox, integration, test, staging"},
        [SETTING_AUTH_URL] = {"auth_url", config_check_url,
                              "a URL that begins with https:// and has no user, query or fragment"},
        [SETTING_GROUPS_URL] = {"groups_url", config_check_url,
                                "a URL that begins with https:// and has no user, query or fragment"},
        [SETTING_CLIENT_ID] = {"client_id", check_client_id,
                               "the UUID of a native app that is registered with Globus"},
        [SETTING_CA_FILE] = {"ca_file", check_ca_file,
                             "the absolute path of a file of certificates (PEM) that can be read"},
        [SETTING_PROXY] = {"proxy", check_proxy,
                           "[SCHEME://]HOST[:PORT] with the scheme http, https, socks4, socks4a, socks5 or "
                           "socks5h, or \"\" for no proxy"},
        [SETTING_HTTP_TIMEOUT] = {"http_timeout", check_http_timeout,
                                  "a number of seconds, at least 0.001 and at most 86400"},
        [SETTING_PROTECTOR] =
                {"protector", check_protector,
                 "one of auto, systemd-creds, keyfile, memory (passphrase and plaintext are chosen "
                 "with: globus-agentctl key)"},
        [SETTING_KEEP_UNLOCKED] = {"keep_unlocked", check_keep_unlocked, "true or false"},
        [SETTING_POLICY] = {"policy", config_policy_check,
                            "an object with a list \"protectors\" of one or more of " CONFIG_POLICY_PROTECTORS},
};

const char *config_name(enum setting setting) {
        return values[setting].name;
}

int config_value_find(enum setting *ret, const char *name) {
        for (size_t i = 0; i < ARRAY_SIZE(values); i++)
                if (streq(values[i].name, name)) {
                        *ret = (enum setting)i;
                        return 0;
                }

        return -EINVAL;
}

enum json_type config_value_type(enum setting setting) {
        switch (setting) {
        case SETTING_HTTP_TIMEOUT:
                return json_type_double;
        case SETTING_KEEP_UNLOCKED:
                return json_type_boolean;
        case SETTING_POLICY:
                return json_type_object;
        case SETTING_ENVIRONMENT:
        case SETTING_AUTH_URL:
        case SETTING_GROUPS_URL:
        case SETTING_CLIENT_ID:
        case SETTING_CA_FILE:
        case SETTING_PROXY:
        case SETTING_PROTECTOR:
        case _SETTING_MAX:
                break;
        }

        return json_type_string;
}

int config_value_check(char **ret, enum setting setting, const char *text) {
        return values[setting].check(ret, text);
}

const char *config_value_allowed(enum setting setting) {
        return values[setting].allowed;
}
