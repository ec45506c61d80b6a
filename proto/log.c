#include "proto/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "proto/utf8.h"

enum { TEXT_MAX = 2048 };

static enum log_level max_level = LOG_LEVEL_INFO;

void log_set_level(enum log_level level) {
        max_level = level;
}

/* $JOURNAL_STREAM, systemd.exec(5): the device and inode of what the journal reads. */
static bool stderr_is_journal(void) {
        const char *stream = getenv("JOURNAL_STREAM");
        uintmax_t device, inode;
        struct stat st;

        if (!stream || sscanf(stream, "%" SCNuMAX ":%" SCNuMAX, &device, &inode) != 2)
                return false;

        return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

static size_t format_prefix(char *out, size_t n, enum log_level level) {
        struct timespec now;
        struct tm utc;

        if (stderr_is_journal())
                return (size_t)snprintf(out, n, "<%d>", (int)level);

        clock_gettime(CLOCK_REALTIME, &now);
        gmtime_r(&now.tv_sec, &utc);
        return strftime(out, n, "%Y-%m-%dT%H:%M:%SZ ", &utc);
}

/* C0, DEL, C1 (U+0080 to U+009F, which some terminals obey) and bytes that are no UTF-8. */
static bool is_harmless(const char *text, size_t length) {
        const unsigned char *c = (const unsigned char *)text;

        return length == 1 ? c[0] >= 0x20 && c[0] != 0x7f : length > 0 && !(c[0] == 0xc2 && c[1] < 0xa0);
}

/* out has room for four bytes for each of text, and a NUL. */
static size_t escape(char *out, const char *text) {
        size_t n = strlen(text), written = 0, length;

        for (size_t i = 0; i < n; i += MAX(length, (size_t)1)) {
                length = utf8_sequence(text + i, n - i);
                if (is_harmless(text + i, length)) {
                        memcpy(out + written, text + i, length);
                        written += length;
                        continue;
                }

                for (size_t k = 0; k < MAX(length, (size_t)1); k++)
                        written += (size_t)sprintf(out + written, "\\x%02x", (unsigned char)text[i + k]);
        }

        return written;
}

void log_write(enum log_level level, const char *format, ...) {
        char text[TEXT_MAX], line[64 + 4 * TEXT_MAX];
        int saved_errno = errno;
        va_list ap;
        size_t n;

        if (level > max_level)
                return;

        va_start(ap, format);
        if (vsnprintf(text, sizeof(text), format, ap) < 0)
                text[0] = '\0';
        va_end(ap);

        n = format_prefix(line, 64, level);
        n += escape(line + n, text);
        line[n++] = '\n';

        /* in one call, so that lines of several threads do not mix; nobody can be told that it failed */
        (void)!write(STDERR_FILENO, line, n);
        errno = saved_errno;
}
