"""Every exit status that there can be, each with one line on stderr and, where it failed, nothing on stdout."""

import os
import signal

import pytest

from globus import VIEW_MY_GROUPS
from harness import one_line

ALL_GROUPS = VIEW_MY_GROUPS.replace("view_my_groups_and_memberships", "all")
BEAMLINE = "5e0c1c1e-0f5c-4f7e-9a43-2a8f9c1b7d10"
NOBODYS = "00000000-0000-4000-8000-000000000000"


def nothing(_agent):
    pass


def unavailable(agent):
    agent.globus.faults.refresh.answer(503)
    agent.globus.faults.my_groups.answer(503)


def unrevocable(agent):
    agent.globus.faults.revoke.answer(503)


def dead(agent):
    agent.globus.revoke_grant()


def demanding(agent):
    agent.globus.faults.my_groups.requires(session_required_mfa=True)


def stopped(agent):
    agent.stop()


def locked(agent):
    agent.ctl("lock").ok()


def locked_with_password(agent):
    agent.ctl("lock", "--password", "--stdin", stdin="password\n").ok()


def in_memory_only(agent):
    agent.ctl("key", "memory").ok()


def under_a_policy(agent):
    agent.stop()
    agent.home.configure(agent.settings | {"policy": {"protectors": ["keyfile"]}})
    agent.start()


def short(agent):
    agent.globus.knobs.lifetime = 300
    agent.globus.knobs.expires_in = 300


def misconfigured(agent):
    agent.stop()
    agent.home.configure("{")
    agent.start()


TABLE = [       # status, what is the matter, the command
    (0, nothing, "token"),
    (0, nothing, "token auth --format json"),
    (0, nothing, "token --min-valid 3600"),
    (0, nothing, "groups"),
    (0, nothing, f"groups --check {BEAMLINE} --role manager"),
    (0, nothing, "whoami"),
    (0, nothing, "whoami --json"),
    (0, nothing, "status"),
    (0, nothing, "status --json"),
    (0, nothing, "login"),
    (0, nothing, "logout"),
    (0, nothing, "logout --all"),
    (0, nothing, "lock"),
    (0, locked, "lock"),
    (0, stopped, "lock"),
    (0, in_memory_only, "lock --force"),
    (0, nothing, "unlock"),
    (0, locked, "unlock"),
    (0, nothing, "key"),
    (0, locked, "key"),
    (0, nothing, "key auto"),
    (0, nothing, "key plaintext --yes-store-tokens-unencrypted"),
    (0, locked, "status"),
    (0, nothing, "--help"),
    (0, nothing, "--version"),
    (0, nothing, "help token"),
    (0, unavailable, "token"),
    (0, unavailable, "whoami"),
    (0, misconfigured, "status"),
    (1, nothing, "token nonsense"),
    (1, nothing, "token --rejected"),
    (1, nothing, "login --finish nonsense"),
    (1, misconfigured, "token"),
    (1, misconfigured, "groups"),
    (1, misconfigured, "login --start"),
    (1, nothing, "login --start --force --environment moon"),
    (1, nothing, "lock --password --stdin"),
    (1, nothing, "key passphrase --stdin"),
    (1, in_memory_only, "lock"),
    (2, nothing, ""),
    (2, nothing, "frobnicate"),
    (2, nothing, "token --format xml"),
    (2, nothing, "token groups extra"),
    (2, nothing, "token --min-valid soon"),
    (2, nothing, "token --renew"),
    (2, nothing, "groups --role admin"),
    (2, nothing, "groups --check Physics"),
    (2, nothing, "groups --status weird"),
    (2, nothing, "login --json"),
    (2, nothing, "login --nonsense"),
    (2, nothing, "lock --stdin"),
    (2, nothing, "key tpm"),
    (2, nothing, "key plaintext"),
    (2, nothing, "-p a/b token"),
    (2, nothing, "--timeout 0 token"),
    (3, stopped, "token"),
    (3, stopped, "groups"),
    (3, stopped, "status"),
    (3, stopped, "login"),
    (3, stopped, "logout"),
    (3, stopped, "unlock"),
    (3, stopped, "key"),
    (3, stopped, "key keyfile"),
    (4, nothing, "-p nobody token"),
    (4, nothing, "-p nobody groups"),
    (4, nothing, "-p nobody whoami"),
    (4, nothing, f"token {ALL_GROUPS}"),
    (4, nothing, "token transfer"),
    (4, dead, "token --refresh"),
    (4, demanding, "groups"),
    (5, locked, "token"),
    (5, locked, "groups"),
    (5, locked, "logout"),
    (5, locked, "key keyfile"),
    (5, locked_with_password, "unlock --stdin"),
    (6, unavailable, "token --refresh"),
    (6, unavailable, "groups"),
    (6, unavailable, f"groups --check {BEAMLINE}"),
    (6, unrevocable, "logout"),
    (7, under_a_policy, "key memory"),
    (8, short, "token --min-valid 200000"),
    (9, nothing, f"groups --check {NOBODYS}"),
    (9, nothing, f"groups --check {BEAMLINE} --role admin"),
]


