"""Two daemons share a home, as on two login nodes: what one does is so for both, and no token is used twice.

Machines are played by runtime directories over one state directory; what a network file system adds is not
tested here.
"""

import errno
import os
import random
import signal

import pytest

from clocks import LATE, FastClock, first_due
from disks import BadDisk
from globus import GROUPS
from harness import PATIENCE, SANITIZERS, Agent, Home, find_grant, finish, one_line

LIFETIMES = 40 if any(name in os.environ for name in SANITIZERS) else 200
SPREAD = 40                     # a little more than that of the times at which two daemons refresh
LOOK = 22                       # after that each has seen what is on disk
MEMORY = "/dev/shm"             # a file system of another kind than /tmp, most likely


@pytest.fixture
def directory():
    return "/tmp"


@pytest.fixture
def two(directory, globus):
    """Ada is logged in by the first; refresh tokens are good for one use."""
    globus.knobs.rotate = True
    home = Home(directory)
    agents = [Agent(home, globus).start(), Agent(home.twin(), globus).start()]
    agents[0].login()
    yield agents
    globus.faults.clear()
    for agent in agents:
        if agent.process:
            agent.stop()
    home.remove()


@pytest.fixture
def one(two):
    return two[0]


@pytest.fixture
def other(two):
    return two[1]


def refused_grants(globus):
    return [request for request in globus.log if "refresh" in request.names and request.status != 200]


def at_once(agents, *arguments):
    """Each runs the command at the same time."""
    return [finish(process) for process in [agent.spawn(*arguments) for agent in agents]]


# A login, and its end

def test_login_is_one_for_the_other_at_once(one, other):
    assert other.token() == one.token()
    assert other.ctl("whoami").ok().out == one.ctl("whoami").ok().out
    assert other.ctl("groups").ok().out == one.ctl("groups").ok().out


def test_login_that_adds_a_service_is_one_for_the_other(one, other):
    other.token()
    assert other.ctl("token", "transfer").status == 4
    one.login("--service", "transfer")
    assert other.token("transfer") == one.token("transfer")
    assert "Already logged in" in other.ctl("login", "--service", "transfer").ok().err


def test_logout_is_one_for_the_other_soon(one, other, clock):
    other.token()
    one.ctl("logout").ok()
    clock.leap(30)
    other.wait_for(lambda status: not status["profiles"])
    assert other.ctl("token").status == 4


def test_logout_of_a_login_made_elsewhere(one, other):
    """Also by one that has never been asked for it."""
    other.ctl("logout").ok()
    assert other.globus.count("revoke") > 0
    assert other.ctl("token").status == 4


def test_logout_before_the_other_could_save(one, other, globus):
    """Who logs out knows nothing of tokens that are in the memory of the other alone."""
    disk = BadDisk(one.home)
    one.restart(env=disk.env)
    other.token()
    disk.fail("write", errno.EIO)
    token = one.token("--refresh")
    assert one.grant(GROUPS)["saved"] is False
    other.ctl("logout").ok()
    disk.heal()
    one.wait_for(lambda status: not status["profiles"])
    globus.wait_for(lambda: any(access.value == token and access.revoked
                                for grant in globus.ledger.grants for access in grant.access), PATIENCE)


def test_another_identity_elsewhere(one, other, globus):
    other.ctl("groups").ok()
    ben = globus.add_user("ben@ridgeway.example")
    one.login("--force", user=ben)
    other.wait_for(lambda status: status["profiles"][0]["username"] == ben.username, 30)
    assert other.ctl("whoami").ok().out == f"{ben.username}\n"
    assert other.ctl("groups").ok().out == one.ctl("groups").ok().out
    assert other.token() == one.token()


# Refreshing

def test_rotated_token_is_used_by_the_other(one, other, globus):
    other.token()
    first = one.token("--refresh")
    one.wait_saved()
    second = other.token("--refresh")
    assert one.ctl("token").status == other.ctl("token").status == 0
    assert not refused_grants(globus) and first and second


def test_both_at_once_are_one_refresh(one, other, globus):
    other.token()
    before = one.refreshes()
    globus.faults.refresh.hold()
    processes = [agent.spawn("token", "--refresh") for agent in (one, other)]
    assert globus.wait_for(lambda: globus.faults.refresh.held == 1, PATIENCE)
    globus.faults.refresh.release()
    tokens = {finish(process).ok().out for process in processes}
    assert len(tokens) == 1 and one.refreshes() == before + 1


@pytest.fixture
def clock(two, globus):
    """The two live by it."""
    made = FastClock(two[0].home.root, globus)
    for agent in two:
        agent.restart(env=made.env)
    two[0].token("--refresh")
    return made


