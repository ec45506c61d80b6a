"""A disk that refuses or hangs costs nobody a token, and what it did not take it gets when it is well again."""

import errno
import os

import pytest

from clocks import LIFETIME, FastClock
from disks import CALLS, BadDisk, bring_up
from globus import GROUPS
from harness import finish, one_line

FAULTS = [
    ("read", errno.EIO), ("write", errno.EDQUOT), ("write", errno.EIO), ("sync_file", errno.ENOSPC),
    ("sync_file", errno.EDQUOT), ("sync_file", errno.EIO), ("rename", errno.EDQUOT), ("rename", errno.EIO),
    ("sync_directory", errno.EIO)]

every_fault = pytest.mark.parametrize("call, error", FAULTS, ids=lambda each: errno.errorcode.get(each, each))
every_call = pytest.mark.parametrize("call", CALLS)


@pytest.fixture
def disk(home):
    made = BadDisk(home)
    yield made
    made.heal()


@pytest.fixture
def ada(stopped_agent, disk):
    return bring_up(stopped_agent, env=disk.env)


def unsaved(agent):
    """Why something is not saved."""
    status = agent.status
    assert status["store"]["saved"] is False and "not saved" in agent.ctl("status").ok().out
    return status["store"]["error"]


def assert_kept(agent, token):
    """By a daemon that has nothing but the disk, and Globus does not mind its refresh token."""
    agent.wait_saved()
    assert not agent.status["store"].get("error")
    agent.kill()
    agent.start()
    assert agent.token() == token and agent.grant()["saved"] is True
    assert agent.token("--refresh") != token


@every_fault
def test_refresh_on_a_disk_that_fails(ada, disk, call, error):
    before, auth = ada.home.store.read_bytes(), ada.token("auth")
    disk.fail(call, error)
    token = ada.token("--refresh")
    why = unsaved(ada)
    assert os.strerror(error) in why and str(ada.home.state) in why
    assert ada.grant()["saved"] is False
    assert ada.token() == token and ada.token("auth") == auth
    if call != "sync_directory":        # then it is there, only not for certain
        assert ada.home.store.read_bytes() == before
    assert {path.name for path in ada.home.state.iterdir()} == {"store", "lock"}

    disk.heal()
    assert_kept(ada, token)


@pytest.mark.parametrize("call", [call for call in CALLS if call != "read"])    # there is nothing to be read
def test_login_on_a_disk_that_fails(stopped_agent, disk, call):
    agent = stopped_agent.start(env=disk.env)
    disk.fail(call, errno.EIO)
    said = agent.login().err.splitlines()
    assert "Logged in as" in said[-2] and "not saved" in said[-1] and os.strerror(errno.EIO) in said[-1]
    token = agent.token()
    assert os.strerror(errno.EIO) in unsaved(agent)
    disk.heal()
    assert_kept(agent, token)


def test_login_that_replaces_another_on_a_disk_that_fails(ada, disk):
    """Until it is saved, a restart has the other one, which works."""
    disk.fail("rename", errno.EIO)
    ada.login("--force", user=ada.globus.ben)
    assert ada.ctl("whoami").ok().out == "bcole@lab.example\n"
    assert ada.status["store"]["saved"] is False
    ada.kill()
    ada.start()
    assert ada.ctl("whoami").ok().out == "apark@ridgeway.example\n"
    assert ada.token("--refresh") and ada.token("auth", "--refresh")


@every_call
def test_logout_on_a_disk_that_fails(ada, disk, call):
    disk.fail(call, errno.EIO)
    said = ada.ctl("-q", "logout")
    assert said.status == 1 and one_line(said.err) and os.strerror(errno.EIO) in said.err
    assert ada.ctl("token").status == 4
    assert os.strerror(errno.EIO) in unsaved(ada)
    disk.heal()
    ada.ctl("logout").ok()              # it is tried at once
    ada.kill()
    ada.start()
    assert ada.ctl("token").status == 4 and ada.status["profiles"] == []


def test_refreshes_pile_up_on_a_disk_that_fails(ada, disk):
    disk.fail("write", errno.ENOSPC)
    for _ in range(5):
        token = ada.token("--refresh")
    assert ada.grant()["saved"] is False
    disk.heal()
    assert_kept(ada, token)


def test_agent_that_ends_tries_once_more(ada, disk):
    disk.fail("write", errno.EIO)
    token = ada.token("--refresh")
    disk.heal()
    ada.restart()
    assert ada.token() == token and ada.grant()["saved"] is True


