"""Logging in, as the tutorial does it, with everything that can go wrong on the way."""

import os
import pty
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from globus import AUTH, GROUPS, MISSING, TUTORIAL_CLIENT, VIEW_MY_GROUPS
from harness import PATIENCE, finish, one_line

ALL_GROUPS = VIEW_MY_GROUPS.replace("view_my_groups_and_memberships", "all")
TRANSFER = "transfer.api.globus.org"


def query(login):
    """The parameters of the URL that a person is sent to."""
    parameters = parse_qs(urlsplit(login["authorize_url"]).query, strict_parsing=True)
    assert all(len(values) == 1 for values in parameters.values())
    return {name: value for name, (value,) in parameters.items()}


def test_login_and_the_groups_are_there(agent):
    said = agent.login().err
    assert "Logged in as apark@ridgeway.example" in said and GROUPS in said
    assert agent.ctl("groups").ok().out == (
        "ID,Name,Roles\n"
        '5e0c1c1e-0f5c-4f7e-9a43-2a8f9c1b7d10,"Beamline 7 ""night"" crew",manager|member\n'
        f'{agent.globus.ada.groups[1]["id"]},"Ridgeway Physics",admin\n'
        f'{agent.globus.ada.groups[2]["id"]},"Protein folding, spring campaign",member\n')


def test_url_asks_for_what_the_tutorial_asks_for(agent):
    asked = query(agent.start_login())
    assert asked.pop("state") not in ("", "_default") and len(asked.pop("code_challenge")) == 43
    assert asked == {
        "client_id": TUTORIAL_CLIENT, "redirect_uri": f"{agent.globus.auth_url}v2/web/auth-code",
        "scope": f"email openid profile {VIEW_MY_GROUPS}", "response_type": "code",
        "code_challenge_method": "S256", "access_type": "offline"}


def test_every_login_has_its_own_state_and_verifier(agent):
    one, other = (query(agent.start_login(profile=profile)) for profile in ("one", "other"))
    assert one["state"] != other["state"] and one["code_challenge"] != other["code_challenge"]


def test_person_pastes_at_a_terminal_and_mistypes_once(agent):
    terminal, slave = pty.openpty()
    process = agent.spawn("login", stdin=slave, stderr=slave)
    os.close(slave)
    shown = read_until(terminal, b"Enter the authorization code: ")
    url = next(word for word in shown.decode().split() if word.startswith("https://"))
    os.write(terminal, b"mistyped\n")
    read_until(terminal, b"Enter the authorization code: ")
    os.write(terminal, f"{agent.globus.approve(url)}\n".encode())
    read_until(terminal, b"Logged in as apark@ridgeway.example")
    result = finish(process)
    os.close(terminal)
    assert (result.status, result.out) == (0, "")


def read_until(descriptor, words):
    """The process at the other end, or its end, ends the wait."""
    read = b""
    while words not in read:
        read += os.read(descriptor, 4096)
    return read


def test_wrong_code_and_then_the_right_one(agent):
    login = agent.start_login()
    wrong = agent.finish_login(login, "wrong")
    assert wrong.status == 1 and "invalid_grant" in wrong.err
    agent.finish_login(login, agent.globus.approve(login["authorize_url"])).ok()
    assert agent.globus.count("exchange") == 2


def test_code_that_came_too_late_and_then_another(agent):
    login = agent.start_login()
    late = agent.globus.approve(login["authorize_url"])
    agent.globus.expire_codes()
    assert agent.finish_login(login, late).status == 1
    agent.finish_login(login, agent.globus.approve(login["authorize_url"])).ok()


@pytest.mark.parametrize("pasted", ["  {} \r", "\t{}\v", "\n\n {}"])
def test_pasted_code_may_carry_blanks_and_line_ends(agent, pasted):
    login = agent.start_login()
    agent.finish_login(login, pasted.format(agent.globus.approve(login["authorize_url"]))).ok()

    with agent.connect() as program:
        started = program.call("StartLogin", profile="other")
        code = agent.globus.approve(started["authorize_urls"][0]["url"])
        program.call("FinishLogin", login_id=started["login_id"], code=pasted.format(code) + "\n")


def test_person_may_say_no_and_think_again(agent):
    login = agent.start_login()
    assert agent.globus.deny(login["authorize_url"]) == "access_denied"
    agent.finish_login(login, agent.globus.approve(login["authorize_url"])).ok()


