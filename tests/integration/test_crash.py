"""Killed at any instant, the agent is afterwards where it was or where it was going, and nowhere between."""

import pytest

from globus import AUTH, GROUPS
from torture import Operation, every_point, may_trace

TRANSFER = "transfer.api.globus.org"
TRANSFER_SCOPE = f"urn:globus:auth:scope:{TRANSFER}:all"


@pytest.fixture(autouse=True)
def tracing(stopped_agent):
    if not may_trace(stopped_agent):
        pytest.skip("nothing may be traced here")


def servers(agent):
    """The resource servers of each profile."""
    return {account["profile"]: {grant["resource_server"] for grant in account["grants"]}
            for account in agent.status["profiles"]}


def log_in(agent, **options):
    """As a program does; the stand-in approves unasked."""
    with agent.connect() as program:
        login = program.call("StartLogin", **options)
        code = agent.globus.approve(login["authorize_urls"][0]["url"])
        return program.call("FinishLogin", login_id=login["login_id"], code=code)


def call(agent, method, **parameters):
    with agent.connect() as program:
        return program.call(method, **parameters)


def error(agent, method, **parameters):
    with agent.connect() as program:
        return program.error(method, **parameters).short


class Login(Operation):
    """The first one: directories, key and store are made."""

    becomes = {"old", "new"}

    def begin(self, agent):
        login = call(agent, "StartLogin")
        return login["login_id"], agent.globus.approve(login["authorize_urls"][0]["url"])

    def run(self, agent, task):
        return call(agent, "FinishLogin", login_id=task[0], code=task[1])

    def check(self, agent, _ledger, answer):
        found = servers(agent)
        assert found in ({}, {"default": {AUTH, GROUPS}})
        assert found or not answer, "a login that was told of is gone"
        if not found:
            log_in(agent)
        assert call(agent, "GetToken", refresh=True)["access_token"]
        assert call(agent, "GetToken", refresh=True, resource="auth")["access_token"]
        return "new" if found else "old"


class Widening(Login):
    """A login that adds to one that is there, which goes on working if it comes to nothing."""

    def prepare(self, agent):
        log_in(agent)

    def begin(self, agent):
        login = call(agent, "StartLogin", scopes=[TRANSFER_SCOPE])
        return login["login_id"], agent.globus.approve(login["authorize_urls"][0]["url"])

    def check(self, agent, _ledger, answer):
        found, = servers(agent).values()
        assert found in ({AUTH, GROUPS}, {AUTH, GROUPS, TRANSFER})
        assert TRANSFER in found or not answer, "a login that was told of is gone"
        for server in found:
            assert call(agent, "GetToken", refresh=True, resource=server)["access_token"]
        return "new" if TRANSFER in found else "old"


class Replacing(Login):
    """A login of somebody else in place of one that is there, whose tokens are good until that is saved."""

    def prepare(self, agent):
        log_in(agent)

    def begin(self, agent):
        agent.globus.knobs.auto_approve = agent.globus.ben
        login = call(agent, "StartLogin", force=True)
        return login["login_id"], agent.globus.approve(login["authorize_urls"][0]["url"])

    def check(self, agent, ledger, answer):
        assert servers(agent) == {"default": {AUTH, GROUPS}}
        who = call(agent, "GetIdentity")["username"]
        assert who in (agent.globus.ada.username, agent.globus.ben.username)
        replaced = who == agent.globus.ben.username
        assert replaced or not answer, "a login that was told of is gone"
        for server in AUTH, GROUPS:
            assert call(agent, "GetToken", refresh=True, resource=server)["access_token"]
        return "new" if replaced else "old"


class Refresh(Operation):
    """Between Globus's answer and our rename the login is lost: it knows two tokens where we know one."""

    becomes = {"old", "lost", "new"}

    def prepare(self, agent):
        log_in(agent)

    def run(self, agent, _task):
        return call(agent, "GetToken", refresh=True)

    def check(self, agent, ledger, answer):
        before, now = (groups_grant(each) for each in (ledger, agent.globus.ledger))
        token = call(agent, "GetToken")["access_token"]
        assert token in (before.access[-1].value, now.access[-1].value)
        rotated, kept = now.refresh_token != before.refresh_token, token != before.access[-1].value
        assert rotated or not kept
        assert not answer or answer["access_token"] == token, "handed out before it was on disk"

        if rotated and not kept:
            assert agent.ctl("token", "--refresh").status == 4 and agent.ctl("status").ok()
            assert call(agent, "GetToken", resource="auth", refresh=True)["access_token"]
            return "lost"
        assert call(agent, "GetToken", refresh=True)["access_token"] and not now.revoked
        return "new" if kept else "old"


class Logout(Operation):
    """Of what is left in part at Globus all is left here, so that it can be done again."""

    becomes = {"old", "new"}

    def prepare(self, agent):
        log_in(agent)

    def run(self, agent, _task):
        return call(agent, "Logout")

    def check(self, agent, _ledger, answer):
        found = servers(agent)
        assert found in ({}, {"default": {AUTH, GROUPS}})
        assert not found or not answer, "a logout that was told of is undone"
        for server in found.get("default", ()):
            grant = next(grant for grant in agent.globus.ledger.grants if grant.resource_server == server)
            if grant.refresh_revoked:
                assert error(agent, "GetToken", resource=server, refresh=True) == "LoginNeeded"
            else:
                assert call(agent, "GetToken", resource=server, refresh=True)["access_token"]
        assert call(agent, "Logout")["not_revoked"] == []
        agent.restart()
        assert servers(agent) == {} and error(agent, "GetToken") == "LoginNeeded"
        return "old" if found else "new"


def groups_grant(ledger):
    return next(grant for grant in ledger.grants if grant.resource_server == GROUPS)


@pytest.mark.parametrize("operation", [Login, Widening, Replacing, Refresh, Logout])
def test_killed_at_every_system_call(operation):
    became = every_point(operation())
    print(f"{operation.__name__}: {sum(became.values())} points, {dict(became)}")
    assert became.keys() == operation.becomes
