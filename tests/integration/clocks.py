"""A clock that leaps, for daemons that are started with it; two that share it share the time."""

import mmap
import os
import pathlib
import struct
import time

from globus import Globus
from harness import BUILD, Agent

LIFETIME = 600                  # of tokens on this clock, seconds: many of them are soon lived
LEAD = 110                      # a token is refreshed longer before its end than that
LATE = 2                        # by how much timers are at most

LIBRARY = BUILD / "tests" / "torture" / "fast-clock.so"
NSEC_PER_SEC = 10**9


class FastClock:
    """Globus's clock leaps along, and its tokens live for LIFETIME. Leap only while no daemon is at anything
    for which its patience is short."""

    def __init__(self, directory: pathlib.Path, globus: Globus) -> None:
        assert LIBRARY.exists(), "it is not built: make unit-programs"
        globus.knobs.expires_in = LIFETIME
        self._globus = globus
        self._ahead = 0
        path = directory / "fast-clock"
        path.write_bytes(bytes(8))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 8)
        asan = os.environ.get("ASAN_OPTIONS", "")
        self.env = {"LD_PRELOAD": str(LIBRARY), "FAST_CLOCK": str(path),
                    "ASAN_OPTIONS": f"{asan}:verify_asan_link_order=0"}

    def leap(self, seconds: float) -> None:
        self._ahead += round(seconds * NSEC_PER_SEC)
        self._map[:] = struct.pack("q", self._ahead)
        self._globus.knobs.skew = self._ahead // NSEC_PER_SEC

    def now(self) -> float:
        """Unix time."""
        return time.time() + self._ahead / NSEC_PER_SEC

    def leap_past(self, agents: list[Agent], seconds: float) -> None:
        """What is due at about that time is due then."""
        at = self.now() + seconds
        for due in sorted(grant["refresh_at"] for agent in agents for grant in grants(agent.status)):
            if abs(due - at) < LATE:
                at = due + LATE
        self.leap(at - self.now())

    def settle(self, agents: list[Agent]) -> None:
        """Until what was due is done and saved. While a daemon refreshes, the next time is a minute after it
        began: too late to be true."""

        def is_done(status: dict) -> bool:
            return status["store"]["state"] == "open" and status["store"]["saved"] and all(
                self.now() + 0.5 < grant["refresh_at"] < grant["expires_at"] - LEAD for grant in grants(status))

        for agent in agents:
            agent.wait_for(is_done)


def grants(status: dict) -> list[dict]:
    return [grant for account in status["profiles"] for grant in account["grants"]]


def first_due(agent: Agent) -> float:
    return min(grant["refresh_at"] for grant in grants(agent.status))


__all__ = ["LATE", "LIFETIME", "FastClock", "first_due", "grants"]
