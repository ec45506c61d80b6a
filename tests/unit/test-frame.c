#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/frame.h"

static struct frame_reader reader;
static int ends[2]; /* written into the first, read from the second; both ways */

static int setup(void **state) {
        reader = FRAME_READER_INIT(100);
        return socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends);
}

static int teardown(void **state) {
        frame_reader_deinit(&reader);
        close(ends[0]);
        close(ends[1]);
        return 0;
}

static void feed_n(const char *bytes, size_t n) {
        assert_int_equal(send(ends[0], bytes, n, MSG_NOSIGNAL), n);
}

#define FEED(literal) feed_n(literal, sizeof(literal) - 1)

static int fill(void) {
        return frame_reader_fill(&reader, ends[1]);
}

static void expect_none(void) {
        const char *text = NULL;
        size_t n;

        assert_int_equal(frame_reader_next(&reader, &text, &n), 0);
        assert_null(text);
}

static void expect(const char *message) {
        const char *text;
        size_t n;

        assert_int_equal(frame_reader_next(&reader, &text, &n), 1);
        assert_int_equal(n, strlen(message));
        assert_string_equal(text, message);

        /* again, until it is consumed */
        assert_int_equal(frame_reader_next(&reader, &text, &n), 1);
        assert_string_equal(text, message);
        frame_reader_consume(&reader);
}

static void test_one_message(void **state) {
        expect_none();
        FEED("hello\0");
        assert_int_equal(fill(), 6);
        expect("hello");
        expect_none();
        assert_int_equal(fill(), -EAGAIN);
}

static void test_half_and_several(void **state) {
        FEED("hel");
        assert_int_equal(fill(), 3);
        expect_none();
        assert_int_equal(fill(), -EAGAIN);
        FEED("lo\0a\0\0b");
        assert_int_equal(fill(), 7);
        expect("hello");
        expect("a");
        expect("");
        expect_none();
        FEED("\0");
        assert_int_equal(fill(), 1);
        expect("b");
        expect_none();
}

static void test_end_of_stream(void **state) {
        FEED("half");
        shutdown(ends[0], SHUT_WR);
        assert_int_equal(fill(), 4);
        expect_none();
        assert_int_equal(fill(), 0);
        expect_none();
        assert_int_equal(frame_reader_fill(&reader, -1), -EBADF);
}

static void test_limit(void **state) {
        char text[102] = {};
        const char *ret;
        size_t n;

        memset(text, 'x', 100);
        feed_n(text, 101);
        assert_int_equal(fill(), 101);
        expect(text);

        /* one more, known to be too long before its end is here */
        text[100] = 'x';
        feed_n(text, 101);
        assert_int_equal(fill(), 101);
        assert_int_equal(frame_reader_next(&reader, &ret, &n), -EMSGSIZE);
        assert_int_equal(fill(), -EMSGSIZE);
}

static void test_limit_with_end(void **state) {
        char text[102] = {};
        const char *ret;
        size_t n;

        memset(text, 'x', 101);
        feed_n(text, 102);
        assert_int_equal(fill(), 102);
        assert_int_equal(frame_reader_next(&reader, &ret, &n), -EMSGSIZE);
}

/* What waits to be taken keeps more from being read, so it stays in the socket. */
static void test_does_not_read_ahead(void **state) {
        FEED("a\0b");
        assert_int_equal(fill(), 3);
        FEED("more");
        assert_int_equal(fill(), -EBUSY);
        expect("a");
        assert_int_equal(fill(), 4);
        expect_none();
        assert_int_equal(buffer_size(&reader.buffer), 5);
}

static void test_wipes_and_frees(void **state) {
        const char *data;

        FEED("secret\0rest");
        assert_int_equal(fill(), 11);
        data = reader.buffer.data;
        expect("secret");
        assert_ptr_equal(reader.buffer.data, data);
        assert_memory_equal(data, "\0\0\0\0\0\0\0rest", 11);

        FEED("\0");
        assert_int_equal(fill(), 1);
        expect("rest");
        assert_null(reader.buffer.data);
        assert_int_equal(fill(), -EAGAIN);
        assert_null(reader.buffer.data);
}

