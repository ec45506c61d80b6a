"""The end of a daemon loses no login, and keeps nobody waiting for what can be asked again."""

import signal
import subprocess

import pytest

from globus import Line
from harness import PATIENCE, finish

COURTESY = 5.0          # seconds that a daemon gives to what is not vital


def ends(agent, seconds):
    try:
        return agent.process.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        return False


@pytest.fixture
def refreshing(ada):
    """Globus has got a refresh token, will rotate it, and takes its time to say so."""
    ada.globus.knobs.rotate = True
    ada.globus.faults.refresh.hold()
    waiting = ada.spawn("token", "--refresh")
    assert ada.globus.wait_for(lambda: ada.globus.faults.refresh.held == 1, PATIENCE)
    yield ada
    ada.globus.faults.refresh.release()
    finish(waiting)


def test_rotated_token_is_waited_for(refreshing):
    agent, valid = refreshing, refreshing.token()
    agent.process.send_signal(signal.SIGTERM)
    assert not ends(agent, COURTESY + 1)
    assert agent.token() == valid               # and who asks meanwhile is served
    assert agent.ctl("--timeout", "1", "token", "auth", "--refresh").status == 1
    agent.globus.faults.refresh.release()
    assert ends(agent, PATIENCE)
    agent.process = None
    agent.start()
    assert agent.token() != valid
    assert agent.ctl("token", "auth", "--refresh").ok() and agent.refreshes() == 1


def test_what_never_reached_globus_is_not_waited_for(ada):
    ada.globus.fall(Line.SILENT)
    ada.globus.hang_up()
    waiting = ada.spawn("token", "--refresh")
    ada.wait_for(lambda status: status["connections"] == 2)     # its own, and the one that waits
    ada.process.send_signal(signal.SIGTERM)
    assert ends(ada, COURTESY * 3)
    ada.process = None
    assert finish(waiting).status in (1, 3)     # stopping, or gone by then
    ada.globus.mend()
    ada.start()
    assert ada.ctl("token", "--refresh").ok()