def test_same_code_twice_is_one_exchange(agent):
    agent.globus.faults.exchange.hold()
    with agent.connect() as one, agent.connect() as other:
        login = one.call("StartLogin")
        code = agent.globus.approve(login["authorize_urls"][0]["url"])
        for program in one, other:
            program.send("org.globus.Agent.FinishLogin", {"login_id": login["login_id"], "code": code})
        agent.globus.wait_for(lambda: agent.globus.faults.exchange.held == 1, PATIENCE)
        assert agent.status["pending_logins"] == 1      # by now the second call, sent before, has been read
        agent.globus.faults.exchange.release()
        for program in one, other:
            assert program.result("org.globus.Agent.FinishLogin")["username"] == "apark@ridgeway.example"
        assert one.error("FinishLogin", login_id=login["login_id"], code=code).short == "UnknownLogin"
    assert agent.globus.count("exchange") == 1


def test_exchange_is_not_repeated_after_it_may_have_arrived(agent):
    login = agent.start_login()
    assert agent.finish_login(login, "wrong").status == 1       # leaves a connection that is used again
    agent.globus.faults.exchange.reset(times=1)
    failed = agent.finish_login(login, agent.globus.approve(login["authorize_url"]))
    assert failed.status == 6
    assert agent.globus.count("exchange") == 2
    agent.finish_login(login, agent.globus.approve(login["authorize_url"])).ok()


@pytest.mark.parametrize("trouble", ["truncate", "close_midbody"])
def test_login_outlives_an_exchange_that_failed(agent, trouble):
    getattr(agent.globus.faults.exchange, trouble)(times=1)
    login = agent.start_login()
    assert agent.finish_login(login, agent.globus.approve(login["authorize_url"])).status == 6
    agent.finish_login(login, agent.globus.approve(login["authorize_url"])).ok()


def test_equal_login_is_joined(agent):
    with agent.connect() as one, agent.connect() as other:
        first = one.call("StartLogin")
        assert first["joined"] is False
        assert other.call("StartLogin") == first | {"joined": True}
        assert other.call("StartLogin", scopes=["transfer"])["login_id"] != first["login_id"]
        assert other.call("StartLogin", profile="else")["login_id"] != first["login_id"]
    assert agent.status["pending_logins"] == 3


def test_login_waits_for_a_quarter_of_an_hour(agent):
    assert abs(agent.start_login()["expires_at"] - time.time() - 900) < 30


def test_eight_logins_at_most_wait_at_a_time(agent):
    with agent.connect() as program:
        logins = [program.call("StartLogin", profile=f"p{number}")["login_id"] for number in range(8)]
        assert program.error("StartLogin", profile="ninth").short == "Busy"
        refused = agent.ctl("-p", "ninth", "login", "--start")
        assert refused.status == 1 and one_line(refused.err)
        program.call("CancelLogin", login_id=logins[0])
        assert program.call("StartLogin", profile="ninth")["login_id"]
        assert program.error("FinishLogin", login_id=logins[0], code="any").short == "UnknownLogin"
        assert program.error("CancelLogin", login_id=logins[0]).short == "UnknownLogin"


def test_logins_end_with_the_daemon(agent):
    login = agent.start_login()
    agent.restart()
    ended = agent.finish_login(login, agent.globus.approve(login["authorize_url"]))
    assert ended.status == 1 and agent.globus.count("exchange") == 0


def test_login_adds_to_the_profile(ada):
    url = ada.start_login("--scope", ALL_GROUPS, "--service", "transfer")
    assert query(url)["scope"].split() == sorted(
        ["email", "openid", "profile", VIEW_MY_GROUPS, ALL_GROUPS, f"urn:globus:auth:scope:{TRANSFER}:all"])
    ada.finish_login(url, ada.globus.approve(url["authorize_url"])).ok()
    assert set(ada.grant(GROUPS)["scopes"]) == {ALL_GROUPS, VIEW_MY_GROUPS}
    assert ada.token(TRANSFER) != ada.token(GROUPS)

    # what a later login does not ask for stays
    ada.login("--service", "search")
    assert set(ada.grant(GROUPS)["scopes"]) == {ALL_GROUPS, VIEW_MY_GROUPS}
    assert ada.grant(TRANSFER)["state"] == "valid"


def test_tokens_replaced_by_the_same_person_are_not_revoked(ada):
    ada.globus.knobs.same_access_token = True
    before = ada.token()
    ada.login("--force")
    assert ada.token() == before and ada.globus.count("revoke") == 0
    ada.ctl("groups").ok()


