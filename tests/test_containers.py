"""Containers leave nothing behind, and what cannot be had is told from what failed."""

import fcntl
import os
import pathlib
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from containers import NotHere, cgroup, debian13, machine, tree     # noqa: E402
from units import Count     # noqa: E402

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="takes root: control groups")


@pytest.fixture
def group():
    try:
        with cgroup.Cgroup("globus-agent-test") as made:
            yield made
    except NotHere as why:
        pytest.skip(str(why))


@as_root
def test_group_ends_with_all_that_it_started(group):
    """Be it deaf, in a session of its own, and no child of anybody's."""
    deaf = "trap '' INT HUP TERM; (setsid sh -c 'echo ready; exec sleep 1000' &); sleep 1000"
    process = group.spawn("sh", "-c", deaf, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    group.end()
    assert process.wait(10) == -9 and not group.path.exists()


@as_root
def test_group_with_groups_of_its_own(group):
    move = 'mkdir -p "$0/a/b" && echo 0 >"$0/a/b/cgroup.procs" && echo ready && sleep 1000'
    process = group.spawn("sh", "-c", move, group.path, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    assert group.first("a/b") == process.pid


@as_root
def test_started_process_ends_with_a_killed_starter():
    script = (f"import sys; sys.path.insert(0, {str(ROOT / 'tests')!r})\n"
              "from containers.cgroup import Cgroup\n"
              "group = Cgroup('globus-agent-test').__enter__()\n"
              "child = group.spawn('sh', '-c', 'echo in; exec sleep 1000', stdout=-1)\n"
              "child.stdout.readline()\n"
              "print(group.path, child.pid, flush=True)\n"
              "sys.stdin.read()\n")
    starter = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               text=True)
    if not (said := starter.stdout.readline().split()):
        starter.wait(10)
        pytest.skip("no control group can be made")
    starter.kill()
    starter.wait(10)
    group = cgroup.Cgroup("globus-agent-test")
    group.path = pathlib.Path(said[0])
    group.wait_empty()
    group.path.rmdir()


def test_what_is_not_to_be_had_is_left_out(monkeypatch, capsys):
    def without():
        raise NotHere("there is no tree here")

    monkeypatch.setattr(debian13, "_run", without)
    assert debian13.run() == Count(skipped=1)
    assert capsys.readouterr().out == "Debian 13 is left out: there is no tree here\n"


@pytest.mark.parametrize("output, ended_well, count", [
    ("-- build\n3 passed, 0 failed, 1 skipped\n", True, Count(3, 0, 1)),
    ("3 passed, 2 failed, 1 skipped\n", False, Count(3, 2, 1)),
    ("3 passed, 0 failed, 1 skipped\n", False, Count(3, 1, 1)),
    ("3 passed, 0 failed, 1 skipped\nKilled\n", True, Count(0, 1, 0)),
    ("-- build: 3 passed, 0 failed, 1 skipped", True, Count(0, 1, 0)),
    ("", True, Count(0, 1, 0)),
])
def test_last_line_is_what_counts(output, ended_well, count):
    assert debian13.read_count(output, ended_well) == count


def test_cache_keeps_what_is_new_or_in_use(tmp_path, monkeypatch):
    monkeypatch.setattr(tree, "CACHE", tmp_path)
    old = time.time() - tree.GOOD_FOR - 60
    for name in "trixie-1", "trixie-2", "trixie-3", "trixie-1.half":
        (tmp_path / name).mkdir()
    for name in "trixie-2", "trixie-3":
        os.utime(tmp_path / name, (old, old))
    with tree.locked(tmp_path / "trixie-3", fcntl.LOCK_SH):
        tree.remove_old()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["trixie-1", "trixie-3"]


def test_mirror_is_the_one_of_the_machine(tmp_path, monkeypatch):
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "apt-get").write_text("#!/bin/sh\ntrue\n")
    (programs / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    with pytest.raises(NotHere, match="has no mirror"):
        tree.find_mirror("trixie")


@as_root
def test_tree_that_does_not_boot(tmp_path):
    """Said with what the container's starter says, and nothing is left."""
    (tmp_path / "usr").mkdir()
    try:
        with pytest.raises(RuntimeError, match="does not boot"), machine.Machine(tmp_path):
            pass
    except NotHere as why:
        pytest.skip(str(why))
    assert not list(cgroup.root().glob(f"*.{os.getpid()}"))
