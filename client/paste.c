#include "client/paste.h"

#include <errno.h>

#include "client/output.h"
#include "client/prompt.h"
#include "client/reply.h"
#include "client/rpc.h"
#include "client/text.h"
#include "proto/error.h"
#include "proto/json.h"

enum { CODES_MAX = 3 }; /* that a person may mistype */

/* Nothing that depends on it failed: the login is left to end by itself if it cannot be cancelled. */
static void login_cancel(const struct globals *globals, const char *login_id) {
        _cleanup_(message_reply_deinit) struct message_reply reply = {};
        _cleanup_(fault_deinit) struct fault fault = {};
        _cleanup_(rpc_deinit) struct rpc rpc = {};

        rpc_begin(&rpc, RPC_METHOD("CancelLogin"), RPC_REPEATABLE);
        write_string_member(&rpc.writer, "login_id", login_id);
        (void)rpc_send(&reply, &rpc, globals, &fault);
}

static void say_logged_in(const struct globals *globals, struct json_object *finished) {
        _cleanup_(buffer_deinit) struct buffer servers = {};
        const char *profile = json_get_string(finished, "profile"),
                   *username = json_get_string(finished, "username");
        const char *not_saved = json_get_string(finished, "not_saved");
        size_t n = reply_length(finished, "resource_servers");

        for (size_t i = 0; i < n; i++) {
                const char *server = json_object_get_string(reply_element(finished, "resource_servers", i));

                if (buffer_append_string(&servers, i > 0 ? ", " : ": ") ||
                    buffer_append_string(&servers, server ?: "?"))
                        break;
        }

        output_note(globals, "Logged in%s%s (profile '%s')%.*s", username ? " as " : "", username ?: "",
                    profile ?: "default", (int)buffer_size(&servers), buffer_bytes(&servers) ?: "");
        if (not_saved)
                output_error("The login is not saved, and a restart would lose it: %s", not_saved);
}

static int login_finish(const struct globals *globals, const char *login_id, struct prompt *prompt,
                        struct fault *fault) {
        _cleanup_(message_reply_deinit) struct message_reply reply = {};
        _cleanup_(rpc_deinit) struct rpc rpc = {};
        const char *code;
        size_t n;
        int status;

        prompt_line(prompt, &code, &n);
        rpc_begin(&rpc, RPC_METHOD("FinishLogin"), RPC_REMOTE);
        write_string_member(&rpc.writer, "login_id", login_id);
        write_name(&rpc.writer, "code");
        write_string_n(&rpc.writer, code, n);

        status = rpc_send(&reply, &rpc, globals, fault);
        if (!status)
                say_logged_in(globals, reply.parameters);

        return status;
}

/* The next line that is not blank. The exit status, having said what is wrong. */
static int read_code(struct prompt *prompt, bool quiet_at_end) {
        const char *code;
        size_t n;
        int r;

        do {
                r = prompt_read_line(prompt, "Enter the authorization code: ");
                if (!r)
                        prompt_line(prompt, &code, &n);
        } while (!r && n == 0);

        if (r == -EINTR)
                output_error("Interrupted; nobody was logged in");
        else if (r == -ENODATA && !quiet_at_end)
                output_error("No code was given; nobody was logged in");
        else if (r == -EMSGSIZE)
                output_error("That line is too long for a code; nobody was logged in");
        else if (r && r != -ENODATA)
                output_error("Cannot read the code: %s", error_sentence(r));

        return r ? EXIT_STATUS_FAILED : EXIT_SUCCESS;
}

/* Whether the login goes on: Globus did not like this code, or was not there. */
static bool another_code_may_do(const struct fault *fault) {
        return (fault->r == AGENT_ERROR_LOGIN_FAILED && fault->error) || fault->r == AGENT_ERROR_UNAVAILABLE;
}

/* Asks for codes until one is good. The exit status is that of the last one tried. */
static int ask_for_codes(const struct globals *globals, const char *login_id, struct prompt *prompt) {
        int status = EXIT_STATUS_FAILED;

        for (int n = 0; !prompt->terminal || n < CODES_MAX; n++) {
                _cleanup_(fault_deinit) struct fault fault = {};

                if (read_code(prompt, n > 0))
                        return n > 0 ? status : EXIT_STATUS_FAILED;

                status = login_finish(globals, login_id, prompt, &fault);
                if (!status)
                        return EXIT_SUCCESS;

                rpc_complain(&fault);
                if (!another_code_may_do(&fault))
                        return status;
        }

        return status;
}

int paste_login(const struct globals *globals, const char *login_id, const char *url) {
        static const char before[] = "Please log in to Globus here:\n\n";
        _cleanup_(prompt_deinit) struct prompt prompt;
        _cleanup_(buffer_deinit) struct buffer text = {};
        int status, r;

        prompt_init(&prompt);

        r = buffer_append_string(&text, before);
        r = r ?: text_append_safe(&text, url, strlen(url));
        r = r ?: buffer_append_string(&text, "\n\n");
        if (r) {
                output_error("%s", error_sentence(r));
                return EXIT_STATUS_FAILED;
        }
        prompt_show(&prompt, buffer_bytes(&text), buffer_size(&text));

        status = ask_for_codes(globals, login_id, &prompt);
        if (status)
                login_cancel(globals, login_id);

        return status;
}

/* --finish: one code; if it does not do, the login waits for another --finish. */
int paste_finish(const struct globals *globals, const char *login_id) {
        _cleanup_(prompt_deinit) struct prompt prompt;
        _cleanup_(fault_deinit) struct fault fault = {};
        int status;

        prompt_init(&prompt);
        status = read_code(&prompt, false);
        if (status)
                return status;

        status = login_finish(globals, login_id, &prompt, &fault);
        if (status)
                rpc_complain(&fault);

        return status;
}
