#include "proto/writer.h"

#include <errno.h>
#include <stdio.h>

#include "proto/json-scan.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static void writer_append(struct writer *writer, const void *data, size_t n) {
        if (writer->r == 0)
                writer->r = buffer_append(writer->out, data, n);
}

static void writer_append_string(struct writer *writer, const char *text) {
        writer_append(writer, text, strlen(text));
}

/* What stands between the value before and the one that comes. */
static void writer_separate(struct writer *writer) {
        if (writer->comma)
                writer_append(writer, ",", 1);
}

void write_object_begin(struct writer *writer) {
        writer_separate(writer);
        writer_append(writer, "{", 1);
        writer->comma = false;
}

void write_object_end(struct writer *writer) {
        writer_append(writer, "}", 1);
        writer->comma = true;
}

void write_array_begin(struct writer *writer) {
        writer_separate(writer);
        writer_append(writer, "[", 1);
        writer->comma = false;
}

void write_array_end(struct writer *writer) {
        writer_append(writer, "]", 1);
        writer->comma = true;
}

void write_name(struct writer *writer, const char *name) {
        write_string(writer, name);
        writer_append(writer, ":", 1);
        writer->comma = false;
}

static void write_escaped(struct writer *writer, unsigned char c) {
        static const char *const short_forms[] = {
                ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n",  ['\f'] = "\\f",
                ['\r'] = "\\r", ['"'] = "\\\"", ['\\'] = "\\\\",
        };
        char unicode[sizeof("\\u0000")];

        if (c >= 0x80) {
                writer_append_string(writer, REPLACEMENT);
        } else if (c < ARRAY_SIZE(short_forms) && short_forms[c]) {
                writer_append_string(writer, short_forms[c]);
        } else {
                snprintf(unicode, sizeof(unicode), "\\u%04x", c);
                writer_append_string(writer, unicode);
        }
}

void write_string_n(struct writer *writer, const char *string, size_t n) {
        size_t plain;

        writer_separate(writer);
        writer_append(writer, "\"", 1);

        for (size_t i = 0; i < n; i++) {
                plain = json_scan_plain(string + i, n - i);
                writer_append(writer, string + i, plain);
                i += plain;
                if (i < n)
                        write_escaped(writer, (unsigned char)string[i]);
        }

        writer_append(writer, "\"", 1);
        writer->comma = true;
}

void write_string(struct writer *writer, const char *string) {
        write_string_n(writer, string, strlen(string));
}

void write_strings(struct writer *writer, char *const *strv) {
        write_array_begin(writer);
        for (; strv && *strv; strv++)
                write_string(writer, *strv);

        write_array_end(writer);
}

void write_int(struct writer *writer, int64_t value) {
        char text[sizeof("-9223372036854775808")], *end = text + sizeof(text), *begin = end;
        uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

        do
                *--begin = (char)('0' + rest % 10);
        while (rest /= 10);
        if (value < 0)
                *--begin = '-';

        write_raw(writer, begin, (size_t)(end - begin));
}

void write_bool(struct writer *writer, bool value) {
        const char *text = value ? "true" : "false";

        write_raw(writer, text, strlen(text));
}

void write_raw(struct writer *writer, const char *json, size_t n) {
        writer_separate(writer);
        writer_append(writer, json, n);
        writer->comma = true;
}

void write_bytes(struct writer *writer, const void *bytes, size_t n) {
        writer_append(writer, bytes, n);
        writer->comma = false;
}

void write_string_member(struct writer *writer, const char *name, const char *string) {
        if (!string)
                return;

        write_name(writer, name);
        write_string(writer, string);
}

void write_strings_member(struct writer *writer, const char *name, char *const *strv) {
        if (!strv)
                return;

        write_name(writer, name);
        write_strings(writer, strv);
}

void write_int_member(struct writer *writer, const char *name, int64_t value) {
        write_name(writer, name);
        write_int(writer, value);
}

void write_bool_member(struct writer *writer, const char *name, bool value) {
        write_name(writer, name);
        write_bool(writer, value);
}

int writer_end(struct writer *writer) {
        return writer->r;
}
