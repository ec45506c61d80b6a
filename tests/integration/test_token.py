"""Access tokens: served from memory, refreshed once for everybody, and never in a loop."""

import email.utils
import json
import shutil
import subprocess
import time

import pytest

from globus import AUTH, GROUPS, MISSING, UNTOUCHED, VIEW_MY_GROUPS
from harness import PATIENCE, find_grant, finish, one_line

ALL_GROUPS = VIEW_MY_GROUPS.replace("view_my_groups_and_memberships", "all")
TRANSFER = "transfer.api.globus.org"


@pytest.fixture
def expired(agent):
    """Ada is logged in, her tokens are over, and refreshes are held."""
    agent.globus.faults.refresh.hold()
    agent.globus.knobs.lifetime = 0
    agent.login()
    agent.globus.knobs.lifetime = 172800
    return agent


# Served from memory

def test_valid_token_costs_no_request(ada):
    requests = len(ada.globus.log)
    tokens = {ada.token() for _ in range(5)}
    assert len(tokens) == 1 and len(ada.globus.log) == requests
    assert ada.globus.ledger.access(tokens.pop()).grant.resource_server == GROUPS


def test_resource_has_many_names(ada):
    groups, auth = ada.token("groups"), ada.token("auth")
    assert groups != auth
    assert {ada.token(), ada.token(GROUPS), ada.token(VIEW_MY_GROUPS)} == {groups}
    assert {ada.token(AUTH), ada.token("openid")} == {auth}


def test_formats(ada):
    token = ada.token()
    assert ada.token("--format", "raw") == token
    assert ada.token("--format", "header") == f"Authorization: Bearer {token}"
    assert ada.token("--format", "env") == f"BEARER_TOKEN={token}"
    assert ada.token("--format", "curl") == f'header = "Authorization: Bearer {token}"'
    said = ada.ctl("token", "--format", "json").ok().json
    assert said["access_token"] == token and said["token_type"].lower() == "bearer"
    assert said["resource_server"] == GROUPS and said["scopes"] == [VIEW_MY_GROUPS]
    assert said["profile"] == "default" and 172700 < said["expires_in"] <= 172800


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl")
def test_curl_takes_the_line_made_for_it(ada):
    line = ada.ctl("token", "--format", "curl").ok().out
    url = f"{ada.globus.groups_url}v2/groups/my_groups"
    listed = subprocess.run(["curl", "-s", "--cacert", ada.globus.ca_file, "-K", "-", url],
                            input=line, text=True, capture_output=True, check=True, timeout=PATIENCE)
    assert len(json.loads(listed.stdout)) == 3


# Refreshed once

def test_three_hundred_callers_at_an_expired_token_make_one_refresh(expired):
    callers = [expired.spawn("token") for _ in range(300)]
    expired.wait_refreshes(1)
    expired.wait_for(lambda status: status["connections"] > 300)
    expired.globus.faults.refresh.release()
    results = [finish(caller) for caller in callers]
    assert {(result.status, result.err) for result in results} == {(0, "")}
    assert len({result.out for result in results}) == 1
    assert expired.refreshes() == 1
    assert expired.ctl("groups").ok()


def test_token_is_asked_for_anew_on_demand(ada):
    before = ada.token()
    assert ada.token("--refresh") != before
    assert ada.refreshes() == 1 and ada.refreshes(AUTH) == 0
    assert ada.ctl("groups").ok()


@pytest.mark.parametrize("rotate, omit", [(False, False), (False, True), (True, False)])
def test_refresh_token_that_the_answer_has_is_the_next_one_and_without_one_the_old_one(ada, rotate, omit):
    ada.globus.knobs.rotate = rotate
    ada.globus.knobs.omit_refresh_token = omit
    tokens = {ada.token("--refresh")}
    ada.kill()                  # what was handed out is good for the next one
    ada.start()
    tokens.add(ada.token("--refresh"))
    assert len(tokens) == 2 and ada.refreshes() == 2
    assert not any(grant.revoked for grant in ada.globus.ledger.grants)


def test_rotated_refresh_token_is_saved_before_its_access_token_is_handed_out(ada):
    ada.globus.knobs.rotate = True
    before = ada.home.store.read_bytes()
    with ada.connect() as program:
        program.call("GetToken", refresh=True)
        assert ada.home.store.read_bytes() != before
    assert ada.grant()["saved"] is True


def test_refresh_is_not_sent_twice_when_the_connection_breaks(ada):
    ada.globus.knobs.rotate = True
    ada.ctl("token", "auth", "--refresh").ok()          # leaves a connection that is used again
    ada.globus.faults.refresh.reset(times=1)
    assert ada.ctl("token", "--refresh").status == 6
    assert ada.refreshes() == 1 and ada.globus.count("refresh") == 2


