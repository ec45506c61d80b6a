/* GetStatus: what the agent is, has, and has trouble with. Never waits. */

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/model/protector.h"
#include "daemon/rpc/listener.h"
#include "daemon/rpc/method.h"

static const struct field get_status_fields[] = {{}};

static const char *grant_state(const struct grant *grant, uint64_t now) {
        if (grant_needs_login(grant, now))
                return "login_needed";

        return token_remaining_usec(&grant->token, now) > 0 ? "valid" : "expired";
}

static void write_grant_times(struct writer *writer, const struct grant *grant, uint64_t now) {
        uint64_t due = grant_refresh_due_usec(grant);

        if (grant->token.secret) {
                write_int_member(writer, "expires_at", clock_to_unix(grant->token.expires_usec));
                write_int_member(writer, "expires_in",
                                 (int64_t)(token_remaining_usec(&grant->token, now) / USEC_PER_SEC));
        }
        if (due != USEC_INFINITY)
                write_int_member(writer, "refresh_at", clock_to_unix(MAX(due, now)));
        write_int_member(writer, "refreshed_at", grant->refreshed_at);
        write_bool_member(writer, "expiring_soon", grant_expires_soon(grant));
}

static void write_grant_tries(struct writer *writer, const struct grant_tries *tries, uint64_t now) {
        write_string_member(writer, "last_error", tries->error);
        if (tries->error)
                write_int_member(writer, "last_error_at", clock_to_unix(tries->error_usec));
        write_int_member(writer, "tries", tries->failures);
        if (tries->retry_usec > now)
                write_int_member(writer, "retry_at", clock_to_unix_up(tries->retry_usec));
}

static void write_grant(struct writer *writer, const struct grant *grant, const struct vault *vault) {
        uint64_t now = clock_boottime_usec();

        write_object_begin(writer);
        write_string_member(writer, "resource_server", grant->resource_server);
        write_name(writer, "scopes");
        write_strings(writer, grant->scopes);
        write_string_member(writer, "state", grant_state(grant, now));
        write_grant_times(writer, grant, now);
        write_bool_member(writer, "refreshable", grant->refresh_token && grant->state != GRANT_DEAD);
        write_grant_tries(writer, &grant->tries, now);
        write_bool_member(writer, "saved", grant->change <= vault_saved(vault));
        write_string_member(writer, "client_id", grant->origin.client_id);
        write_string_member(writer, "auth_url", grant->origin.auth_url);
        write_object_end(writer);
}

static void write_profiles(struct writer *writer, struct vault *vault) {
        const struct list *accounts = vault_accounts(vault);

        write_name(writer, "profiles");
        write_array_begin(writer);
        for (const struct list *l = accounts->next; l != accounts; l = l->next) {
                const struct account *account = CONTAINER(l, struct account, link);

                write_object_begin(writer);
                write_string_member(writer, "profile", account->profile);
                write_string_member(writer, "environment", account->origin.environment);
                write_string_member(writer, "username", account->identity->username);
                write_name(writer, "grants");
                write_array_begin(writer);
                for (const struct list *g = account->grants.next; g != &account->grants; g = g->next)
                        write_grant(writer, CONTAINER(g, struct grant, link), vault);
                write_array_end(writer);
                write_object_end(writer);
        }
        write_array_end(writer);
}

static const char *store_state(const struct context *context) {
        switch (vault_get_state(context->vault)) {
        case VAULT_OPENING:
                return "opening";
        case VAULT_LOCKED:
                return "locked";
        case VAULT_UNREADABLE:
                return "unreadable";
        case VAULT_OPEN:
                break;
        }

        return vault_saved(context->vault) > 0 || !list_is_empty(vault_accounts(context->vault)) ? "open"
                                                                                                 : "none";
}

static const char *store_protection(const struct context *context) {
        if (vault_get_state(context->vault) == VAULT_UNREADABLE)
                return "nothing is saved: what is new stays in memory";
        if (vault_protection(context->vault))
                return vault_protection(context->vault);
        if (vault_get_state(context->vault) == VAULT_OPENING)
                return "not known before the store is read";
        if (context->wish->automatic)
                return "nothing is protected yet: the first login chooses systemd-creds or a key file";

        return "nothing is protected yet";
}

