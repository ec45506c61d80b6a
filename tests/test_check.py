"""make check counts right: nothing that broke passes for something that worked."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import check        # noqa: E402
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


def test_steps(monkeypatch, capsys):
    """What needs a step that failed is not run, nor is what needs that; the last line counts everything."""
    run = []

    def step(name, count, needs=None):
        return check.Step(name, lambda: run.append(name) or count, needs)

    monkeypatch.setattr(check, "STEPS", (
        step("a", Count(1, 0, 0)), step("b", Count(2, 1, 3)), step("c", Count(5, 0, 0), "b"),
        step("d", Count(7, 0, 0), "c"), step("e", Count(1, 0, 0), "a")))
    assert check.main() == 1
    assert run == ["a", "b", "e"]
    assert capsys.readouterr().out.splitlines()[-1] == "4 passed, 1 failed, 3 skipped"

    monkeypatch.setattr(check, "STEPS", (step("a", Count(1, 0, 2)),))
    assert check.main() == 0
