#include "daemon/model/scope.h"

#include <errno.h>

#include "proto/strv.h"

/* What a character of a scope text is, as bits, so that sets of them can be named. */
enum {
        BLANK = 1 << 0, /* also what stands before the first character */
        NAME = 1 << 1,
        STAR = 1 << 2,
        OPEN = 1 << 3,
        CLOSE = 1 << 4,
};

/* RFC 6749, section 3.3: visible ASCII but for the quote and the backslash. 0: none of it. */
static int classify(char c) {
        switch (c) {
        case ' ':
                return BLANK;
        case '*':
                return STAR;
        case '[':
                return OPEN;
        case ']':
                return CLOSE;
        case '"':
        case '\\':
                return 0;
        }

        return c > ' ' && c <= '~' ? NAME : 0;
}

/* What may stand before a character of this class. Inside brackets one blank separates, outside any number
 * does. */
static int allowed_before(int class, size_t depth) {
        switch (class) {
        case BLANK:
                return depth > 0 ? NAME | CLOSE : BLANK | NAME | CLOSE;
        case NAME:
                return BLANK | NAME | STAR | OPEN;
        case STAR:
                return BLANK | OPEN;
        case OPEN:
                return NAME;
        case CLOSE:
                return depth > 0 ? NAME | CLOSE : 0;
        }

        return 0;
}

/* The length of the scope at the front, up to a blank at the top level or the end. -EINVAL: it is none. */
static int scope_length(size_t *ret, const char *text) {
        size_t depth = 0, i;
        int before = BLANK, class;

        for (i = 0; text[i]; i++) {
                class = classify(text[i]);
                if (!(before & allowed_before(class, depth)))
                        return -EINVAL;
                if (class == BLANK && depth == 0)
                        break;

                if (class == OPEN)
                        depth++;
                if (class == CLOSE)
                        depth--;
                before = class;
        }

        if (depth > 0 || before == STAR)
                return -EINVAL;

        *ret = i;
        return 0;
}

int scope_split(char ***ret, const char *text) {
        _cleanup_(strv_freep) char **scopes = NULL;
        size_t n, found = 0;
        int r;

        for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
                _cleanup_(freep) char *scope = NULL;

                if (++found > SCOPES_MAX)
                        return -EINVAL;

                r = scope_length(&n, text);
                if (r)
                        return r;

                scope = strndup(text, n);
                if (!scope)
                        return -ENOMEM;

                r = strv_append(&scopes, scope);
                if (r)
                        return r;

                text += n;
        }

        *ret = TAKE(scopes);
        return 0;
}

/* The name within a scope: its start, and how long it is. */
static const char *name_of(const char *scope, size_t *ret_length) {
        scope += *scope == '*';
        *ret_length = strcspn(scope, "[");
        return scope;
}

int scope_name(char **ret, const char *scope) {
        size_t length;
        const char *start = name_of(scope, &length);
        char *name;

        name = strndup(start, length);
        if (!name)
                return -ENOMEM;

        *ret = name;
        return 0;
}

static bool contains_name(char *const *scopes, const char *scope) {
        size_t length, other_length;
        const char *name = name_of(scope, &length);

        for (; scopes && *scopes; scopes++) {
                const char *other = name_of(*scopes, &other_length);

                if (length == other_length && memcmp(name, other, length) == 0)
                        return true;
        }

        return false;
}

bool scope_covers(char *const *granted, char *const *requested, char *const *wanted) {
        for (; wanted && *wanted; wanted++) {
                if (!contains_name(granted, *wanted))
                        return false;
                if (strchr(*wanted, '[') && !strv_contains(requested, *wanted))
                        return false;
        }

        return true;
}