def test_same_token_again_is_a_token(ada):
    ada.globus.knobs.same_access_token = True
    assert ada.token("--refresh") == ada.token()


# No loops

@pytest.mark.parametrize("said", [MISSING, 0, -1, -10**9, "3600", "soon", None, 1.5, 1, 10**30])
def test_whatever_expires_in_says_there_is_no_loop(agent, said):
    agent.globus.knobs.expires_in = said
    agent.login()
    with agent.connect() as program:
        for _ in range(20):
            program.send("org.globus.Agent.GetToken", {"resource": "groups"})
        for _ in range(20):
            program.receive()
        program.call("GetStatus")
    assert agent.refreshes() <= 1 and agent.refreshes(AUTH) <= 1
    agent.globus.knobs.expires_in = UNTOUCHED


def test_token_shorter_than_wished_for_is_served_all_the_same(agent):
    agent.globus.knobs.lifetime = 30
    agent.login()
    assert all([agent.token() for _ in range(5)]) and agent.refreshes() <= 1


def test_token_shorter_than_demanded_is_not(agent):
    agent.globus.knobs.lifetime = 600
    agent.login()
    agent.token("--min-valid", 500)
    assert agent.refreshes() == 0
    for _ in range(3):
        short = agent.ctl("token", "--min-valid", 1000)
        assert short.status == 8 and short.out == "" and one_line(short.err)
    assert agent.refreshes() == 1
    with agent.connect() as program:
        error = program.error("GetToken", min_valid=1000)
        assert error.short == "ShortValidity" and 500 < error.parameters["expires_in"] <= 600
    assert agent.token() and agent.refreshes() == 1


def test_nobody_can_drive_refreshes(ada):
    tokens = {ada.ctl("token", "--refresh").ok().out for _ in range(5)}
    assert ada.refreshes() == 1 and len(tokens) == 1


def test_answer_for_another_resource_server_is_no_token(ada):
    before = ada.token()
    ada.globus.faults.refresh.answer_json({
        "access_token": "AgStray", "scope": "openid", "expires_in": 172800, "token_type": "Bearer",
        "resource_server": "search.api.globus.org", "other_tokens": []}, times=1)
    assert ada.ctl("token", "--refresh").status == 6
    assert ada.token() == before


# Ends and troubles

@pytest.mark.parametrize("status", [400, 401])
def test_invalid_grant_ends_the_login(ada, status):
    ada.globus.knobs.invalid_grant_status = status
    ada.globus.revoke_grant(resource_server=GROUPS)
    for arguments in (["--refresh"], [], ["--min-valid", 10], []):
        dead = ada.ctl("token", *arguments)
        assert dead.status == 4 and one_line(dead.err) and "globus-agentctl login" in dead.err
    assert ada.refreshes() == 1
    assert ada.grant()["state"] == "login_needed" and "retry_at" not in ada.grant()
    with ada.connect() as program:
        assert program.error("GetToken").parameters["reason"] == "dead"
    assert ada.token("auth")                            # the other grant lives
    ada.restart()
    assert ada.ctl("token").status == 4 and ada.refreshes() == 1
    ada.login()                                         # what is missing is asked for
    ada.ctl("groups").ok()


def test_login_that_globus_ended_is_tried_once_more_when_a_person_insists(ada):
    ada.globus.faults.refresh.answer_json({"error": "invalid_grant"}, 400, times=1)
    assert ada.ctl("token", "--refresh").status == 4
    ada.restart()
    assert ada.ctl("token").status == 4 and ada.refreshes() == 1
    assert ada.token("--refresh")                       # Globus was wrong
    assert ada.refreshes() == 2 and ada.grant()["state"] == "valid" and ada.grant()["refreshable"] is True
    assert ada.token() and ada.refreshes() == 2


def test_login_brings_back_whatever_has_ended(ada):
    """As `status` advises: nobody has to know which services those are."""
    ada.login("--service", "transfer")
    ada.globus.faults.refresh.answer_json({"error": "invalid_grant"}, 400, times=1)
    assert ada.ctl("token", "transfer", "--refresh").status == 4
    assert "a login is needed: globus-agentctl login" in ada.ctl("status").ok().out
    ada.login()
    assert ada.token("transfer") and "login is needed" not in ada.ctl("status").ok().out


def test_nobody_can_drive_refreshes_of_a_login_that_globus_ended(ada):
    ada.globus.revoke_grant(resource_server=GROUPS)
    assert {ada.ctl("token", "--refresh").status for _ in range(10)} == {4}
    assert ada.refreshes() == 4                         # the first one, and three in the minute


