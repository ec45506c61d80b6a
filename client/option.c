#include "client/option.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "proto/strv.h"

/* Where an option was found. */
struct match {
        const struct option_spec *spec;
        void *record; /* borrowed */
};

static int option_complain(char **ret_error, const char *format, ...) _printf_(2, 3);

static int option_complain(char **ret_error, const char *format, ...) {
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(ret_error, format, ap);
        va_end(ap);

        return n < 0 ? -ENOMEM : -EINVAL;
}

static struct match option_find(const struct option_scope *scopes, const char *name, size_t n, char letter) {
        for (; scopes->table; scopes++)
                for (const struct option_spec *spec = scopes->table; spec->name; spec++) {
                        if (spec->type == OPTION_OPERAND)
                                continue;
                        if (name && (strlen(spec->name) != n || memcmp(spec->name, name, n) != 0))
                                continue;
                        if (!name && (!letter || spec->letter != letter))
                                continue;
                        return (struct match){.spec = spec, .record = scopes->record};
                }

        return (struct match){};
}

static int option_parse_seconds(int64_t *ret, const char *value) {
        int64_t n = 0;

        if (!*value)
                return -EINVAL;

        for (const char *p = value; *p; p++) {
                if (*p < '0' || *p > '9')
                        return -EINVAL;
                n = n * 10 + (*p - '0');
                if (n > OPTION_SECONDS_MAX)
                        return -EINVAL;
        }

        *ret = n;
        return 0;
}

static int option_store(struct match match, const char *value, char **ret_error) {
        char *place = (char *)match.record + match.spec->offset;

        switch (match.spec->type) {

        case OPTION_FLAG:
                *(bool *)(void *)place = true;
                return 0;

        case OPTION_STRING:
        case OPTION_OPERAND:
                *(const char **)(void *)place = value;
                return 0;

        case OPTION_STRINGS:
                return strv_append((char ***)(void *)place, value);

        case OPTION_SECONDS:
                if (option_parse_seconds((int64_t *)(void *)place, value))
                        return option_complain(ret_error, "--%s needs a whole number of seconds, not '%s'",
                                               match.spec->name, value);
                return 0;
        }

        return -EINVAL;
}

/* argv stands at a "--name" or "--name=value" and is left behind what was taken. */
static int option_parse_long(char ***argv, const struct option_scope *scopes, char **ret_error) {
        const char *name = *(*argv)++ + 2, *value = strchr(name, '=');
        size_t n = value ? (size_t)(value - name) : strlen(name);
        struct match match = option_find(scopes, name, n, 0);

        if (!match.spec)
                return option_complain(ret_error, "unknown option '--%.*s'", (int)MIN(n, 200U), name);
        if (match.spec->type == OPTION_FLAG && value)
                return option_complain(ret_error, "--%s takes no value", match.spec->name);
        if (match.spec->type == OPTION_FLAG)
                return option_store(match, NULL, ret_error);

        value = value ? value + 1 : **argv;
        if (!value)
                return option_complain(ret_error, "--%s needs a value", match.spec->name);
        if (value == **argv)
                (*argv)++;
        return option_store(match, value, ret_error);
}

/* argv stands at a "-abc". */
static int option_parse_short(char ***argv, const struct option_scope *scopes, char **ret_error) {
        const char *letters = *(*argv)++ + 1;
        int r;

        for (; *letters; letters++) {
                struct match match = option_find(scopes, NULL, 0, *letters);
                const char *value;

                if (!match.spec)
                        return option_complain(ret_error, "unknown option '-%c'", *letters);
                if (match.spec->type == OPTION_FLAG) {
                        r = option_store(match, NULL, ret_error);
                        if (r)
                                return r;
                        continue;
                }

                value = letters[1] ? letters + 1 : *(*argv)++;
                if (!value) {
                        (*argv)--;
                        return option_complain(ret_error, "-%c needs a value", *letters);
                }
                return option_store(match, value, ret_error);
        }

        return 0;
}

/* The operand that comes after the n before it. */
static struct match option_find_operand(const struct option_scope *scopes, size_t n) {
        for (; scopes->table; scopes++)
                for (const struct option_spec *spec = scopes->table; spec->name; spec++)
                        if (spec->type == OPTION_OPERAND && n-- == 0)
                                return (struct match){.spec = spec, .record = scopes->record};

        return (struct match){};
}

int option_parse(char ***argv, const struct option_scope *scopes, char **ret_error) {
        bool operands_only = false;
        size_t n_operands = 0;
        int r;

        while (**argv) {
                const char *argument = **argv;

                if (!operands_only && streq(argument, "--")) {
                        operands_only = true;
                        (*argv)++;
                        continue;
                }

                if (operands_only || argument[0] != '-' || !argument[1]) {
                        struct match match = option_find_operand(scopes, n_operands);

                        if (!match.spec)
                                return 0;
                        n_operands++;
                        (*argv)++;
                        r = option_store(match, argument, ret_error);
                } else if (argument[1] == '-')
                        r = option_parse_long(argv, scopes, ret_error);
                else
                        r = option_parse_short(argv, scopes, ret_error);
                if (r)
                        return r;
        }

        return 0;
}

void option_release(const struct option_spec *table, void *record) {
        for (; table->name; table++) {
                char ***strv = (char ***)(void *)((char *)record + table->offset);

                if (table->type == OPTION_STRINGS)
                        *strv = strv_free(*strv);
        }
}
