#include "daemon/agent-private.h"
#include "daemon/flow/retain.h"
#include "daemon/rpc/dispatch.h"
#include "daemon/rpc/listener.h"
#include "proto/log.h"

bool agent_is_busy(void *userdata) {
        struct agent *agent = userdata;

        return refresh_count(agent->refresh) > 0 || logins_are_exchanging(agent->logins) ||
               revoker_count(agent->revoker) > 0;
}

bool agent_is_vital(void *userdata) {
        struct agent *agent = userdata;

        return refresh_is_vital(agent->refresh);
}

void agent_on_stop(void *userdata) {
        struct agent *agent = userdata;

        agent->context.stopping = true;
        refresh_halt(agent->refresh, AGENT_ERROR_STOPPING);
}

void agent_on_end(void *userdata) {
        struct agent *agent = userdata;

        listener_stop(agent->listener);
}

void agent_on_socket_lost(void *userdata) {
        struct agent *agent = userdata;

        log_notice("Stopping: %s is no longer this agent's", agent->socket);
        stop_begin(agent->stop);
}

void agent_on_refreshed(void *userdata) {
        struct agent *agent = userdata;

        if (!stop_has_begun(agent->stop) && !lock_is_closed(agent->lock))
                schedule_update(agent->schedule);
}

void agent_retain(struct agent *agent) {
        retain_update(agent->fd_store, agent->vault, config_keep_unlocked(agent->settings.config));
}

void agent_on_gate_closed(void *userdata) {
        struct agent *agent = userdata;
        _cleanup_(fault_deinit) struct fault locked = {};

        (void)fault_set(&locked, AGENT_ERROR_LOCKED, NULL);
        refresh_halt(agent->refresh, AGENT_ERROR_LOCKED);
        listener_refuse(agent->listener, METHOD_NEEDS_SECRETS, &locked);
}

void agent_on_gate_reopened(void *userdata) {
        struct agent *agent = userdata;

        if (stop_has_begun(agent->stop))
                return;

        refresh_halt(agent->refresh, 0);
        schedule_update(agent->schedule);
}

void agent_on_cancel(void *userdata) {
        struct agent *agent = userdata;
        _cleanup_(fault_deinit) struct fault locked = {};

        (void)fault_set(&locked, AGENT_ERROR_LOCKED, NULL);
        listener_refuse(agent->listener, METHOD_KEEPS_SECRETS, &locked);
        membership_drop(agent->membership, NULL);
        logins_drop(agent->logins, &locked);
        refresh_cancel(agent->refresh, &locked);
        revoker_cancel(agent->revoker);
}

void agent_on_wiped(void *userdata) {
        struct agent *agent = userdata;

        follow_drop(agent->follow);
        claims_on_saved(agent->claims); /* nothing will be */
        listener_wipe(agent->listener);
        agent_retain(agent);
        schedule_update(agent->schedule);
}

void agent_on_locked_out(void *userdata) {
        struct agent *agent = userdata;

        lock_now(agent->lock);
}

void agent_on_followed(void *userdata) {
        struct agent *agent = userdata;

        membership_drop_orphans(agent->membership);
        agent_on_refreshed(agent);
}

void agent_on_saved(void *userdata) {
        struct agent *agent = userdata;

        claims_on_saved(agent->claims);
        refresh_on_saved(agent->refresh);
        agent_retain(agent);
        agent_on_followed(agent); /* what is on disk was taken over */
}

void agent_on_lost(void *userdata) {
        struct agent *agent = userdata;

        agent->lost = true;
}

void agent_on_image(void *userdata, const struct secret *image) {
        struct agent *agent = userdata;

        retain_image(agent->fd_store, image);
}

void agent_on_login(void *userdata, const char *profile) {
        struct agent *agent = userdata;

        membership_drop(agent->membership, profile);
        refresh_on_logout(agent->refresh); /* of another identity, whose place was taken */
        schedule_update(agent->schedule);
}

void agent_on_opened(void *userdata) {
        struct agent *agent = userdata;

        agent_retain(agent);
        save_kick(agent->save);
        agent_on_gate_reopened(agent);
}

void agent_on_passphrase_needed(void *userdata) {
        agent_retain(userdata);
}
