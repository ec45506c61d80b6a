"""The group listing: whole, in every format, kept for a while, and never an old one in place of an error."""

import csv
import io
import json
import os
import pty
import time

import pytest

from globus import GROUPS, NASTY_NAMES, VIEW_MY_GROUPS
from globus.listing import group, group_of, membership
from harness import PATIENCE, finish, one_line

BEAMLINE = "5e0c1c1e-0f5c-4f7e-9a43-2a8f9c1b7d10"
NOBODYS = "00000000-0000-4000-8000-000000000000"


def listed(agent, *options):
    """The records of the CSV, as a reader of CSV has them, without the header."""
    text = agent.ctl("groups", *options).ok().out
    header, *records = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header == ["ID", "Name", "Roles"]
    return records


def as_text(name):
    """What JSON can hold and text cannot, half a surrogate pair or a NUL, comes as U+FFFD."""
    return name.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "\ufffd")


# Formats

def test_nasty_names_come_back_through_csv(ada):
    groups = ada.globus.make_groups(names=NASTY_NAMES.values())
    assert [(group["id"], as_text(group["name"])) for group in groups] \
        == [(record[0], record[1]) for record in listed(ada, "--format", "csv")]


def test_nasty_names_come_back_through_json(ada):
    groups = ada.globus.make_groups(names=NASTY_NAMES.values())
    expected = [as_text(group["name"]) for group in groups]
    assert [group["name"] for group in ada.ctl("groups", "--format", "json").ok().json] == expected
    lines = ada.ctl("groups", "--format", "jsonl").ok().out.split("\n")
    assert lines.pop() == ""
    assert [json.loads(line)["name"] for line in lines] == expected


def test_csv_is_rfc_4180_with_names_always_quoted(ada):
    ada.globus.make_groups(names=["plain", 'with "quotes"'])
    lines = ada.ctl("groups").ok().out.splitlines()
    assert lines[0] == "ID,Name,Roles"
    assert lines[1].endswith(',"plain",member') and lines[2].endswith(',"with ""quotes""",member')


def test_json_has_all_that_is_known(ada):
    beamline, physics, *_ = ada.ctl("groups", "--format", "json").ok().json
    assert beamline["id"] == BEAMLINE and beamline["roles"] == ["manager", "member"]
    assert beamline["group_type"] == "regular"
    assert [each["username"] for each in beamline["memberships"]] \
        == ["apark@ridgeway.example", "apark@lab.example"]
    assert physics["description"] == "Staff and students, all years"


@pytest.mark.parametrize("format", ["table", "csv", "json", "jsonl"])
def test_five_thousand_groups(ada, format):
    ada.globus.faults.my_groups.chunked(1000)
    groups = ada.globus.make_groups(5000)
    out = ada.ctl("groups", "--format", format).ok().out
    assert all(group["id"] in out for group in groups)
    assert format == "json" or out.count("\n") == 5000 + (format != "jsonl")


def test_no_groups(ada):
    ada.globus.make_groups(0)
    assert ada.ctl("groups").ok().out == "ID,Name,Roles\n"
    assert ada.ctl("groups", "--format", "json").ok().json == []
    assert ada.ctl("groups", "--format", "jsonl").ok().out == ""


def test_nothing_on_a_terminal_obeys_a_name(ada):
    groups = ada.globus.make_groups(names=[name for name in NASTY_NAMES.values() if len(name) < 100])
    for format in "table", "csv", "json", "jsonl":
        shown = on_terminal(ada, "groups", "--format", format)
        assert all(group["id"] in shown for group in groups)
        forbidden = [*map(chr, range(32)), "\x7f", *map(chr, range(0x80, 0xa0)), "\u202e", "\u2028"]
        assert not set(shown.replace("\r\n", "")) & set(forbidden), format


def test_table_is_the_default_on_a_terminal(ada):
    assert "Ridgeway Physics" in on_terminal(ada, "groups") and "ID,Name" not in on_terminal(ada, "groups")


