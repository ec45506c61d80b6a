"""Runs the unit tests of a build, all test-* programs below its tests/unit, and shows only what fails.

    python3 tests/units.py BUILD
"""

import os
import pathlib
import re
import subprocess
import sys
from typing import NamedTuple

TIMEOUT = 120   # seconds, of one program


class Count(NamedTuple):
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(*(a + b for a, b in zip(self, other)))

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def run(build: pathlib.Path) -> Count:
    """The source says which programs there are, so that one that was not built is not passed over."""
    total = Count()
    for source in sorted(pathlib.Path("tests/unit").glob("test-*.c")):
        total += run_program(build / "tests/unit" / source.stem)
    return total


def run_program(program: pathlib.Path) -> Count:
    environment = os.environ | {"CMOCKA_MESSAGE_OUTPUT": "TAP"}
    try:
        done = subprocess.run([program], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=TIMEOUT, text=True, errors="replace")
        output, status = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        output, status = (late.stdout or b"").decode(errors="replace"), f"no end after {TIMEOUT} s"
    except OSError as error:
        output, status = "", f"cannot be run: {error.strerror}"

    count = read_tap(output, status == 0)
    if count.failed:
        print(f"{program} ({status}):\n{output}", flush=True)
    return count


def read_tap(output: str, ended_well: bool) -> Count:
    """What was announced and never reported has failed, and so has a program that says otherwise at its end."""
    announced = sum(int(n) for n in re.findall(r"^1\.\.(\d+)$", output, re.MULTILINE))
    results = re.findall(r"^(ok|not ok) \d+ (# SKIP)?", output, re.MULTILINE)
    skipped = sum(1 for _, skip in results if skip)
    passed = sum(1 for result, skip in results if result == "ok" and not skip)
    failed = max(announced, len(results)) - passed - skipped
    if not ended_well or not announced:
        failed = max(failed, 1)
    return Count(passed, failed, skipped)


def main() -> int:
    count = run(pathlib.Path(sys.argv[1]))
    print(count)
    return 1 if count.failed else 0


if __name__ == "__main__":
    sys.exit(main())