def test_disk_that_fails_for_many_lifetimes(stopped_agent, disk):
    """A token is to be had in each, from a Globus that rotates, and in the end all of it is on disk."""
    agent = stopped_agent
    clock = FastClock(agent.home.root, agent.globus)
    both = ":".join(env["LD_PRELOAD"] for env in (disk.env, clock.env))
    bring_up(agent, env=disk.env | clock.env | {"LD_PRELOAD": both})
    disk.fail("write", errno.EIO)
    tokens = []
    for _lifetime in range(5):
        clock.leap(LIFETIME)
        tokens.append(agent.token())
    assert len(set(tokens)) == 5 and unsaved(agent)
    disk.heal()
    clock.leap(60)
    agent.wait_saved()
    assert agent.token() == tokens[-1]


@every_call
def test_disk_that_hangs(ada, disk, call):
    """What is in memory is served at once, and what is new after two seconds, unsaved."""
    before, auth = ada.home.store.read_bytes(), ada.token("auth")
    disk.hang(call)
    waiting = ada.spawn("token", "--refresh")
    ada.wait_for(lambda _status: disk.hanging == 1)
    assert ada.token("auth") == auth and ada.ctl("whoami").ok()
    token = finish(waiting).ok().out.strip()
    assert "not taken" in unsaved(ada) and ada.grant()["saved"] is False
    assert ada.token() == token and disk.hanging == 1
    if call != "sync_directory":
        assert ada.home.store.read_bytes() == before

    disk.heal()
    assert_kept(ada, token)


def test_login_and_logout_while_the_disk_hangs(ada, disk):
    disk.hang("sync_file")
    ada.login(profile="lab", user=ada.globus.ben)
    ada.ctl("-p", "lab", "token").ok()
    said = ada.ctl("-q", "logout")
    assert said.status == 1 and one_line(said.err) and "not taken" in said.err
    assert ada.ctl("token").status == 4
    disk.heal()
    ada.wait_saved()
    ada.kill()
    ada.start()
    assert ada.ctl("token").status == 4 and ada.ctl("-p", "lab", "token", "--refresh").ok()


def test_logout_with_neither_disk_nor_network(ada, disk):
    """Both are told, and the disk is made to forget when it can."""
    disk.fail("rename", errno.EIO)
    ada.globus.go_offline()
    said = ada.ctl("-q", "logout")
    assert said.status == 1 and one_line(said.err)
    assert os.strerror(errno.EIO) in said.err and GROUPS in said.err and "v2/web/consents" in said.err
    disk.heal()
    ada.wait_saved()
    ada.kill()
    ada.start()
    assert ada.ctl("token").status == 4


def test_agent_ends_although_the_disk_hangs(ada, disk):
    """It does not wait for ever, and the old state stays."""
    before = ada.home.store.read_bytes()
    disk.hang("sync_file")
    ada.token("--refresh")
    assert ada.end(15) != 0 and "hangs" in ada.log
    disk.heal()
    assert ada.home.store.read_bytes() == before
    ada.start()
    assert ada.ctl("token").ok() and ada.ctl("token", "auth", "--refresh").ok()
    assert ada.grant(GROUPS)["state"]


def test_agent_ends_although_the_disk_fails(ada, disk):
    """Having tried for a while, and it does not pass for a good end."""
    disk.fail("rename", errno.EIO)
    ada.token("--refresh")
    assert ada.end(15) == 1
    assert "Not saved before the end, so what changed last is lost: " in ada.log
    disk.heal()
    ada.start()
    assert ada.ctl("token").ok()


def test_start_on_a_disk_that_fails(ada, disk):
    """It is asked again, and nobody is told that there is no login."""
    token = ada.token()
    ada.stop()
    disk.fail("read", errno.EIO)
    ada.start(env=disk.env)
    said = ada.ctl("token")
    assert said.status == 1 and one_line(said.err) and os.strerror(errno.EIO) in said.err
    assert os.strerror(errno.EIO) in ada.status["store"]["error"]
    disk.heal()
    ada.wait_for(lambda status: status["store"]["state"] == "open")
    assert ada.token() == token and ada.token("--refresh") != token
    ada.wait_saved()


def test_start_on_a_disk_that_hangs(ada, disk):
    """Nobody is kept waiting for ever, nor told that there is no login."""
    token = ada.token()
    ada.stop()
    disk.hang("read")
    ada.start(env=disk.env)
    said = ada.ctl("token")
    assert said.status == 1 and one_line(said.err) and str(ada.home.state) in said.err
    assert "Who is logged in is not known" in ada.ctl("status").ok().out
    disk.heal()
    ada.wait_for(lambda status: status["profiles"])
    assert ada.token() == token