static void write_store(struct writer *writer, const struct context *context) {
        const struct fault *trouble = open_trouble(context->open);
        const char *state = store_state(context);
        _cleanup_(freep) char *path = NULL;

        if (!trouble)
                trouble = save_trouble(context->save);
        if (asprintf(&path, "%s/store", context->paths->state_dir) < 0)
                path = NULL;

        write_name(writer, "store");
        write_object_begin(writer);
        write_string_member(writer, "path", path ? path : "");
        write_string_member(writer, "state", state);
        if (vault_protector(context->vault) != PROTECTOR_UNKNOWN)
                write_string_member(writer, "protector", protector_name(vault_protector(context->vault)));
        write_string_member(writer, "protection", store_protection(context));
        write_bool_member(writer, "needs_passphrase", vault_needs_passphrase(context->vault));
        write_bool_member(writer, "saved", vault_saved(context->vault) >= vault_changed(context->vault));
        write_string_member(writer, "error", trouble ? fault_message(trouble) : NULL);
        write_object_end(writer);
}

static void write_settings(struct writer *writer, const struct config *config) {
        write_name(writer, "settings");
        write_array_begin(writer);
        for (enum setting setting = 0; setting < _SETTING_MAX; setting++) {
                const char *value = config_display(config, setting);

                if (!value)
                        continue;
                write_object_begin(writer);
                write_string_member(writer, "name", config_name(setting));
                write_string_member(writer, "value", value);
                write_string_member(writer, "origin", config_origin(config, setting));
                write_object_end(writer);
        }
        write_array_end(writer);
}

static void write_skew(struct writer *writer, int64_t ahead) {
        _cleanup_(freep) char *text = NULL;

        if (ahead == 0)
                return;
        if (asprintf(&text, "The clock of this machine is %" PRIi64 " minutes %s that of Globus: set it right",
                     ((ahead < 0 ? -ahead : ahead) + 30) / 60, ahead < 0 ? "ahead of" : "behind") < 0)
                text = NULL;

        write_string(writer, text ? text : "The clock of this machine is wrong");
}

/* The policy may have come after the store. */
static void write_policy_problem(struct writer *writer, const struct context *context) {
        enum protector protector = vault_protector(context->vault);
        _cleanup_(freep) char *text = NULL;
        const char *origin;

        origin = protector == PROTECTOR_UNKNOWN
                         ? NULL
                         : config_policy_origin(context->config, protector_name(protector));
        if (!origin)
                return;

        if (asprintf(&text,
                     "The policy of %s does not permit the protector %s, which the store has: run "
                     "'globus-agentctl key %s'",
                     origin, protector_name(protector), disk_advise(context->wish->permitted) ?: "auto") < 0)
                text = NULL;
        write_string(writer, text ? text : "The policy does not permit the protector that the store has");
}

static void write_plaintext_problem(struct writer *writer, const struct context *context) {
        unsigned better = context->wish->permitted & ~(1U << PROTECTOR_PLAINTEXT);
        _cleanup_(freep) char *text = NULL;

        if (vault_protector(context->vault) != PROTECTOR_PLAINTEXT)
                return;

        if (asprintf(&text, "The tokens are stored unencrypted: run 'globus-agentctl key %s'",
                     disk_advise(better) ?: "auto") < 0)
                text = NULL;
        write_string(writer, text ? text : "The tokens are stored unencrypted");
}

static void write_problems(struct writer *writer, const struct context *context) {
        const struct fault *problem = config_problem(context->config);

        write_name(writer, "problems");
        write_array_begin(writer);
        if (problem)
                write_string(writer, fault_message(problem));
        if (context->reload_trouble->r)
                write_string(writer, fault_message(context->reload_trouble));
        if (save_is_unlocked(context->save))
                write_string(writer,
                             "the file system of the store has no locks: of what two agents change at the "
                             "same moment, one change may be lost, and with it a login");
        if (listener_connections_max(context->listener) < LISTENER_CONNECTIONS_MAX)
                write_string(writer,
                             "The limit on open files allows fewer connections than the agent would serve");
        write_policy_problem(writer, context);
        write_plaintext_problem(writer, context);
        write_skew(writer, http_skew(context->http));
        write_array_end(writer);
}

static void get_status(struct call *call) {
        const struct context *context = call->context;
        struct writer *writer = call_begin_reply(call);

        write_object_begin(writer);
        write_string_member(writer, "version", PROJECT_VERSION);
        write_int_member(writer, "pid", getpid());
        write_int_member(writer, "started_at", context->started_at);
        write_string_member(writer, "socket", context->socket);
        write_settings(writer, context->config);
        write_problems(writer, context);
        write_store(writer, context);
        write_profiles(writer, context->vault);
        write_int_member(writer, "pending_logins", (int64_t)logins_count(context->logins));
        write_int_member(writer, "connections", (int64_t)listener_connections(context->listener));
        write_int_member(writer, "connections_max", (int64_t)listener_connections_max(context->listener));
        write_object_end(writer);
        call_end(call);
}

const struct method method_get_status = {
        .name = "org.globus.Agent.GetStatus",
        .fields = get_status_fields,
        .handle = get_status,
};