def on_terminal(agent, *arguments):
    terminal, slave = pty.openpty()
    process = agent.spawn(*arguments, stdout=slave)
    os.close(slave)
    shown = b""
    try:
        while data := os.read(terminal, 65536):
            shown += data
    except OSError:
        pass                    # how a terminal ends whose other side is closed
    os.close(terminal)
    assert finish(process).status == 0
    return shown.decode()


# Statuses, roles, membership

def test_statuses(ada):
    active, invited = listed(ada), listed(ada, "--status", "invited")
    assert len(active) == 3 and [record[1:] for record in invited] == [["Data stewards", ""]]
    assert len(listed(ada, "--status", "active", "--status", "invited")) == 4
    assert ada.ctl("groups", "--status", "weird").status == 2


def test_check_of_membership(ada):
    def check(*arguments):
        result = ada.ctl("groups", "--check", *arguments)
        assert result.out == "" and (result.status == 0 or one_line(result.err) or result.status == 9)
        return result.status

    invited = ada.globus.ada.groups[3]["id"]
    assert check(BEAMLINE) == check(BEAMLINE.upper()) == 0
    assert check(BEAMLINE, "--role", "member") == check(BEAMLINE, "--role", "manager") == 0
    assert check(BEAMLINE, "--role", "admin") == check(NOBODYS) == check(invited) == 9
    assert check(invited, "--status", "invited") == 0
    assert check("Ridgeway Physics") == check(BEAMLINE, "--role", "owner") == 2
    ada.globus.faults.my_groups.answer(503)
    assert ada.ctl("groups", "--check", BEAMLINE, "--max-age", 0).status == 6


def test_roles_are_sorted_distinct_and_of_those_memberships_that_count(ada):
    ada.globus.knobs.duplicate_memberships = True
    identities = ada.globus.ada.identity_set

    def made(name, *memberships):
        group_id = f"00000000-0000-4000-8000-{len(name):012}"
        return group(name, [membership(group_id, identities[index % 2], role, status)
                            for index, (role, status) in enumerate(memberships)], group_id)

    ada.globus.ada.groups = [
        made("a", ("member", "active"), ("admin", "active")),
        made("bb", ("manager", None), ("member", None)),
        made("ccc", ("member", "active"), ("admin", "invited"))]
    assert [record[1:] for record in listed(ada)] \
        == [["a", "admin|member"], ["bb", "manager|member"], ["ccc", "member"]]
    assert ada.ctl("groups", "--check", f"00000000-0000-4000-8000-{3:012}", "--role", "admin").status == 9


def test_absent_optional_members_are_no_trouble(ada):
    bare = {"id": BEAMLINE, "name": "bare", "my_memberships": None, "group_type": "regular"}
    more = group_of(ada.globus.ada, "more", surprise={"deep": [1, {"x": None}]})
    ada.globus.faults.my_groups.answer_json([bare, more])
    assert [record[1:] for record in listed(ada)] == [["bare", ""], ["more", "member"]]


# Kept for a while

def test_listing_is_kept_for_a_minute(ada):
    first = listed(ada)
    ada.globus.make_groups(1)
    assert listed(ada) == first and ada.globus.count("my_groups") == 1
    assert len(listed(ada, "--max-age", 0)) == 1 and ada.globus.count("my_groups") == 2
    assert len(listed(ada)) == 1 and ada.globus.count("my_groups") == 2


def test_each_set_of_statuses_has_its_listing(ada):
    assert len(listed(ada)) == 3 and len(listed(ada, "--status", "invited")) == 1
    assert len(listed(ada)) == 3 and len(listed(ada, "--status", "active")) == 3
    assert ada.globus.count("my_groups") == 2


