#pragma once

/* An agent that answers as it is told: it takes the place of client/start and proto/client, whose poll() passes
 * at once. Include it in one file of a program. */

#include <poll.h>

#include "client/rpc.h"
#include "client/start.h"
#include "proto/error.h"
#include "proto/json.h"

struct fake_answer {
        int r;
        const char *text; /* 0: the reply's parameters; else the fault's message */
        const char *error; /* of LoginFailed */
};

static struct {
        const struct fake_answer *answers;
        size_t n_answers, n_calls, n_pauses;
        char calls[8][512];
        uint64_t deadline_usec, paused_usec;
        bool always; /* the first answer, and no other */
        int unreachable; /* why there is no connection */
        int64_t retry_at; /* in every fault */
        bool no_autostart; /* whether the last call allowed none */
} agent;

#define FAKE_NOW_USEC (1000 * USEC_PER_SEC)

#define agent_will(...)                                                                                        \
        static const struct fake_answer _answers[] = {__VA_ARGS__};                                            \
        memset(&agent, 0, sizeof(agent));                                                                      \
        agent.answers = _answers;                                                                              \
        agent.n_answers = ARRAY_SIZE(_answers)

int poll(struct pollfd *fds, nfds_t n, int timeout) {
        agent.n_pauses++;
        agent.paused_usec += (uint64_t)timeout * USEC_PER_MSEC;
        return 0;
}

uint64_t client_now_usec(void) {
        return FAKE_NOW_USEC + agent.paused_usec;
}

int start_connect(struct client **ret, const struct globals *globals, uint64_t deadline_usec,
                  struct fault *fault) {
        agent.deadline_usec = deadline_usec;
        agent.no_autostart = globals->no_autostart;
        if (agent.unreachable)
                return fault_set(fault, agent.unreachable, "nobody there");

        *ret = malloc(1);
        return 0;
}

struct client *client_free(struct client *client) {
        free(client);
        return NULL;
}

int client_call(struct client *client, struct buffer *message, uint64_t deadline_usec,
                struct message_reply *ret, struct fault *fault) {
        const struct fake_answer *answer = agent.answers + (agent.always ? 0 : agent.n_calls);
        char *call = agent.calls[MIN(agent.n_calls, ARRAY_SIZE(agent.calls) - 1)];

        assert_true(agent.always || agent.n_calls < agent.n_answers);
        assert_true(buffer_size(message) <= sizeof(agent.calls[0]));
        assert_int_equal(deadline_usec, agent.deadline_usec);
        memcpy(call, buffer_bytes(message), buffer_size(message));
        agent.n_calls++;
        buffer_clear(message);

        if (answer->r) {
                if (answer->text)
                        (void)fault_set(fault, answer->r, "%s", answer->text);
                if (answer->error)
                        fault->error = strdup(answer->error);
                fault->retry_at = agent.retry_at;
                return answer->r;
        }

        return json_parse(&ret->parameters, answer->text, strlen(answer->text), 0);
}
