"""That the wall clock is watched. No test sets that of the machine: what happens then, unit tests say."""

import os
import pathlib
import re

import pytest

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="what is not dumpable can be looked at by root only")

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


def test_step_of_the_wall_clock_is_watched_for(ada):
    assert [flags for clock, flags in timers(ada) if clock == REALTIME] == [CANCELLED_WHEN_SET]