def test_any_number_of_callers_cause_one_request(ada):
    ada.globus.faults.my_groups.hold()
    callers = [ada.spawn("groups") for _ in range(30)]
    ada.wait_for(lambda status: status["connections"] > 30)
    ada.globus.faults.my_groups.release()
    assert len({finish(caller).ok().out for caller in callers}) == 1
    assert ada.globus.count("my_groups") == 1


def test_login_and_logout_drop_the_listing(ada):
    listed(ada)
    ada.login("--force")
    listed(ada)
    assert ada.globus.count("my_groups") == 2
    ada.ctl("logout").ok()
    assert ada.ctl("groups").status == 4
    ada.login(user=ada.globus.ben)
    assert [record[1] for record in listed(ada)] == ["Night watch"]


def test_fetched_at_tells_when(ada):
    with ada.connect() as program:
        first = program.call("ListGroups")
        assert abs(first["fetched_at"] - time.time()) < 60
        assert program.call("ListGroups") == first


@pytest.mark.parametrize("document", [{"groups": []}, [{"name": "without an id"}], [1]])
def test_error_never_turns_into_an_old_listing(ada, document):
    listed(ada)
    ada.globus.faults.my_groups.answer_json(document)
    failed = ada.ctl("groups", "--max-age", 0)
    assert failed.status == 6 and failed.out == "" and one_line(failed.err)


# What Groups says no to

def test_refused_token_is_refreshed_once_and_the_question_asked_again_once(ada):
    ada.globus.revoke_access_tokens()
    assert len(listed(ada)) == 3
    assert ada.refreshes() == 1 and ada.globus.count("my_groups") == 2


def test_token_refused_again_is_not_refreshed_again(ada):
    ada.globus.faults.my_groups.invalid_token(times=None)
    for _ in range(5):
        failed = ada.ctl("groups", "--max-age", 0)
        assert failed.status == 6 and one_line(failed.err)
    assert ada.refreshes() == 1 and ada.globus.count("my_groups") == 2
    with ada.connect() as program:
        error = program.error("ListGroups")
        assert error.short == "Unavailable" and 0 < error.parameters["retry_at"] - time.time() < 63
    assert ada.token()                                  # other services may like it


@pytest.mark.parametrize("status", [401, 403])
def test_session_that_groups_demands_takes_a_login(ada, status):
    ada.globus.faults.my_groups.requires(
        status, session_message="Use your \x1b[1mlab identity", session_required_policies=["9a9a"],
        session_required_mfa=True, prompt="login")
    needed = ada.ctl("groups")
    assert needed.status == 4 and one_line(needed.err)
    assert "lab identity" in needed.err and "\x1b" not in needed.err
    with ada.connect() as program:
        error = program.error("ListGroups")
        assert error.short == "LoginNeeded" and error.parameters["reason"] == "session"
        assert error.parameters["session_required_policies"] == ["9a9a"]
        assert error.parameters["session_required_mfa"] is True and error.parameters["prompt"] == "login"
        assert error.parameters["resource_server"] == GROUPS
    assert ada.refreshes() == 0


def test_profile_without_groups_takes_a_login_for_them(agent):
    agent.login("--service", "transfer")
    needed = agent.ctl("groups")
    assert needed.status == 4 and f"--scope '{VIEW_MY_GROUPS}'" in needed.err
    assert agent.globus.count("my_groups") == 0


def test_consent_that_groups_demands_takes_a_login(ada):
    wanted = VIEW_MY_GROUPS.replace("view_my_groups_and_memberships", "all")
    ada.globus.faults.my_groups.requires(403, required_scopes=[wanted])
    needed = ada.ctl("groups")
    assert needed.status == 4 and wanted in needed.err and ada.refreshes() == 0


def test_globus_that_is_slow_is_waited_for_no_longer_than_said(ada):
    ada.globus.faults.my_groups.hold()
    waiting = ada.spawn("--timeout", "1", "groups")
    ada.globus.wait_for(lambda: ada.globus.faults.my_groups.held == 1, PATIENCE)
    late = finish(waiting)
    assert late.status == 6 and one_line(late.err)