CALLING = ["token", "groups", "whoami", "status", "logout", "login --start", "login --finish nonsense",
           "lock", "unlock", "key"]


def name_of(each):
    return getattr(each, "__name__", str(each))


@pytest.mark.parametrize("status, matter, command", TABLE, ids=name_of)
def test_exit_status(ada, status, matter, command):
    matter(ada)
    result = ada.ctl(*command.split())
    assert result.status == status, result.err
    if status not in (0, 9):
        assert result.out == "" and one_line(result.err) and result.err.startswith("globus-agentctl: ")
    if status == 9:
        assert result.out == result.err == ""
    if status == 4:
        assert "globus-agentctl login" in result.err


@pytest.fixture
def stuck(ada):
    os.kill(ada.pid, signal.SIGSTOP)
    yield ada
    os.kill(ada.pid, signal.SIGCONT)


@pytest.mark.parametrize("command", CALLING)
def test_agent_that_is_stuck(stuck, command):
    """It is not Globus that is slow."""
    result = stuck.ctl("--timeout", "1", *command.split(), stdin="code\n")
    assert result.status == 1 and result.out == "" and one_line(result.err)
    assert "globus-agent does not answer within 1 s" in result.err and "restart" in result.err


def test_globus_that_is_slow(ada):
    """It is not the agent that is stuck."""
    ada.globus.faults.my_groups.hold()
    result = ada.ctl("--timeout", "1", "groups")
    assert result.status == 6 and one_line(result.err) and "--timeout" in result.err


@pytest.mark.parametrize("command", ["login", "token", "groups", "whoami", "status", "logout", "lock",
                                     "unlock", "key", "help"])
def test_every_command_has_its_help(home, command, stopped_agent):
    shown = stopped_agent.ctl(command, "--help").ok()
    assert shown.out.startswith(f"Usage: globus-agentctl {command}") and shown.err == ""
    assert stopped_agent.ctl("help", command).ok().out == shown.out


def test_list_of_commands(stopped_agent):
    shown = stopped_agent.ctl("--help").ok().out
    for command in "login", "token", "groups", "whoami", "status", "logout", "lock", "unlock", "key":
        assert f"  {command} " in shown


def test_quiet_says_nothing_but_errors(ada):
    assert ada.ctl("-q", "login").ok().err == ""
    assert one_line(ada.ctl("-q", "token", "nonsense").err)
    assert ada.ctl("-q", "logout").ok().err == ""


def test_output_that_cannot_be_written_is_a_failure(ada):
    with open("/dev/full", "w") as full:
        process = ada.spawn("token", stdout=full)
        assert process.wait(30) == 1
        process.stderr.close()
