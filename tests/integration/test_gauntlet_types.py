"""Answers with one member of a wrong type, each in turn: refused with a sentence, or it does not matter."""

import json

import pytest

from globus import GROUPS, MISSING
from harness import one_line

WRONG = [None, True, 7, -1.5, "", "\ud800", [], [None], {}, {"a": 1}, MISSING]
JSON = [value for value in WRONG if value != "\ud800"]


def changed(document, member, value):
    """A copy; the member is left out for MISSING."""
    rest = {name: each for name, each in document.items() if name != member}
    return rest if value is MISSING else rest | {member: value}


# Of the answer to a code, what may be wrong without harm.
TOLERATED = {
    "access_token": [], "scope": [""], "resource_server": [], "id_token": [],
    "refresh_token": [None, "", MISSING], "token_type": [None, MISSING], "other_tokens": [None, [], MISSING],
    "expires_in": JSON, "state": JSON}


@pytest.mark.parametrize("member", TOLERATED)
def test_tokens(agent, member):
    globus = agent.globus
    for number, value in enumerate(WRONG):
        login = agent.start_login(profile=f"p{number}")
        globus.faults.exchange.bend(lambda document: changed(document, member, value), times=1)  # noqa: B023
        result = agent.finish_login(login, globus.approve(login["authorize_url"]))
        if repr(value) in map(repr, TOLERATED[member]):
            assert result.status == 0, (value, result)
            continue
        assert result.status in (1, 6) and one_line(result.err), (value, result)
        assert member in result.err or "JSON" in result.err, (value, result)
        agent.finish_login(login, globus.approve(login["authorize_url"])).ok()
    assert agent.process.poll() is None


# Of a group, what may be wrong without harm, and what the listing then says of the first one.
LISTED = {"id": [], "name": [], "description": WRONG, "group_type": WRONG, "parent_id": WRONG,
          "my_memberships": WRONG}
TEXTS = ["", "\ud800"]


@pytest.mark.parametrize("member", LISTED)
def test_groups(agent, member):
    for number, value in enumerate(WRONG):
        agent.login(profile=f"p{number}")       # for Groups is left alone for a while after a failure
        agent.globus.faults.my_groups.bend(
            lambda groups: [changed(group, member, value) for group in groups], times=1)  # noqa: B023
        result = agent.ctl("-p", f"p{number}", "groups", "--format", "json")
        if value in TEXTS or value in LISTED[member]:
            assert len(json.loads(result.ok().out)) == 3, value
        else:
            assert result.status == 6 and one_line(result.err) and "no list of groups" in result.err, value


@pytest.mark.parametrize("member, harmless", [("role", []), ("status", [None, MISSING])])
def test_membership_that_makes_no_sense_gives_no_role(ada, member, harmless):
    group_id = ada.globus.ada.groups[0]["id"]

    def bend(groups):
        return [group | {"my_memberships": [changed(each, member, value) for each in group["my_memberships"]]}
                for group in groups]

    for value in WRONG:
        ada.globus.faults.my_groups.bend(bend, times=1)
        status = ada.ctl("groups", "--max-age", 0, "--check", group_id, "--role", "member").status
        assert status == (0 if value in harmless else 9), value
