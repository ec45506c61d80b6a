"""make check counts right: nothing that broke passes for something that worked."""

import pathlib
import re
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import check        # noqa: E402
import fuzzers      # noqa: E402
import units        # noqa: E402
from units import Count     # noqa: E402

SUITE = """<testsuites><testsuite tests="{tests}" failures="{failures}" errors="{errors}" skipped="{skipped}"/>
</testsuites>"""


@pytest.mark.parametrize("output, ended_well, count", [
    ("1..2\nok 1 - a\nok 2 - b\n# ok - tests\n", True, Count(2, 0, 0)),
    ("1..3\nok 1 - a\nnot ok 2 - b\n# 0x1 != 0x2\nnot ok 3 # SKIP c\n", False, Count(1, 1, 1)),
    ("1..3\nok 1 - a\n", False, Count(1, 2, 0)),
    ("1..1\nok 1 - a\nERROR: LeakSanitizer\n", False, Count(1, 1, 0)),
    ("1..1\nok 1 - a\n1..2\nok 1 - b\nok 2 - c\n", True, Count(3, 0, 0)),
    ("", True, Count(0, 1, 0)),
    ("", False, Count(0, 1, 0)),
])
def test_tap(output, ended_well, count):
    assert units.read_tap(output, ended_well) == count


def test_program_that_dies(tmp_path, capsys):
    program = tmp_path / "test-death"
    program.write_text("#!/bin/sh\necho 1..2\necho 'ok 1 - a'\nkill -SEGV $$\n")
    program.chmod(0o755)
    assert units.run_program(program) == Count(1, 1, 0)
    assert "test-death (-11)" in capsys.readouterr().out


def test_program_that_is_missing(tmp_path):
    assert units.run_program(tmp_path / "test-nothing") == Count(failed=1)


@pytest.mark.parametrize("report, ended_well, count", [
    (SUITE.format(tests=5, failures=1, errors=1, skipped=1), False, Count(2, 2, 1)),
    (SUITE.format(tests=2, failures=0, errors=0, skipped=0), True, Count(2, 0, 0)),
    (SUITE.format(tests=2, failures=0, errors=0, skipped=0), False, Count(2, 1, 0)),
    ("<testsuites>", True, Count(0, 1, 0)),
    (None, False, Count(0, 1, 0)),
])
def test_junit(tmp_path, report, ended_well, count):
    path = tmp_path / "report.xml"
    if report is not None:
        path.write_text(report)
    assert check.read_junit(path, ended_well) == count


FUZZED = """#2\tINITED cov: 3 ft: 4 corp: 1/1b exec/s: 0 rss: 37Mb
#89339\tDONE   cov: 122 ft: 725 corp: 139/6774b lim: 553 exec/s: 9926 rss: 406Mb
"""
CRASHED = "==1==ERROR: AddressSanitizer: heap-use-after-free\nTest unit written to build/crash-1\n"


@pytest.mark.parametrize("output, status, runs, edges, finding", [
    (FUZZED, 0, 89339, 122, None),
    (FUZZED + "stat::number_of_executed_units: 89340\n", 0, 89340, 122, None),
    (FUZZED + CRASHED, 77, 89339, 122, "FOUND build/crash-1"),
    (FUZZED, -9, 89339, 122, "FAILED (-9)"),
    (CRASHED, 1, 0, 0, "FOUND build/crash-1"),
    ("", 0, 0, 0, "FAILED (0)"),
    ("", "cannot be run", 0, 0, "FAILED (cannot be run)"),
])
def test_fuzzer(output, status, runs, edges, finding):
    outcome = fuzzers.read_output("a", output, status)
    assert (outcome.runs, outcome.edges, outcome.finding) == (runs, edges, finding)


@pytest.mark.parametrize("end, count, left", [
    ("exit 0", Count(1, 0), []),
    ("kill -SEGV $$", Count(0, 1), ["crash-1"]),
])
def test_fuzzers(tmp_path, monkeypatch, capsys, end, count, left):
    """Each is run on with what was found before, which is kept only if it is found again."""
    program = tmp_path / "tests/fuzz/fuzz-frame"
    finding = tmp_path / "findings/frame/crash-1"
    for path in (program, finding):
        path.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho $*\nprintf '{FUZZED}'\n{end}\n")
    program.chmod(0o755)
    finding.touch()
    monkeypatch.setattr(pathlib.Path, "glob", lambda *_: [pathlib.Path("fuzz-frame.c")])

    assert fuzzers.run(tmp_path, 7) == count
    assert "-max_total_time=7 " in (tmp_path / "logs/frame").read_text()
    assert [path.name for path in finding.parent.iterdir()] == left
    assert re.search(r"^frame +89339 runs +122 edges +139 inputs", capsys.readouterr().out, re.MULTILINE)


def test_methods_are_fuzzed():
    dispatched, fuzzed = (set(re.findall(r"&(method_\w+)", (ROOT / path).read_text()))
                          for path in ("daemon/rpc/dispatch.c", "tests/fuzz/fuzz-message.c"))
    assert dispatched == fuzzed != set()


def test_steps(monkeypatch, capsys):
    """What needs a step that failed is not run, nor is what needs that; the last line counts everything."""
    run = []

    def step(name, count, needs=None):
        return check.Step(name, lambda: run.append(name) or count, needs)

    monkeypatch.setattr(sys, "argv", ["check.py", "some"])
    monkeypatch.setitem(check.SETS, "some", (
        step("a", Count(1, 0, 0)), step("b", Count(2, 1, 3)), step("c", Count(5, 0, 0), "b"),
        step("d", Count(7, 0, 0), "c"), step("e", Count(1, 0, 0), "a")))
    assert check.main() == 1
    assert run == ["a", "b", "e"]
    assert capsys.readouterr().out.splitlines()[-1] == "4 passed, 1 failed, 3 skipped"

    monkeypatch.setitem(check.SETS, "some", (step("a", Count(1, 0, 2)),))
    assert check.main() == 0