def test_login_that_globus_ended_is_revoked_by_a_logout(ada):
    ada.globus.faults.refresh.answer_json({"error": "invalid_grant"}, 400, times=1)
    assert ada.ctl("token", "--refresh").status == 4
    ada.ctl("logout").ok()
    assert all(grant.refresh_revoked for grant in ada.globus.ledger.grants)


def test_failure_at_an_expired_token_is_exit_status_6_and_heals(expired):
    expired.globus.faults.refresh.answer(503)
    waiting = expired.spawn("token")
    expired.globus.faults.refresh.release()
    failed = finish(waiting)
    assert failed.status == 6 and "503" in failed.err
    assert expired.ctl("token").status == 6             # answered from the last try
    assert expired.refreshes() == 1 and expired.grant()["state"] == "expired"


def test_globus_that_is_not_there(ada):
    ada.globus.faults.refresh.black_hole()
    before = ada.token()
    waiting = ada.spawn("--timeout", "1", "token", "--refresh")
    failed = finish(waiting)
    assert failed.status == 6 and one_line(failed.err)
    assert ada.token() == before


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_honoured(ada, form):
    after = "3000" if form == "seconds" else email.utils.formatdate(time.time() + 3000, usegmt=True)
    ada.globus.faults.refresh.answer(503, {"Retry-After": after}, times=1)
    with ada.connect() as program:
        error = program.error("GetToken", refresh=True)
        assert error.short == "Unavailable" and 2900 < error.parameters["retry_at"] - time.time() < 3100
        assert program.error("GetToken", min_valid=10**7).short == "Unavailable"
    assert ada.refreshes() == 1


def test_refresh_that_failed_is_tried_again_by_itself_soon(expired):
    """Nobody asks, and it takes less than the minute that there is between refreshes that work."""
    expired.globus.faults.refresh.answer(503, times=4)      # two tries of each of the two grants
    expired.globus.faults.refresh.release()
    expired.wait_for(lambda status: find_grant(status)["state"] == "valid")
    assert expired.refreshes() <= 5
    assert "last_error" not in expired.grant()


def test_caller_who_waits_hears_in_time_when_to_come_again(expired):
    with expired.connect() as program:
        before = time.monotonic()
        error = program.error("GetToken", timeout=1)
        assert error.short == "Unavailable" and abs(error.parameters["retry_at"] - time.time()) < 10
        assert 1 <= time.monotonic() - before < 10
    assert finish(expired.spawn("--timeout", "1", "groups")).status == 6
    assert expired.refreshes() <= 1


def test_client_registration_at_fault_is_not_the_logins_end(ada):
    client = ada.globus.clients.pop(ada.grant()["client_id"])
    failed = ada.ctl("token", "--refresh")
    assert failed.status == 4 and one_line(failed.err)
    ada.globus.clients[client.id] = client
    assert ada.grant()["refreshable"] is True


# Consent

def test_scope_that_nobody_consented_to_takes_a_login_with_it(ada):
    needed = ada.ctl("token", ALL_GROUPS)
    assert needed.status == 4 and one_line(needed.err) and f"--scope '{ALL_GROUPS}'" in needed.err
    assert f"You have not yet allowed this use of {GROUPS}; log in with: " in needed.err
    with ada.connect() as program:
        error = program.error("GetToken", resource=ALL_GROUPS)
        assert error.short == "LoginNeeded" and error.parameters["reason"] == "consent"
        assert error.parameters["required_scopes"] == [ALL_GROUPS]
        error = program.error("GetToken", resource="groups", scopes=[VIEW_MY_GROUPS, ALL_GROUPS])
        assert error.parameters["required_scopes"] == [ALL_GROUPS]
    needed = ada.ctl("token", "transfer")
    assert needed.status == 4
    assert f"You have not yet allowed the use of {TRANSFER}; log in with: " in needed.err
    assert ada.refreshes() == 0
    ada.login("--scope", ALL_GROUPS)
    assert ada.token(ALL_GROUPS) == ada.token("groups")


def test_nobody_logged_in_takes_a_login(agent):
    needed = agent.ctl("-p", "lab", "token")
    assert needed.status == 4 and one_line(needed.err) and "globus-agentctl login --profile 'lab'" in needed.err
    with agent.connect() as program:
        assert program.error("GetToken").parameters["reason"] == "never"
    assert agent.globus.log == []


def test_login_without_refresh_token_that_is_over_takes_another(agent):
    agent.globus.knobs.lifetime = 0
    agent.login("--no-refresh-token")
    with agent.connect() as program:
        assert program.error("GetToken").parameters["reason"] == "expired"
    assert agent.refreshes() == 0


def test_resource_that_nobody_knows(ada):
    unknown = ada.ctl("token", "nonsense")
    assert unknown.status == 1 and one_line(unknown.err) and "transfer" in unknown.err