def test_nothing_missing_is_said_and_nobody_is_asked(ada):
    requests = len(ada.globus.log)
    again = ada.ctl("login").ok()
    assert again.out == "" and "Already logged in as apark@ridgeway.example" in again.err
    assert ada.start_login() == {"login_id": None, "authorize_url": None, "expires_at": None}
    assert len(ada.globus.log) == requests
    assert ada.start_login("--force")["login_id"]


def test_login_without_a_refresh_token(agent):
    login = agent.start_login("--no-refresh-token")
    assert query(login)["access_type"] == "online"
    agent.finish_login(login, agent.globus.approve(login["authorize_url"])).ok()
    grant = agent.grant(GROUPS)
    assert grant["refreshable"] is False and grant["state"] == "valid" and agent.token()


def test_login_with_a_client_of_ones_own(agent):
    client = agent.globus.add_client("mine")
    login = agent.start_login("--client-id", client.id)
    assert query(login)["client_id"] == client.id
    agent.finish_login(login, agent.globus.approve(login["authorize_url"])).ok()
    assert agent.grant()["client_id"] == client.id
    agent.token("--refresh")


def test_another_identity_is_sent_away_and_its_tokens_are_revoked(ada):
    before = ada.token()
    login = ada.start_login("--service", "transfer")
    refused = ada.finish_login(login, ada.globus.approve(login["authorize_url"], ada.globus.ben))
    assert refused.status == 1
    assert "apark@ridgeway.example" in refused.err and "bcole@lab.example" in refused.err

    bens = [grant for grant in ada.globus.ledger.grants if grant.user is ada.globus.ben]
    assert len(bens) == 2
    ada.globus.wait_for(lambda: all(grant.refresh_revoked and all(token.revoked for token in grant.access)
                                    for grant in bens), PATIENCE)
    assert ada.token() == before and ada.ctl("whoami").ok().out == "apark@ridgeway.example\n"


def test_another_identity_replaces_the_profile_by_force(ada):
    ada.ctl("groups").ok()
    ada.login("--force", user=ada.globus.ben)
    assert ada.ctl("whoami").ok().out == "bcole@lab.example\n"
    assert ada.ctl("groups").ok().out.splitlines()[1].endswith(',"Night watch",manager')
    ada.restart()
    assert ada.ctl("whoami").ok().out == "bcole@lab.example\n"


def test_another_identity_has_another_profile(ada):
    ada.login(profile="lab", user=ada.globus.ben)
    assert ada.ctl("whoami").ok().out == "apark@ridgeway.example\n"
    assert ada.ctl("-p", "lab", "whoami").ok().out == "bcole@lab.example\n"
    assert ada.ctl("whoami", env={"GLOBUS_PROFILE": "lab"}).ok().out == "bcole@lab.example\n"
    said = ada.ctl("-p", "lab", "whoami", "--json").ok().json
    assert (said["sub"], said["name"], said["organization"]) == (
        ada.globus.ben.sub, "Ben Cole", "Seaside Laboratory")


def test_position_of_tokens_in_the_answer_means_nothing(agent):
    agent.globus.knobs.other_tokens_order = "auth-last"
    agent.login()
    assert agent.grant(AUTH)["state"] == agent.grant(GROUPS)["state"] == "valid"
    agent.ctl("groups").ok()


@pytest.mark.parametrize("claims", [
    {"iss": "https://auth.thief.example"}, {"aud": "f1b7c0de-5a11-4c3a-9f7e-0a1b2c3d4e5f"}, {"aud": MISSING},
    {"exp": 1}, {"at_hash": "1OwCzkbV5gJCSYRe6fcNT7ZqU7BwAw-OuyQRjH4mjcA"}, {"sub": MISSING}])
def test_id_token_that_is_not_for_us_is_not_believed(agent, claims):
    agent.globus.knobs.id_token_overrides = claims
    login = agent.start_login()
    assert agent.finish_login(login, agent.globus.approve(login["authorize_url"])).status == 1
    assert agent.status["profiles"] == []
    agent.globus.wait_for(lambda: agent.globus.count("revoke") == 4, PATIENCE)


@pytest.mark.parametrize("skew", [-172800 - 200, 900])
def test_id_token_may_be_a_little_late(agent, skew):
    agent.globus.knobs.skew = skew
    agent.login()