@pytest.mark.parametrize("directory", ["/tmp", MEMORY])
def test_two_hundred_lifetimes(two, clock, globus):
    """By themselves, ahead of expiry; sometimes one is the first, sometimes both want to be. Now and then one
    is killed, and comes back when the other may be at it."""
    chance = random.Random(7)
    for lifetime in range(LIFETIMES):
        dead, *alive = agents = chance.sample(two, 2)       # neither is always the first to look at the clock
        if lifetime % 10 == 0:
            dead.kill()
        else:
            alive = agents
        clock.leap_past(alive, min(map(first_due, alive)) - clock.now() + chance.uniform(0, SPREAD))
        if not dead.process:
            dead.start(env=clock.env)
        clock.settle(agents)
        clock.leap_past(agents, LOOK)
        clock.settle(agents)
        assert not refused_grants(globus), f"lifetime {lifetime}"

    assert two[0].refreshes() >= LIFETIMES
    assert all(agent.log.count("Refreshed") > LIFETIMES / 10 for agent in two)
    assert "Another agent has refreshed" in two[0].log + two[1].log
    assert two[0].token() == two[1].token()


# One that dies or hangs

def test_dead_one_leaves_no_lock(one, other, globus):
    other.token()
    globus.faults.refresh.black_hole(times=1)
    waiting = one.spawn("token", "--refresh")
    assert globus.wait_for(lambda: globus.count("refresh") == 1, PATIENCE)
    one.kill()
    assert finish(waiting).status != 0
    other.ctl("token", "--refresh").ok()
    assert not [request for request in refused_grants(globus) if request.status]


def test_stopped_one_is_not_overtaken(one, other, globus):
    """It may have sent its token; but the token that is valid is served, and time does not stand still."""
    valid = other.token()
    globus.faults.refresh.hold()
    waiting = one.spawn("token", "--refresh")
    assert globus.wait_for(lambda: globus.faults.refresh.held == 1, PATIENCE)
    os.kill(one.pid, signal.SIGSTOP)
    try:
        globus.faults.refresh.release()
        late = other.ctl("--timeout", "1", "token", "--refresh")
        assert late.status == 6 and one_line(late.err)
        assert other.token() == valid
    finally:
        os.kill(one.pid, signal.SIGCONT)
    finish(waiting).ok()
    assert other.ctl("token").status == 0 and not refused_grants(globus)


def test_save_that_fails_keeps_the_other_from_the_old_token(one, other, globus):
    """What is in the memory of one alone may not be replaced by what the other would get: nothing."""
    other.token()
    with one.home.hanging_disk():
        one.token("--refresh")
        late = other.ctl("--timeout", "1", "token", "--refresh")
        assert late.status == 6
        assert one.grant(GROUPS)["saved"] is False
    one.wait_saved()
    other.ctl("token", "--refresh").ok()
    assert not refused_grants(globus)


def test_claims_are_asked_for_while_a_save_waits(one, other, globus):
    """One cannot save; the other has something to save, too, and is not to take that for leave to refresh."""
    other.token()
    with one.home.hanging_disk():
        one.token("--refresh")
        other.token("auth", "--refresh")
        late = other.ctl("--timeout", "4", "token", "--refresh")
        assert late.status == 6
    for agent in (one, other):
        agent.wait_saved()
    other.ctl("token", "--refresh").ok()
    assert not refused_grants(globus)


def test_nothing_is_risked_while_the_disk_hangs(two, globus):
    """Neither can see what the other does. A token that nobody asks for, and that is valid, can wait."""
    clock, disk = FastClock(two[0].home.root, globus), BadDisk(two[0].home)
    libraries = f"{clock.env['LD_PRELOAD']}:{disk.env['LD_PRELOAD']}"
    for agent in two:
        agent.restart(env={**disk.env, **clock.env, "LD_PRELOAD": libraries})
    two[0].token("--refresh")
    two[0].wait_saved()
    two[1].token("--refresh")           # which only looks; what they have now lives by this clock

    before = globus.count("refresh")
    disk.hang("read")
    clock.leap_past(two, LOOK)
    two[0].wait_for(lambda _status: disk.hanging == 2)
    clock.leap(max(map(first_due, two)) - clock.now() + LATE)
    for agent in two:
        agent.wait_for(lambda _status: "put off" in agent.log)
    assert globus.count("refresh") == before
    valid = two[0].token()

    disk.heal()
    clock.leap(60 + LATE)
    clock.settle(two)
    assert two[0].token() == two[1].token() != valid
    assert not refused_grants(globus)
