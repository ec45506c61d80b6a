"""What `status` tells of each grant and of what is wrong, to people and to programs."""

import errno
import time

import pytest

from clocks import FastClock
from disks import BadDisk
from globus import AUTH, GROUPS
from harness import find_grant, finish

DAY = 86400


def shown(agent):
    """What a person sees of the groups' grant, by lines."""
    text = agent.ctl("status").ok().out
    return text[text.index(GROUPS):].splitlines()[1:]


def test_grant_that_is_well(ada):
    grant = ada.grant()
    assert grant["state"] == "valid" and grant["saved"] is True and grant["tries"] == 0
    assert grant["refreshable"] is True and grant["expiring_soon"] is False
    assert 172700 < grant["expires_in"] <= 172800 and abs(grant["refreshed_at"] - time.time()) < 60
    assert grant["expires_at"] - 4600 < grant["refresh_at"] < grant["expires_at"] - 3500
    assert not {"last_error", "last_error_at", "retry_at"} & grant.keys()
    lines = shown(ada)
    assert "valid for" in lines[0] and "next refresh in" in lines[0] and "saved" in lines[0]
    assert any(line.strip().startswith("last success at 20") for line in lines)
    assert not any("error" in line or "soon" in line for line in lines)


def test_last_error_with_its_time_and_the_tries_so_far(ada):
    ada.globus.faults.refresh.answer(503, {"Retry-After": "1000"}, "busy")
    for tries in 1, 2, 3:
        ada.ctl("token", "--refresh")
        grant = ada.grant()
        assert grant["tries"] == tries and "503" in grant["last_error"]
        assert abs(grant["last_error_at"] - time.time()) < 60 and grant["retry_at"] > time.time() + 900
    line, = (line for line in shown(ada) if "last error at" in line)
    assert ", 3 tries so far, no other for 16 min " in line and "503" in line
    assert ada.grant(AUTH)["tries"] == 0


def test_success_ends_the_error(ada):
    ada.globus.faults.refresh.answer(503, times=1)
    ada.ctl("token", "--refresh")
    ada.token("--refresh")
    assert ada.grant()["tries"] == 0 and not {"last_error", "last_error_at", "retry_at"} & ada.grant().keys()


def test_client_at_fault_takes_a_login_once_its_token_is_over(agent):
    agent.globus.knobs.lifetime = 0
    agent.globus.faults.refresh.answer_json({"error": "invalid_client"}, 401)
    agent.login()
    assert agent.ctl("token").status == 4
    grant = agent.grant()
    assert grant["state"] == "login_needed" and grant["refreshable"] is True
    assert 3500 < grant["retry_at"] - time.time() <= 3601


@pytest.mark.parametrize("skew, words", [(1200, "20 minutes behind"), (-86400, "1440 minutes ahead of")])
def test_clock_that_is_not_that_of_globus_is_a_problem(ada, skew, words):
    assert ada.status["problems"] == []
    ada.globus.knobs.skew = skew
    ada.token("--refresh")
    problem, = ada.status["problems"]
    assert problem.startswith("The clock of this machine is") and words in problem
    assert problem in ada.ctl("status").ok().out
    ada.globus.knobs.skew = 60                          # the network's, or no trouble
    ada.token("auth", "--refresh")
    assert ada.status["problems"] == []


def test_status_in_the_middle_of_a_refresh(ada):
    ada.globus.faults.refresh.hold()
    waiting = ada.spawn("token", "--refresh")
    ada.wait_refreshes(1)
    assert find_grant(ada.status)["state"] == "valid"
    ada.globus.faults.refresh.release()
    finish(waiting).ok()


def test_grant_that_globus_will_end_soon(stopped_agent, globus):
    """Six months after its last refresh, of which a person is told two weeks before."""
    clock = FastClock(stopped_agent.home.root, globus)
    ada = stopped_agent.start(env=clock.env)
    ada.login()
    globus.faults.refresh.answer(503)
    clock.leap(167 * DAY)
    ada.wait_for(lambda status: find_grant(status)["tries"] > 0)
    assert ada.grant()["expiring_soon"] is False and not any("soon" in line for line in shown(ada))
    clock.leap(2 * DAY)
    assert ada.grant()["expiring_soon"] is True
    assert any(line.strip().startswith("expires soon: Globus ends what") for line in shown(ada))

    globus.faults.clear()
    ada.token("--refresh")
    assert ada.grant()["expiring_soon"] is False


@pytest.mark.parametrize("error", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_file_system_without_locks_is_a_problem(stopped_agent, error):
    """But keeps nobody from anything."""
    disk = BadDisk(stopped_agent.home)
    disk.fail("lock", error)
    ada = stopped_agent.start(env=disk.env)
    ada.login()
    ada.wait_saved()
    problem, = ada.status["problems"]
    assert "has no locks" in problem and problem in ada.ctl("status").ok().out
    token = ada.token("--refresh")
    ada.wait_saved()
    disk.heal()
    ada.restart()
    assert ada.token() == token
    ada.token("--refresh")
    ada.wait_for(lambda status: status["store"]["saved"] and status["problems"] == [])
