#include "daemon/remote/form.h"

static bool is_unreserved(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
               c == '.' || c == '_' || c == '~';
}

static int form_escape(struct buffer *out, const char *text, size_t n) {
        static const char hex[] = "0123456789ABCDEF";
        char *room;
        size_t written = 0;
        int r;

        r = buffer_reserve(out, 3 * n, &room);
        if (r)
                return r;

        for (size_t i = 0; i < n; i++) {
                unsigned char c = (unsigned char)text[i];

                if (is_unreserved(text[i])) {
                        room[written++] = text[i];
                } else if (c == ' ') {
                        room[written++] = '+';
                } else {
                        room[written++] = '%';
                        room[written++] = hex[c >> 4];
                        room[written++] = hex[c & 15];
                }
        }

        buffer_commit(out, written);
        return 0;
}

int form_add_n(struct buffer *out, const char *name, const char *value, size_t n) {
        size_t size = buffer_size(out);
        int r = 0;

        if (!value)
                return 0;

        if (size > 0 && buffer_bytes(out)[size - 1] != '?')
                r = buffer_append(out, "&", 1);
        if (!r)
                r = form_escape(out, name, strlen(name));
        if (!r)
                r = buffer_append(out, "=", 1);
        if (!r)
                r = form_escape(out, value, n);

        return r;
}

int form_add(struct buffer *out, const char *name, const char *value) {
        return value ? form_add_n(out, name, value, strlen(value)) : 0;
}

int form_finish(struct secret **ret, struct buffer *form) {
        int r;

        r = secret_new(ret, buffer_bytes(form), buffer_size(form));
        if (!r)
                buffer_clear(form);

        return r;
}
