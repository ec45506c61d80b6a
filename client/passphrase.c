#include "client/passphrase.h"

#include <errno.h>
#include <unistd.h>

#include "client/output.h"
#include "client/text.h"
#include "proto/error.h"

int passphrase_begin(struct prompt *prompt, bool from_stdin) {
        int r;

        if (from_stdin && !isatty(STDIN_FILENO)) {
                prompt_init(prompt);
                return 0;
        }

        r = prompt_init_hidden(prompt);
        if (r)
                output_error("There is no terminal to ask for the passphrase on; with --stdin it is read from "
                             "standard input");
        return r;
}

static bool is_control(uint32_t c) {
        return (c < ' ' && c != '\t') || (c >= 0x7f && c < 0xa0);
}

/* What makes it no passphrase; NULL if nothing does. */
static const char *passphrase_trouble(const char *text, size_t n) {
        if (n == 0)
                return "A passphrase cannot be empty";
        if (n > PASSPHRASE_MAX)
                return "That is too long: a passphrase has at most 1024 bytes";

        for (size_t i = 0; i < n;) {
                uint32_t c;

                i += text_next(text + i, n - i, &c);
                if (c == TEXT_INVALID)
                        return "That is no passphrase: it is not UTF-8";
                if (is_control(c))
                        return "That is no passphrase: there is a control character in it";
        }

        return NULL;
}

int passphrase_ask(struct secret **ret, struct prompt *prompt, const char *question) {
        const char *text, *trouble;
        size_t n;
        int r;

        r = prompt_read_line(prompt, question);
        if (r == -EINTR)
                output_error("Interrupted");
        else if (r == -ENODATA)
                output_error("No passphrase was given");
        else if (r == -EMSGSIZE)
                output_error("That line is too long for a passphrase");
        else if (r)
                output_error("Cannot read the passphrase: %s", error_sentence(r));
        if (r)
                return r;

        prompt_whole_line(prompt, &text, &n);
        trouble = passphrase_trouble(text, n);
        if (trouble) {
                output_error("%s", trouble);
                return -EINVAL;
        }

        r = secret_new(ret, text, n);
        if (r)
                output_error("%s", error_sentence(r));
        return r;
}

static int ask_twice(struct secret **ret, struct prompt *prompt) {
        _cleanup_(secret_freep) struct secret *first = NULL, *second = NULL;
        int r;

        r = passphrase_ask(&first, prompt, "Enter a new passphrase: ");
        if (!r && prompt->terminal)
                r = passphrase_ask(&second, prompt, "Enter it once more: ");
        if (r)
                return r;

        if (second && !secret_equal(first, second)) {
                output_error("That was not twice the same");
                return -EINVAL;
        }

        *ret = TAKE(first);
        return 0;
}

int passphrase_ask_new(struct secret **ret, bool from_stdin) {
        _cleanup_(prompt_deinit) struct prompt prompt = PROMPT_NULL;
        int r;

        r = passphrase_begin(&prompt, from_stdin);
        if (r)
                return EXIT_STATUS_FAILED;

        for (int n = 0; n < PASSPHRASE_TRIES; n++) {
                r = ask_twice(ret, &prompt);
                if (r != -EINVAL || !prompt.terminal)
                        break;
        }

        return r ? EXIT_STATUS_FAILED : EXIT_SUCCESS;
}

void passphrase_write(struct rpc *rpc, const struct secret *passphrase) {
        if (!passphrase)
                return;

        write_name(&rpc->writer, "passphrase");
        write_string_n(&rpc->writer, secret_string(passphrase), secret_size(passphrase));
}
