"""That the wall clock is watched, and a sleep noticed. No test sets the clock of the machine: what happens
then, unit tests say.
"""

import os
import pathlib
import re

import pytest

from clocks import FastClock

REALTIME = 0                            # clock_gettime(2)
CANCELLED_WHEN_SET = 0o3                # TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET


def timers(agent):
    """Of each timer the clock, and how it was set (proc_pid_fdinfo(5))."""
    found = []
    for entry in pathlib.Path(f"/proc/{agent.pid}/fdinfo").iterdir():
        text = entry.read_text()
        if clock := re.search(r"^clockid: (\d+)$", text, re.M):
            found.append((int(clock[1]), int(re.search(r"^settime flags: (\d+)$", text, re.M)[1], 8)))
    return found


@pytest.mark.skipif(os.geteuid() != 0, reason="what is not dumpable can be looked at by root only")
def test_step_of_the_wall_clock_is_watched_for(ada):
    assert [flags for clock, flags in timers(ada) if clock == REALTIME] == [CANCELLED_WHEN_SET]


def test_connection_of_before_a_sleep_is_not_used(stopped_agent, globus):
    """Nobody is at its other end any more, and who waits for an answer waits in vain."""
    clock = FastClock(stopped_agent.home.root, globus)
    ada = stopped_agent.start(env=clock.env)
    ada.login()

    def connections_for_a_listing():
        before = globus.accepted
        ada.ctl("groups", "--max-age", "0").ok()
        return globus.accepted - before

    assert connections_for_a_listing() == 1
    assert connections_for_a_listing() == 0
    clock.leap(30)                      # CLOCK_MONOTONIC knows nothing of it, as of a sleep
    assert connections_for_a_listing() == 1
    assert connections_for_a_listing() == 0
