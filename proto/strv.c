#include "proto/strv.h"

#include <errno.h>

char **strv_free(char **strv) {
        for (char **s = strv; s && *s; s++)
                free(*s);

        free(strv);
        return NULL;
}

size_t strv_length(char *const *strv) {
        size_t n = 0;

        while (strv && strv[n])
                n++;

        return n;
}

bool strv_contains(char *const *strv, const char *string) {
        for (; strv && *strv; strv++)
                if (streq(*strv, string))
                        return true;

        return false;
}

bool strv_includes(char *const *strv, char *const *subset) {
        for (; subset && *subset; subset++)
                if (!strv_contains(strv, *subset))
                        return false;

        return true;
}

/* Takes string over on success. */
static int strv_push(char ***strv, char *string) {
        size_t n = strv_length(*strv);
        char **grown;

        grown = reallocarray(*strv, n + 2, sizeof(*grown));
        if (!grown)
                return -ENOMEM;

        grown[n] = string;
        grown[n + 1] = NULL;
        *strv = grown;
        return 0;
}

int strv_append(char ***strv, const char *string) {
        _cleanup_(freep) char *copy = NULL;
        int r;

        copy = strdup(string);
        if (!copy)
                return -ENOMEM;

        r = strv_push(strv, copy);
        if (r)
                return r;

        copy = NULL;
        return 0;
}

static void strv_truncate(char **strv, size_t length) {
        for (size_t i = length; strv && strv[i]; i++) {
                free(strv[i]);
                strv[i] = NULL;
        }
}

int strv_append_new(char ***strv, char *const *more) {
        size_t length = strv_length(*strv);
        int r;

        for (; more && *more; more++) {
                if (strv_contains(*strv, *more))
                        continue;

                r = strv_append(strv, *more);
                if (r) {
                        strv_truncate(*strv, length);
                        return r;
                }
        }

        return 0;
}

int strv_copy(char ***ret, char *const *strv) {
        _cleanup_(strv_freep) char **copy = NULL;
        size_t n = strv_length(strv);

        if (n > 0) {
                copy = calloc(n + 1, sizeof(*copy));
                if (!copy)
                        return -ENOMEM;
        }

        for (size_t i = 0; i < n; i++) {
                copy[i] = strdup(strv[i]);
                if (!copy[i])
                        return -ENOMEM;
        }

        *ret = TAKE(copy);
        return 0;
}

int strv_split(char ***ret, const char *string, const char *separators) {
        _cleanup_(strv_freep) char **parts = NULL;
        size_t n = 0, length;

        for (const char *s = string + strspn(string, separators); *s; s += strspn(s, separators)) {
                s += strcspn(s, separators);
                n++;
        }
        if (n == 0) {
                *ret = NULL;
                return 0;
        }

        parts = calloc(n + 1, sizeof(*parts));
        if (!parts)
                return -ENOMEM;

        for (size_t i = 0; i < n; i++, string += length) {
                string += strspn(string, separators);
                length = strcspn(string, separators);
                parts[i] = strndup(string, length);
                if (!parts[i])
                        return -ENOMEM;
        }

        *ret = TAKE(parts);
        return 0;
}

int strv_join(char **ret, char *const *strv, const char *separator) {
        size_t n = 1;
        char *joined, *end;

        for (char *const *s = strv; s && *s; s++)
                n += strlen(*s) + strlen(separator);

        joined = malloc(n);
        if (!joined)
                return -ENOMEM;

        end = joined;
        *end = '\0';
        for (char *const *s = strv; s && *s; s++) {
                if (s != strv)
                        end = stpcpy(end, separator);

                end = stpcpy(end, *s);
        }

        *ret = joined;
        return 0;
}

static int string_compare(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(char **strv) {
        size_t n = strv_length(strv), kept = 0;

        if (n == 0)
                return;

        qsort(strv, n, sizeof(*strv), string_compare);

        for (size_t i = 1; i < n; i++)
                if (streq(strv[kept], strv[i]))
                        free(strv[i]);
                else
                        strv[++kept] = strv[i];

        strv[kept + 1] = NULL;
}

bool strv_equal(char *const *a, char *const *b) {
        size_t n = strv_length(a);

        if (n != strv_length(b))
                return false;

        for (size_t i = 0; i < n; i++)
                if (!streq(a[i], b[i]))
                        return false;

        return true;
}
