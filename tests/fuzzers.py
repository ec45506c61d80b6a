"""Runs the fuzzers of a build, two at a time, each on from the corpus that it left there.

    python3 tests/fuzzers.py BUILD [SECONDS]
"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from typing import NamedTuple

from fuzz import seeds
from units import Count

SECONDS = 30    # of each
PARALLEL = 2
INPUT_SECONDS = 20      # more than that for one input is a finding
REPORT_LINES = 60

OPTIONS = {"ASAN_OPTIONS": "quarantine_size_mb=64", "UBSAN_OPTIONS": "print_stacktrace=1"}


class Outcome(NamedTuple):
    name: str
    runs: int
    edges: int
    inputs: int     # in the corpus
    cpu: float      # seconds
    finding: str | None     # where its input is, or what went wrong

    def __str__(self) -> str:
        return (f"{self.name:14}{self.runs:>11} runs {self.edges:>6} edges {self.inputs:>6} inputs "
                f"{self.cpu:>6.0f} s CPU   {self.finding or 'no finding'}")


def run(build: pathlib.Path, seconds: int = SECONDS) -> Count:
    """The source says which fuzzers there are, so that one that was not built is not passed over."""
    sources = sorted(pathlib.Path("tests/fuzz").glob("fuzz-*.c"))
    names = [source.stem.removeprefix("fuzz-") for source in sources]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        runs = [pool.submit(fuzz, build, name, seconds) for name in names]
        for done in concurrent.futures.as_completed(runs):
            print(done.result(), flush=True)
            failed += done.result().finding is not None
    return Count(len(names) - failed, failed)


def fuzz(build: pathlib.Path, name: str, seconds: int) -> Outcome:
    log = prepare(build, name)
    findings = build / "findings" / name
    # What was found before goes first: found again, unless it was mended.
    command = [build / f"tests/fuzz/fuzz-{name}", f"-max_total_time={seconds}", f"-timeout={INPUT_SECONDS}",
               f"-dict={build}/dictionaries/{name}", f"-artifact_prefix={findings}/", "-print_final_stats=1",
               build / "corpus" / name, build / "seeds" / name, findings]
    status, cpu = execute(command, log)
    output = log.read_text(errors="replace")
    outcome = read_output(name, output, status)._replace(cpu=cpu)
    if outcome.finding:
        print(*output.splitlines()[-REPORT_LINES:], sep="\n", flush=True)
    else:
        for mended in findings.iterdir():
            mended.unlink()
    return outcome


def prepare(build: pathlib.Path, name: str) -> pathlib.Path:
    """The directories and files of a fuzzer. Returns the path of its log."""
    for directory in ("corpus", "findings"):
        (build / directory / name).mkdir(parents=True, exist_ok=True)
    for directory in ("dictionaries", "logs"):
        (build / directory).mkdir(parents=True, exist_ok=True)
    seeds.write(build / "seeds" / name, name)
    (build / "dictionaries" / name).write_text(seeds.dictionary(name))
    return build / "logs" / name


def execute(command: list, log: pathlib.Path) -> tuple[object, float]:
    """The exit status, or why there is none, and the seconds of CPU."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as directory, log.open("wb") as output:
        try:
            process = subprocess.Popen(command, env=os.environ | OPTIONS | {"TMPDIR": directory},
                                       stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        except OSError as error:
            return f"cannot be run: {error.strerror}", 0
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_utime + usage.ru_stime


def read_output(name: str, output: str, status: object) -> Outcome:
    """Of libFuzzer. One that ran nothing has found something wrong, too: itself."""
    runs = [int(n) for n in re.findall(r"^(?:#|stat::number_of_executed_units: +)(\d+)", output, re.MULTILINE)]
    progress = re.findall(r"^#\d+\t.*\bcov: (\d+) .*\bcorp: (\d+)/", output, re.MULTILINE)
    edges, inputs = map(int, progress[-1]) if progress else (0, 0)
    kept = re.findall(r"Test unit written to (\S+)", output)
    finding = None
    if status != 0 or not progress:
        finding = f"FOUND {kept[-1]}" if kept else f"FAILED ({status})"
    return Outcome(name, max(runs, default=0), edges, inputs, 0, finding)


def main() -> int:
    count = run(pathlib.Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else SECONDS)
    print(f"{count.passed} passed, {count.failed} failed")
    return 1 if count.failed else 0


if __name__ == "__main__":
    sys.exit(main())
