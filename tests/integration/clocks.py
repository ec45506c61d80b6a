"""A clock that leaps, for daemons that are started with it; two that share it share the time."""

import mmap
import os
import pathlib
import struct
import time

from globus import Globus
from harness import BUILD

LIBRARY = BUILD / "tests" / "torture" / "fast-clock.so"
NSEC_PER_SEC = 10**9


class FastClock:
    """Globus's clock leaps along. Leap only while no daemon is at anything that it is patient with."""

    def __init__(self, directory: pathlib.Path, globus: Globus) -> None:
        assert LIBRARY.exists(), "it is not built: make unit-programs"
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


__all__ = ["FastClock"]
