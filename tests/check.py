"""make check: builds, runs every test and the lint, then the tests once more under the sanitizers, and fuzzes.

    python3 tests/check.py [here|debian13|inside|everywhere]

The last line counts everything, each build and each part of the lint as one.
"""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from typing import Callable, NamedTuple

import fuzzers
import lint
import units
from containers import debian13
from units import Count

PLAIN = pathlib.Path("build")
CLANG = pathlib.Path("build/clang")
SANITIZED = pathlib.Path("build/asan")
FUZZED = pathlib.Path("build/fuzz")

NO_SOURCE = 77      # the exit status of tests/fuzz/json-c where there is none

SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
}


class Step(NamedTuple):
    name: str
    run: Callable[[], Count]
    needs: str | None = None    # a step that must have passed


def make(*arguments: str) -> Count:
    """With a jobserver of its own: that of the make that runs us is not passed through Python."""
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")}
    done = subprocess.run([environment.get("MAKE", "make"), "-s", "-j2", *arguments], env=environment)
    return Count(passed=1) if done.returncode == 0 else Count(failed=1)


def pytest(build: pathlib.Path, *paths: str) -> Count:
    """The tests look for the programs in GLOBUS_AGENT_BUILD."""
    with tempfile.TemporaryDirectory() as directory:
        report = pathlib.Path(directory, "report.xml")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *paths],
            env=os.environ | {"GLOBUS_AGENT_BUILD": str(build.resolve())})
        return read_junit(report, done.returncode == 0)


def read_junit(report: pathlib.Path, ended_well: bool) -> Count:
    try:
        suite = ElementTree.parse(report).getroot().find("testsuite")
        total, failures, errors, skipped = (
            int(suite.get(name)) for name in ("tests", "failures", "errors", "skipped"))
    except (OSError, ElementTree.ParseError, AttributeError, TypeError):
        return Count(failed=1)

    failed = failures + errors
    count = Count(max(total - failed - skipped, 0), failed, skipped)
    return count if ended_well or failed else count + Count(failed=1)


def lint_all() -> Count:
    results = lint.run(pathlib.Path("."), PLAIN)
    lint.show(results)
    failed = sum(1 for findings in results.values() if findings)
    return Count(len(results) - failed, failed)


def fuzz() -> Count:
    """The build is one, and each fuzzer. Left out where json-c has no source: they would be blind."""
    status = subprocess.run(["tests/fuzz/json-c", FUZZED / "json-c"]).returncode
    if status:
        return Count(skipped=1) if status == NO_SOURCE else Count(failed=1)

    built = make(f"BUILD={FUZZED}", "CC=clang", "WERROR=1", "SANITIZE=fuzzer-no-link,address,undefined",
                 "fuzzers")
    return built if built.failed else built + fuzzers.run(FUZZED)


def say(count: Count) -> str:
    """Not as the last line says it, which there is only once."""
    verdict = f"{count.failed} of {sum(count)} FAILED" if count.failed else "well"
    return f"{verdict}, {count.skipped} of {sum(count)} left out" if count.skipped else verdict


BUILD = Step("build", lambda: make(f"BUILD={PLAIN}", "WERROR=1", "all", "unit-programs"))
UNIT_TESTS = Step("unit tests", lambda: units.run(PLAIN), needs="build")
HERE = (
    BUILD,
    UNIT_TESTS,
    Step("integration and lint tests", lambda: pytest(PLAIN, "tests"), needs="build"),
    Step("lint", lint_all),
    Step("build with clang", lambda: make(f"BUILD={CLANG}", "CC=clang", "WERROR=1", "all")),
    Step("sanitized build",
         lambda: make(f"BUILD={SANITIZED}", "SANITIZE=address,undefined", "all", "unit-programs")),
    Step("unit tests, sanitized", lambda: units.run(SANITIZED), needs="sanitized build"),
    Step("integration tests, sanitized",
         lambda: pytest(SANITIZED, "tests/integration"), needs="sanitized build"),
    Step("fuzzers", fuzz),
)
INSIDE = (
    BUILD,
    UNIT_TESTS,
    Step("integration tests", lambda: pytest(PLAIN, "tests/integration"), needs="build"),
)
DEBIAN_13 = Step("Debian 13", debian13.run)
SETS = {"here": HERE, "debian13": (DEBIAN_13,), "inside": INSIDE, "everywhere": (*HERE, DEBIAN_13)}


def main() -> int:
    os.chdir(pathlib.Path(__file__).resolve().parent.parent)
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    total, broken = Count(), set()
    for step in SETS[sys.argv[1] if len(sys.argv) > 1 else "here"]:
        if step.needs in broken:
            print(f"-- {step.name}: not run, for the {step.needs} failed", flush=True)
            broken.add(step.name)
            continue

        print(f"-- {step.name}", flush=True)
        started = time.monotonic()
        if "sanitized" in step.name:
            os.environ.update(SANITIZER_OPTIONS)
        count = step.run()
        print(f"-- {step.name}: {say(count)} ({time.monotonic() - started:.0f} s)", flush=True)
        total += count
        if count.failed:
            broken.add(step.name)

    print(total, flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