/* An idle or slow connection costs little; a long message takes few reads. */
static void test_reads_in_growing_pieces(void **state) {
        enum { SIZE = 1000000 };
        char *text = malloc(SIZE);
        size_t sent = 0, reads = 0;
        const char *ret;
        ssize_t n;
        size_t ret_n;
        int r;

        assert_non_null(text);
        memset(text, 'x', SIZE);
        text[SIZE - 1] = '\0';
        reader.limit = SIZE;

        FEED("x");
        assert_int_equal(fill(), 1);
        assert_true(reader.buffer.allocated <= 4096);

        while (frame_reader_next(&reader, &ret, &ret_n) == 0) {
                n = send(ends[0], text + sent, SIZE - sent, MSG_NOSIGNAL);
                if (n > 0)
                        sent += (size_t)n;
                r = fill();
                assert_true(r > 0 && r <= 64 * 1024);
                reads++;
        }

        assert_int_equal(ret_n, SIZE);
        assert_true(reads < 100);
        free(text);
}

static void test_sends(void **state) {
        struct buffer out = {};

        assert_int_equal(frame_send(&out, ends[1]), 0);
        assert_int_equal(buffer_append(&out, "hello", 6), 0);
        assert_int_equal(frame_send(&out, ends[0]), 0);
        assert_null(out.data);
        assert_int_equal(fill(), 6);
        expect("hello");
}

/* Everything arrives, in order, when the reader takes it slowly. */
static void test_sends_in_parts(void **state) {
        enum { SIZE = 1000000 };
        struct buffer out = {};
        char piece[30000];
        size_t received = 0, parts = 0;
        char *space;
        ssize_t n;
        int r;

        assert_int_equal(buffer_reserve(&out, SIZE, &space), 0);
        for (size_t i = 0; i < SIZE; i++)
                space[i] = (char)(i / 7);
        buffer_commit(&out, SIZE);

        do {
                r = frame_send(&out, ends[0]);
                assert_true(r == 0 || r == -EAGAIN);
                parts++;
                n = read(ends[1], piece, sizeof(piece));
                assert_true(n > 0);
                for (size_t i = 0; i < (size_t)n; i++)
                        assert_int_equal(piece[i], (char)((received + i) / 7));
                received += (size_t)n;
        } while (r == -EAGAIN);

        assert_true(parts > 2);
        assert_null(out.data);
        while (received < SIZE && (n = read(ends[1], piece, sizeof(piece))) > 0)
                received += (size_t)n;
        assert_int_equal(received, SIZE);
}

static void test_sending_to_nobody(void **state) {
        struct buffer out = {};

        signal(SIGPIPE, SIG_DFL);
        shutdown(ends[1], SHUT_RD);
        assert_int_equal(buffer_append(&out, "x", 1), 0);
        assert_int_equal(frame_send(&out, ends[0]), -EPIPE);
        buffer_deinit(&out);
}

/* A socket that would wait does not make it wait. */
static void test_never_waits(void **state) {
        enum { SIZE = 10000000 };
        struct buffer out = {};
        char *space;

        assert_int_equal(fcntl(ends[0], F_SETFL, 0), 0);
        assert_int_equal(buffer_reserve(&out, SIZE, &space), 0);
        memset(space, 'x', SIZE);
        buffer_commit(&out, SIZE);
        alarm(20);
        assert_int_equal(frame_send(&out, ends[0]), -EAGAIN);
        alarm(0);
        assert_true(buffer_size(&out) > 0 && buffer_size(&out) < SIZE);
        buffer_deinit(&out);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_one_message),     TEST(test_half_and_several),        TEST(test_end_of_stream),
                TEST(test_limit),           TEST(test_limit_with_end),          TEST(test_does_not_read_ahead),
                TEST(test_wipes_and_frees), TEST(test_reads_in_growing_pieces), TEST(test_sends),
                TEST(test_sends_in_parts),  TEST(test_sending_to_nobody),       TEST(test_never_waits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
